/** Where cgroups are: fake trees, texts of real machines, and this machine. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type CgroupSource, markClosed, probeCgroup } from '../../src/host/cgroup.js'
import { mountsOfTypes, unescapePath } from '../../src/host/mountinfo.js'
import { fsTypes } from '../../src/sys/files.js'
import { install } from '../../src/sys/native.js'
import { nodeNative } from '../../src/sys/node.js'

const TMPFS = fsTypes.tmpfs
const V1 = fsTypes.cgroup
const V2 = fsTypes.cgroup2

interface Fake {
  self: string
  tree: Record<string, number>
  mountinfo?: string
}
let mountinfoReads = 0
const source = ({ self, tree, mountinfo }: Fake): CgroupSource => ({
  selfCgroup: () => self,
  mountinfo: () => {
    mountinfoReads++
    return mountinfo ?? ''
  },
  fsType: path => tree[path] ?? 0,
})
const probe = (fake: Fake) => {
  mountinfoReads = 0
  return probeCgroup(source(fake))
}

t.test('pure v2', async t => {
  const self = '0::/user.slice/a:b\n'
  const tree = { '/sys/fs/cgroup': V2, '/sys/fs/cgroup/user.slice/a:b': V2 }
  t.same(probe({ self, tree }), {
    mode: 'v2',
    v1: {},
    v2: { mount: '/sys/fs/cgroup', own: '/user.slice/a:b' },
  })
  t.equal(mountinfoReads, 0)
})

t.test('v2 is shown, though the kernel names v1 hierarchies too', async t => {
  const self = '2:memory:/\n1:cpu:/\n0::/\n'
  t.same(probe({ self, tree: { '/sys/fs/cgroup': V2 } }), {
    mode: 'v2',
    v1: {},
    v2: { mount: '/sys/fs/cgroup', own: '/' },
  })
})

t.test('in a user namespace, hierarchies that take no new cgroup are marked', async t => {
  const memory = { mount: '/m', own: '/' }
  const unified = { mount: '/u', own: '/' }
  const host = { mode: 'hybrid', v1: { memory }, v2: unified } as const
  t.same(
    markClosed(host, mount => mount === '/m'),
    { ...host, v2: { ...unified, closed: true } },
  )
  const own = { memory: { mount: '/m', own: '/user' } }
  t.same(
    markClosed({ mode: 'v1', v1: own }, directory => directory === '/m/user'),
    { mode: 'v1', v1: { memory: { ...own.memory, closed: true, delegated: '/user' } } },
    'delegated below its own cgroup',
  )
  const session = { mode: 'v2', v1: {}, v2: { mount: '/u', own: '/user/session' } } as const
  for (const [open, delegated] of [
    [['/u/user', '/u/user/session'], '/user'],
    [['/u/user/session'], '/user/session'],
  ] as const) {
    const { v2 } = markClosed(session, directory => (open as readonly string[]).includes(directory))
    t.same(v2, { ...session.v2, closed: true, delegated }, 'on v2 beside its own, which has processes')
  }
  t.same(
    markClosed({ mode: 'v1', v1: { memory } }, () => false),
    {
      mode: 'v1',
      v1: { memory: { ...memory, closed: true } },
    },
  )
})

t.test('hybrid, with controllers that are mounted together', async t => {
  const self = '5:name=systemd:/init.scope\n4:memory:/a\n3:cpu,cpuacct:/\n2:name=other:/\n0::/init.scope\n'
  const tree = {
    '/sys/fs/cgroup': TMPFS,
    '/sys/fs/cgroup/systemd/init.scope': V1,
    '/sys/fs/cgroup/memory/a': V1,
    '/sys/fs/cgroup/cpu,cpuacct': V1,
    '/sys/fs/cgroup/other': V1,
    '/sys/fs/cgroup/unified': V2,
    '/sys/fs/cgroup/unified/init.scope': V2,
  }
  const cpu = { mount: '/sys/fs/cgroup/cpu,cpuacct', own: '/' }
  t.same(probe({ self, tree }), {
    mode: 'hybrid',
    v1: {
      'name=systemd': { mount: '/sys/fs/cgroup/systemd', own: '/init.scope' },
      memory: { mount: '/sys/fs/cgroup/memory', own: '/a' },
      cpu,
      cpuacct: cpu,
    },
    v2: { mount: '/sys/fs/cgroup/unified', own: '/init.scope' },
  })
  t.equal(mountinfoReads, 0)
})

t.test('pure v1: the v2 line alone does not send us to mountinfo', async t => {
  const self = '1:memory:/\n0::/\n'
  const tree = { '/sys/fs/cgroup': TMPFS, '/sys/fs/cgroup/memory': V1 }
  t.same(probe({ self, tree }), { mode: 'v1', v1: { memory: { mount: '/sys/fs/cgroup/memory', own: '/' } } })
  t.equal(mountinfoReads, 0)
})

t.test('a nested v1 container without a cgroup namespace: paths are relative to what is mounted', async t => {
  const self = '3:memory:/docker/x\n2:cpu:/docker/x/sub\n1:pids:/elsewhere\n0::/docker/x\n'
  const tree = { '/sys/fs/cgroup': TMPFS }
  const mountinfo = [
    '31 23 0:28 /docker/x /sys/fs/cgroup/memory ro,nosuid shared:5 master:6 - cgroup cgroup rw,memory',
    '32 23 0:29 /docker/x /sys/fs/cgroup/cpu\\040and ro - cgroup cgroup rw,cpu',
    '33 23 0:30 /docker/x /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids',
    '34 23 0:31 / /mnt ro - ext4 /dev/sda1 rw,memory',
    '',
  ].join('\n')
  t.same(probe({ self, tree, mountinfo }), {
    mode: 'v1',
    v1: {
      memory: { mount: '/sys/fs/cgroup/memory', own: '/' },
      cpu: { mount: '/sys/fs/cgroup/cpu and', own: '/sub' },
      pids: { mount: '/sys/fs/cgroup/pids', own: '/' },
    },
  })
  t.equal(mountinfoReads, 1)
})

t.test('a hierarchy that is not mounted is left out', async t => {
  const self = '2:perf_event:/\n1:memory:/\n'
  t.same(probe({ self, tree: { '/sys/fs/cgroup/memory': V1 } }), {
    mode: 'v1',
    v1: { memory: { mount: '/sys/fs/cgroup/memory', own: '/' } },
  })
})

t.test('outside its cgroup namespace', async t => {
  const self = '0::/../other\n'
  const mountinfo = '31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n'
  t.same(probe({ self, tree: { '/sys/fs/cgroup': V2, '/sys/fs/cgroup/../other': V2 }, mountinfo }), {
    mode: 'v2',
    v1: {},
    v2: { mount: '/sys/fs/cgroup', own: '/' },
  })
})

t.test('v2 somewhere else', async t => {
  const mountinfo = '31 23 0:28 / /cg rw - cgroup2 none rw\n'
  t.same(probe({ self: '0::/a\n', tree: {}, mountinfo }), {
    mode: 'v2',
    v1: {},
    v2: { mount: '/cg', own: '/a' },
  })
})

t.test('nothing at all', async t => {
  t.same(probe({ self: '', tree: {} }), { mode: 'none', v1: {} })
  t.same(probe({ self: '1:cpu:/\n0::/\n', tree: {} }), { mode: 'none', v1: {} })
})

t.test('mountinfo', async t => {
  t.equal(unescapePath('/a\\040b\\134c\\011'), '/a b\\c\t')
  t.equal(unescapePath('/a\\'), '/a\\')
  t.same(mountsOfTypes('36 35 98:0 /r /p rw - tmpfs none rw,size=1k', ['tmpfs']), [
    { root: '/r', mountPoint: '/p', type: 'tmpfs', options: ['rw', 'size=1k'] },
  ])
  t.same(mountsOfTypes('nonsense\n\n', ['tmpfs']), [])
})

t.test('this machine', { skip: !existsSync('/sys/fs/cgroup') && 'needs cgroups' }, async t => {
  install(nodeNative())
  const host = probeCgroup()
  const lines = readFileSync('/proc/self/cgroup', 'utf8')
  for (const [controller, { mount, own }] of Object.entries(host.v1)) {
    t.match(lines, `${controller}:`)
    t.match(
      readFileSync(join(mount, own, 'cgroup.procs'), 'utf8'),
      new RegExp(`^${process.pid}$`, 'm'),
      controller,
    )
  }
  if (host.v2 !== undefined) t.ok(existsSync(join(host.v2.mount, host.v2.own, 'cgroup.controllers')))
  t.not(host.mode, 'none')
})
