/** Entry of the static form: shim/static/main.c calls this script with the engine it made. */
import { install, type Native } from '../sys/native.js'
import { main } from './main.js'

declare const native: Native

export function start(): void {
  install(native)
  native.exit(main())
}
