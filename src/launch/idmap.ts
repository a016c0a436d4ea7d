import { HostError } from '../base/errors.js'
import type { IdMapping, OpOf } from '../plan/op.js'
import { writeKernelFile } from '../sys/files.js'

/** Lines of /proc/PID/uid_map: first id inside, first id outside, length. All in one write (user_namespaces(7)). */
function lines(mappings: readonly IdMapping[]): string {
  let text = ''
  for (const { containerID, hostID, size } of mappings) text += `${containerID} ${hostID} ${size}\n`
  return text
}

/** Writes the id maps of a process that has just made its user namespace. */
export function writeIdMaps({ uid, gid, setgroups }: OpOf<'write_id_map'>, pid: number): void {
  const write = (file: string, pointer: string, text: string): void => {
    try {
      writeKernelFile(`/proc/${pid}/${file}`, text)
    } catch (error) {
      throw new HostError(
        `${pointer}: map ids: ${(error as Error).message} (ranges must not overlap, and an ordinary user may map only itself)`,
      )
    }
  }
  if (setgroups !== 'unchanged') write('setgroups', '/linux/gidMappings', setgroups)
  write('uid_map', '/linux/uidMappings', lines(uid))
  write('gid_map', '/linux/gidMappings', lines(gid))
}
