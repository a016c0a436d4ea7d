/** Entry of the npm form's command, called by npm.ts. `bin/tsrun` says first how it was started itself. */
import { install, native } from '../sys/native.js'
import { nodeNative } from '../sys/node.js'

/** What npm.ts gives the functions that tools/bundlejs.mjs makes of parts. */
declare const loadPart: (part: string) => unknown

/** `--caller=1024,0`, before the arguments: the soft RLIMIT_NOFILE and the descriptors from 3 on before node changed both. */
const marker = '--caller='

export function start(main: () => number): void {
  const [node = 'node', , ...argv] = process.argv
  const script = import.meta.url
  const caller = argv[0]?.startsWith(marker) ? argv.shift()?.slice(marker.length).split(',') : undefined
  install(
    nodeNative({
      argv,
      self: [node, ...process.execArgv, script],
      load: loadPart,
      ...(caller !== undefined && { callerNofile: Number(caller[0]), callerFds: Number(caller[1]) }),
    }),
  )
  native().exit(main())
}
