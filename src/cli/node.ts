/** Entry of the npm form's command. `bin/tsrun` starts node with it and says first how it was started itself. */

import { dirname } from 'node:path'
import { install, native } from '../sys/native.js'
import { nodeNative } from '../sys/node.js'

/** This file only runs as part of a CommonJS bundle (tools/bundlejs.mjs). */
declare const require: (path: string) => unknown

/** `--nofile=1024`, before the arguments: the soft RLIMIT_NOFILE that node found. */
const marker = '--nofile='

export function start(main: () => number): void {
  const [node = 'node', , ...argv] = process.argv
  const script = import.meta.url
  const nofile = argv[0]?.startsWith(marker) ? argv.shift()?.slice(marker.length) : undefined
  const dist = dirname(script)
  install(
    nodeNative({
      argv,
      self: [node, ...process.execArgv, script],
      load: part => require(`${dist}/${part}.cjs`),
      ...(nofile !== undefined && { callerNofile: nofile === 'unlimited' ? Infinity : Number(nofile) }),
    }),
  )
  native().exit(main())
}
