/**
 * newuidmap(1) and newgidmap(1): they write the maps that /etc/subuid and /etc/subgid give to an ordinary user. Every way in which they
 * refuse is told with what mends it.
 */
import { HostError } from '../base/errors.js'
import type { IdMapping } from '../plan/op.js'
import { exists, tryRead, tryStat } from '../sys/files.js'
import { native } from '../sys/native.js'
import { findProgram, runForOutput } from './tool.js'

type Kind = 'uid' | 'gid'

/** Throws HostError. */
export function runMapTool(kind: Kind, map: readonly IdMapping[], pid: number): void {
  const tool = `new${kind}map`
  const at = `/linux/${kind}Mappings`
  const path = findProgram(tool)
  if (path === undefined) {
    throw new HostError(
      `${at}: ${tool} is not installed, and an ordinary user may map only itself: install it (apt-get install uidmap, dnf install shadow-utils), or map one id`,
    )
  }
  const args = [`${pid}`]
  for (const { containerID, hostID, size } of map) args.push(`${containerID}`, `${hostID}`, `${size}`)
  // Its rights are more than ours: it gets nothing of our environment.
  const { exit, output } = runForOutput(path, args, [])
  if ('code' in exit && exit.code === 0) return
  const how = 'code' in exit ? `exit status ${exit.code}` : `killed by signal ${exit.signal}`
  const said = output.trim().split('\n').join('; ')
  throw new HostError(
    `${at}: ${path} ${args.join(' ')}: ${how}${said === '' ? '' : `: ${said}`} (${reason(kind, path, map, said)})`,
  )
}

const S_ISUID = 0o4000

/** What it said, and what we find, as what to do. */
function reason(kind: Kind, path: string, map: readonly IdMapping[], said: string): string {
  if (tryRead('/proc/self/status')?.includes('NoNewPrivs:\t1') === true)
    return 'tsrun runs with no_new_privs, so that no program it starts gains rights: start it without'
  if (said.includes('not allowed') || said === '') return missingRange(kind, map)
  if (said.includes('owned by a different user'))
    return 'the user of this process and that of its /proc differ: is /proc mounted with hidepid?'
  if (said.includes('Operation not permitted') && ((tryStat(path)?.mode ?? 0) & S_ISUID) === 0)
    return `${path} has not the rights it needs: as root type: chmod u+s ${path}`
  if (said.includes('Operation not permitted'))
    return `this system takes the rights of ${path} away: is it on a mount with nosuid, or is tsrun in a container itself?`
  return `see man new${kind}map`
}

/** What /etc/subuid gives to this user, beside what the config asks for. */
function missingRange(kind: Kind, map: readonly IdMapping[]): string {
  const file = `/etc/sub${kind}`
  const id = native().geteuid()
  const name = userName(id)
  if (name === undefined) return `user ${id} has no name: as root add one to /etc/passwd`
  const ranges = rangesOf(tryRead(file) ?? '', name, id)
  const have = ranges.map(([first, size]) => `${first}-${first + size - 1}`).join(', ')
  const outside = map.find(
    ({ hostID, size }) => !(hostID === id && size === 1) && !isInside(hostID, size, ranges),
  )
  if (outside !== undefined && have !== '') {
    const { hostID, size } = outside
    return `${file} gives ${name} the ids ${have}, the config asks for ${hostID}-${hostID + size - 1}`
  }
  const command = `usermod --add-sub${kind}s 100000-165535 ${name}`
  const text = `${file} gives ${name} no ids: as root type: ${command}`
  return exists(file) || have !== '' ? text : `there is no ${file}: as root type: touch ${file}; ${command}`
}

type Range = readonly [first: number, size: number]

/** Lines of subuid(5): a name or a number, the first id, how many. */
export function rangesOf(text: string, name: string, id: number): Range[] {
  const ranges: Range[] = []
  for (const line of text.split('\n')) {
    const [owner, first, size] = line.split(':')
    if (owner === name || owner === `${id}`) ranges.push([Number(first), Number(size)])
  }
  return ranges
}

const isInside = (first: number, size: number, ranges: readonly Range[]): boolean =>
  ranges.some(([begin, length]) => first >= begin && first + size <= begin + length)

function userName(uid: number): string | undefined {
  for (const line of (tryRead('/etc/passwd') ?? '').split('\n')) {
    const fields = line.split(':')
    if (fields[2] === `${uid}`) return fields[0]
  }
  return undefined
}
