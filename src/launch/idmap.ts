import { HostError } from '../base/errors.js'
import type { IdMapping, OpOf } from '../plan/op.js'
import { readFile } from '../sys/files.js'
import { writeKernelFile } from '../sys/kernelfiles.js'
import { runMapTool } from './maptool.js'
import { refusals } from './userns.js'

/** Lines of /proc/PID/uid_map: first id inside, first id outside, length. All in one write (user_namespaces(7)). */
function lines(mappings: readonly IdMapping[]): string {
  let text = ''
  for (const { containerID, hostID, size } of mappings) text += `${containerID} ${hostID} ${size}\n`
  return text
}

/** Writes the id maps of a process that has just made its user namespace. */
export function writeIdMaps({ uid, gid, setgroups, tools = [] }: OpOf<'write_id_map'>, pid: number): void {
  const write = (file: string, pointer: string, text: string): void => {
    try {
      writeKernelFile(`/proc/${pid}/${file}`, text)
    } catch (error) {
      throw new HostError(
        `${pointer}: map ids: ${(error as Error).message} (ranges must not overlap, and an ordinary user may map only itself)${refusals()}`,
      )
    }
  }
  if (setgroups !== 'unchanged') write('setgroups', '/linux/gidMappings', setgroups)
  if (tools.includes('uid')) runMapTool('uid', uid, pid)
  else write('uid_map', '/linux/uidMappings', lines(uid))
  if (tools.includes('gid')) runMapTool('gid', gid, pid)
  else write('gid_map', '/linux/gidMappings', lines(gid))
}

/**
 * Compares the maps of the config with those of the namespace that a process has joined: an engine that gives both must not find the
 * files of the container owned by ids that it did not mean. Throws HostError.
 */
export function checkIdMaps({ uid, gid }: OpOf<'check_id_map'>, pid: number): void {
  compare('/linux/uidMappings', uid, `/proc/${pid}/uid_map`)
  compare('/linux/gidMappings', gid, `/proc/${pid}/gid_map`)
}

function compare(pointer: string, mappings: readonly IdMapping[], file: string): void {
  const has = rowsOf(readFile(file))
  const wanted = rowsOf(lines(mappings))
  if (has === wanted) return
  throw new HostError(
    `${pointer}: the mapping is not that of the user namespace to join, which has ${has} where the config has ${wanted} (leave the mappings out)`,
  )
}

/** The lines of a map in one order, with single spaces between the numbers. */
function rowsOf(text: string): string {
  const rows: string[] = []
  for (const line of text.split('\n')) {
    const numbers = line.split(' ').filter(word => word !== '')
    if (numbers.length > 0) rows.push(numbers.join(' '))
  }
  return rows.sort().join(', ')
}
