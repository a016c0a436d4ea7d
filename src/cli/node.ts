/** Entry of the npm form's command, called by npm.ts. `bin/tsrun` says first how it was started itself. */
import { install, native } from '../sys/native.js'
import { nodeNative } from '../sys/node.js'

/** What npm.ts gives the functions that tools/bundlejs.mjs makes of parts. */
declare const loadPart: (part: string) => unknown

/** `--nofile=1024`, before the arguments: the soft RLIMIT_NOFILE that node found. */
const marker = '--nofile='

export function start(main: () => number): void {
  const [node = 'node', , ...argv] = process.argv
  const script = import.meta.url
  const nofile = argv[0]?.startsWith(marker) ? argv.shift()?.slice(marker.length) : undefined
  install(
    nodeNative({
      argv,
      self: [node, ...process.execArgv, script],
      load: loadPart,
      ...(nofile !== undefined && { callerNofile: nofile === 'unlimited' ? Infinity : Number(nofile) }),
    }),
  )
  native().exit(main())
}
