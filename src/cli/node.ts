/** Entry of the npm form's command. `bin/tsrun` starts node with it and says first how it was started itself. */

import { dirname } from 'node:path'
import { install, native } from '../sys/native.js'
import { nodeNative } from '../sys/node.js'

/** This file only runs as part of a CommonJS bundle (tools/bundlejs.mjs). */
declare const require: (path: string) => unknown

/** `--started=1024,101`: the soft RLIMIT_NOFILE, and which of the descriptors 0 to 2 were open. */
const marker = '--started='

export function start(main: () => number): void {
  const [node = 'node', , ...argv] = process.argv
  const script = import.meta.url
  const started = argv[0]?.startsWith(marker) ? argv.shift()?.slice(marker.length).split(',') : undefined
  const [nofile, open] = started ?? []
  const dist = dirname(script)
  install(
    nodeNative({
      argv,
      self: [node, ...process.execArgv, script],
      load: part => require(`${dist}/${part}.cjs`),
      ...(nofile !== undefined && { callerNofile: nofile === 'unlimited' ? Infinity : Number(nofile) }),
      ...(open !== undefined && { callerStdio: [open[0] === '1', open[1] === '1', open[2] === '1'] }),
    }),
  )
  native().exit(main())
}
