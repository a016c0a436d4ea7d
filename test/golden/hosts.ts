/** Two machines as data: lowering asks nothing else. */
import type { Host } from '../../src/host/facts.js'

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
  v2: { ...common, cgroup: { mode: 'v2', v1: {}, v2: { mount: '/sys/fs/cgroup', own: '/' } } },
}
