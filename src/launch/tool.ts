/** Programs of the host that tsrun asks for something. */
import { HostError } from '../base/errors.js'
import { exists, readFile } from '../sys/files.js'
import { native } from '../sys/native.js'
import { closeOthersOnExec, type Exit, spawn, wait } from '../sys/process.js'
import { withCallerLimits } from './limits.js'

const MFD_CLOEXEC = 1
const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Runs a program to its end: how it ended, and what it wrote to both of its outputs. A name is looked for in the PATH. Throws HostError.
 */
export function runForOutput(
  name: string,
  args: readonly string[],
  env: readonly string[] = native().environ,
): { exit: Exit; output: string } {
  const calls = native()
  const short = name.slice(name.lastIndexOf('/') + 1)
  const output = calls.memfd_create(`tsrun-${short}`, MFD_CLOEXEC)
  try {
    const fds: [number, number][] = [
      [0, 0],
      [output, 1],
      [output, 2],
    ]
    const path = name.startsWith('/') ? name : findTool(name)
    closeOthersOnExec()
    const pid = withCallerLimits(() => spawn(path, { argv: [short, ...args], env, fds }))
    const exit = wait({ pid })
    if (exit === undefined) throw new HostError(`${name} could not be waited for`)
    return { exit, output: readFile(`/proc/self/fd/${output}`) }
  } finally {
    calls.close(output)
  }
}

/** The same, of a program that has to be there. Throws HostError, with the hint. */
export function findTool(name: string, hint = ''): string {
  const path = findProgram(name)
  if (path !== undefined) return path
  throw new HostError(`${name} is not installed${hint === '' ? '' : `: ${hint}`} (looked in ${searchPath()})`)
}

/** Where a program is: in the absolute directories of the PATH, so that none of the current directory is run. */
export function findProgram(name: string): string | undefined {
  for (const directory of searchPath().split(':')) {
    if (directory.startsWith('/') && exists(`${directory}/${name}`)) return `${directory}/${name}`
  }
  return undefined
}

function searchPath(): string {
  let path = USUAL_PATH
  for (const entry of native().environ) if (entry.startsWith('PATH=')) path = entry.slice('PATH='.length)
  return path
}
