/** Entry of the static form: shim/static/main.c calls this script with the engine it made. */
import { install, type Native } from '../sys/native.js'

declare const native: Native

export function start(main: () => number): void {
  install(native)
  native.exit(main())
}
