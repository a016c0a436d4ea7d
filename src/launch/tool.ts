/** Programs of the host that tsrun asks for something. */
import { HostError } from '../base/errors.js'
import { exists, readFile } from '../sys/files.js'
import { native } from '../sys/native.js'
import { closeOthersOnExec, type Exit, spawn, wait } from '../sys/process.js'
import { withCallerLimits } from './limits.js'

const MFD_CLOEXEC = 1
const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Runs a program of the PATH to its end: how it ended, and what it wrote to both of its outputs. Throws HostError. */
export function runForOutput(name: string, args: readonly string[]): { exit: Exit; output: string } {
  const calls = native()
  const output = calls.memfd_create(`tsrun-${name}`, MFD_CLOEXEC)
  try {
    const fds: [number, number][] = [
      [0, 0],
      [output, 1],
      [output, 2],
    ]
    const path = find(name)
    closeOthersOnExec()
    const pid = withCallerLimits(() => spawn(path, { argv: [name, ...args], env: calls.environ, fds }))
    const exit = wait({ pid })
    if (exit === undefined) throw new HostError(`${name} could not be waited for`)
    return { exit, output: readFile(`/proc/self/fd/${output}`) }
  } finally {
    calls.close(output)
  }
}

function find(name: string): string {
  let path = USUAL_PATH
  for (const entry of native().environ) if (entry.startsWith('PATH=')) path = entry.slice('PATH='.length)
  for (const directory of path.split(':')) {
    if (directory !== '' && exists(`${directory}/${name}`)) return `${directory}/${name}`
  }
  throw new HostError(`${name} is not installed (looked in ${path})`)
}
