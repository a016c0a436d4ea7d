/** Two machines as data: lowering asks nothing else. The second one has SELinux. */
import type { Host } from '../../src/host/facts.js'
import type { Request } from '../../src/lower/input.js'
import type { HostPath } from '../../src/plan/op.js'

const controllers = ['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'blkio', 'pids']
const ALL = 2 ** 41 - 1

const common = {
  arch: 'x86_64',
  euid: 0,
  egid: 0,
  inUserNamespace: false,
  lastCapability: 40,
  capabilities: ALL,
} as const

export const hosts: Readonly<Record<string, Host>> = {
  v1: {
    ...common,
    cgroup: {
      mode: 'v1',
      v1: Object.fromEntries(controllers.map(name => [name, { mount: `/sys/fs/cgroup/${name}`, own: '/' }])),
    },
  },
  v2: { ...common, selinux: true, cgroup: { mode: 'v2', v1: {}, v2: { mount: '/sys/fs/cgroup', own: '/' } } },
}

/** What a caller who asks for nothing special asks for. */
export const request: Request = {
  id: 'field',
  bundle: '/bundle' as HostPath,
  rootfs: '/bundle/rootfs' as HostPath,
  stateDir: '/run/tsrun/field' as HostPath,
  cgroupManager: 'cgroupfs',
  noPivot: false,
  noNewKeyring: false,
  preservedFds: 0,
  extraEnv: [],
}
