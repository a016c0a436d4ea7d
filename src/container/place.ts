import { ConfigError } from '../base/errors.js'
import type { CgroupPaths } from '../host/cgroup.js'
import { readKernelFile } from '../sys/kernelfiles.js'

/**
 * The cgroups that a process of `exec` joins: the container's own, or those below them that `--cgroup` names. On v2 a cgroup that hands
 * controllers to its children takes no process (EBUSY): then, unless one was named, it goes where init is, which is why the container
 * can have such children at all (runc#2356; nested engines, systemd).
 */
export function placeOf(own: CgroupPaths, asked: readonly string[], init: number): CgroupPaths {
  if (asked.length > 0) return below(own, asked)
  const { v2 } = own
  if (v2 === undefined || !handsDown(v2)) return own
  const place = cgroupOf(init)
  const mount = mountOf(v2, place)
  return mount === undefined ? own : { ...own, v2: mount + place }
}

const handsDown = (dir: string): boolean =>
  (readKernelFile(`${dir}/cgroup.subtree_control`) ?? '').trim() !== ''

/** A process's v2 cgroup, as the runtime's cgroup namespace sees it. */
function cgroupOf(pid: number): string {
  for (const line of (readKernelFile(`/proc/${pid}/cgroup`) ?? '').split('\n')) {
    if (line.startsWith('0::')) return line.slice(3)
  }
  return ''
}

/** Where v2 is mounted, from the container's cgroup and the path of one at or below it. */
function mountOf(v2: string, place: string): string | undefined {
  for (let end = place.length; end > 0; end = place.lastIndexOf('/', end - 1)) {
    const head = place.slice(0, end)
    if (v2.endsWith(head)) return v2.slice(0, v2.length - head.length)
  }
  return undefined
}

/** `--cgroup PATH`, or on v1 any number of `--cgroup CONTROLLER[,CONTROLLER]:PATH`. Throws ConfigError. */
function below(own: CgroupPaths, asked: readonly string[]): CgroupPaths {
  const v1: Record<string, string> = { ...own.v1 }
  const seen = new Set<string>()
  for (const text of asked) {
    const colon = text.indexOf(':')
    if (colon < 0) {
      if (asked.length > 1) throw wrong(text, 'it lacks its controllers, as in memory:/web')
      for (const controller in v1) v1[controller] = join(v1[controller] as string, text)
      return own.v2 === undefined ? { v1 } : { v1, v2: hybrid(own) ? own.v2 : join(own.v2, text) }
    }
    for (const controller of text.slice(0, colon).split(',')) {
      const dir = own.v1[controller]
      if (dir === undefined) throw wrong(text, `the container has no cgroup v1 of "${controller}"`)
      if (seen.has(controller)) throw wrong(text, `"${controller}" is named twice`)
      seen.add(controller)
      v1[controller] = join(dir, text.slice(colon + 1))
    }
  }
  return { ...own, v1 }
}

const hybrid = ({ v1 }: CgroupPaths): boolean => Object.keys(v1).length > 0

/** A path below a container's cgroup: `..` is refused, whatever it would lead to. */
function join(dir: string, path: string): string {
  let result = dir
  for (const part of path.split('/')) {
    if (part === '..') throw wrong(path, 'it leaves the cgroup of the container')
    if (part !== '' && part !== '.') result += `/${part}`
  }
  return result
}

const wrong = (text: string, why: string): ConfigError =>
  new ConfigError('', 'exec-cgroup', `invalid --cgroup ${JSON.stringify(text)}: ${why}`)
