import { HostError, TsrunError } from '../base/errors.js'
import { runForOutput } from '../launch/tool.js'
import { containerProcesses } from './cgroup.js'
import type { Common } from './options.js'
import { load } from './store.js'

/** Ids of a container's processes, in the runtime's pid namespace, ascending. Throws StateError. */
export function listProcesses(common: Common, id: string): number[] {
  try {
    return containerProcesses(load(common.root, id).cgroup).sort((a, b) => a - b)
  } catch (error) {
    throw error instanceof TsrunError ? error.wrap(`ps ${JSON.stringify(id)}`) : error
  }
}

/**
 * What the host's ps says of a container's processes: its heading and their lines. `args` go to ps (`-ef` when there are none) and
 * must ask for a column PID. Throws StateError, HostError.
 */
export function processTable(common: Common, id: string, args: readonly string[]): string {
  const pids = new Set(listProcesses(common, id))
  const options = args.length === 0 ? ['-ef'] : args
  const { exit, output } = runForOutput('ps', options)
  if (!('code' in exit) || exit.code !== 0) {
    throw new HostError(`ps ${JSON.stringify(id)}: ps ${options.join(' ')} failed: ${output.trim()}`)
  }
  return rowsOf(output, pids)
}

/** The heading and the lines whose column PID holds one of these. Throws HostError when there is no such column. */
export function rowsOf(output: string, pids: ReadonlySet<number>): string {
  const [heading = '', ...lines] = output.split('\n')
  const column = words(heading).indexOf('PID')
  if (column < 0) throw new HostError("couldn't find PID field in ps output: ask for a column PID")
  let table = `${heading}\n`
  for (const line of lines) if (pids.has(Number(words(line)[column]))) table += `${line}\n`
  return table
}

const words = (line: string): string[] => line.split(' ').filter(word => word !== '')
