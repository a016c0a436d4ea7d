/** Configs for tests: an ordinary default, and patches to it. Plain JSON, so that a test can also write nonsense. */
import { script } from './payload.js'

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

/** The namespaces of an ordinary container. */
export const namespaces: readonly JsonObject[] = ['pid', 'network', 'ipc', 'uts', 'mount'].map(type => ({
  type,
}))

/** All ordinary namespaces but these. */
export const namespacesWithout = (...types: readonly string[]): Json =>
  namespaces.filter(({ type }) => !types.includes(String(type)))

/** The mounts of an ordinary container. */
export const mounts: readonly JsonObject[] = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
  },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
]

const capabilities: Json = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']

/** What a container gets when a test says nothing. `tag` marks its processes, for the count of what is left behind. */
export const defaultConfig = (tag: string): JsonObject => ({
  ociVersion: '1.0.2',
  process: {
    terminal: false,
    user: { uid: 0, gid: 0 },
    args: script(['true']),
    env: ['PATH=/usr/bin:/bin', 'TERM=xterm', `TSRUN_TEST_TAG=${tag}`],
    cwd: '/',
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    noNewPrivileges: true,
  },
  root: { path: 'rootfs' },
  hostname: 'tsrun-test',
  mounts,
  linux: {
    cgroupsPath: `/${tag}`,
    namespaces,
    maskedPaths: ['/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
    readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
  },
})

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Objects are merged, everything else is replaced, `undefined` takes a field away. */
export const merge = (base: JsonObject, patch: JsonObject): JsonObject => {
  const result: Record<string, Json> = {}
  for (const [key, value] of Object.entries(base))
    if (value !== undefined && !(key in patch)) result[key] = value
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue
    const old = base[key]
    result[key] = isObject(value) && isObject(old) ? merge(old, value) : value
  }
  return result
}
