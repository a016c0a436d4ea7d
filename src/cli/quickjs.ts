/** Entry of the static form: shim/static/image.c evaluates this script with the engine it made, and calls `main` later. */
import { install, type Native } from '../sys/native.js'

declare const native: Native & { main: () => number }

/** Runs at build time: what it leaves is part of the program's file. */
export function start(main: () => number): void {
  install(native)
  native.main = main
}
