/** Counts what a container left on the host, by the tag that marks all that is its own. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Leaks {
  readonly state: readonly string[]
  readonly cgroups: readonly string[]
  readonly mounts: readonly string[]
  readonly processes: readonly string[]
}

/** Nothing left behind. */
export const nothing: Leaks = { state: [], cgroups: [], mounts: [], processes: [] }

const tryRead = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** criu has neither the environment nor the cgroup of who started it, but works in the container's directory. */
const workingDirectory = (pid: number): string => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}

const directoriesIn = (path: string): string[] => {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => join(path, entry.name))
  } catch {
    return []
  }
}

/** Directories of every hierarchy whose name holds the tag, deepest last. */
export const cgroupsOf = (tag: string, top = '/sys/fs/cgroup', depth = 6): string[] =>
  depth === 0
    ? []
    : directoriesIn(top).flatMap(path => [
        ...(path.slice(top.length).includes(tag) ? [path] : []),
        ...cgroupsOf(tag, path, depth - 1),
      ])

/** Mount points of this mount namespace below a directory. */
export const mountsBelow = (directory: string): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map(line => line.split(' ')[4] ?? '')
    .filter(point => point === directory || point.startsWith(directory === '/' ? '/' : `${directory}/`))

/** Live processes with the tag in their environment, command line, cgroup or working directory. Zombies hold nothing and do not count. */
export const processesOf = (tag: string): number[] =>
  readdirSync('/proc')
    .filter(name => name >= '0' && name <= '9~')
    .map(Number)
    .filter(pid => pid !== process.pid)
    .filter(
      pid =>
        ['environ', 'cmdline', 'cgroup'].some(file => tryRead(`/proc/${pid}/${file}`).includes(tag)) ||
        workingDirectory(pid).includes(tag),
    )
    .filter(pid => !/^\d+ \(.*\) [ZX]/s.test(tryRead(`/proc/${pid}/stat`) || '0 () X'))

/** All that carries the tag, and the state directories below the state root. */
export const leaksOf = (tag: string, stateRoot: string, directory: string): Leaks => ({
  state: directoriesIn(stateRoot),
  cgroups: cgroupsOf(tag),
  mounts: mountsBelow(directory),
  processes: processesOf(tag).map(
    pid => `${pid} ${tryRead(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()}`,
  ),
})

/** Takes away the cgroups of a tag, the deepest first, for a test that failed. */
export const removeCgroups = (tag: string): void => {
  for (const path of cgroupsOf(tag).reverse()) {
    try {
      rmdirSync(path)
    } catch {
      // the next run's count will show it
    }
  }
}

/** Takes away all that carries a tag, after tests that could not do so themselves: they failed, or were ended. */
export const sweep = (tag: string): void => {
  for (const pid of processesOf(tag)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // ended meanwhile
    }
  }
  for (let tries = 0; tries < 50 && processesOf(tag).length > 0; tries++) spawnSync('sleep', ['0.02'])
  const points = mountsBelow('/').filter(point => point.includes(tag))
  for (const point of points.reverse()) spawnSync('umount', ['-l', point])
  removeCgroups(tag)
  const held = mountsBelow('/').some(point => point.includes(tag))
  for (const name of held ? [] : readdirSync(tmpdir()))
    if (name.startsWith(tag)) rmSync(join(tmpdir(), name), { recursive: true, force: true })
}
