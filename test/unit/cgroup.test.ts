/** linux.resources and linux.cgroupsPath → ops: worked numbers for each row of the table. */
import t from 'tap'
import type { ConfigError } from '../../src/base/errors.js'
import type { CgroupHost } from '../../src/host/cgroup.js'
import { quotaPerSecond, weightOfShares } from '../../src/lower/cgroup/convert.js'
import { deviceLines, foldDeviceRules } from '../../src/lower/cgroup/devices.js'
import { lowerCgroup } from '../../src/lower/cgroup/index.js'
import type { KnobProperty } from '../../src/lower/cgroup/knob.js'
import { knobs } from '../../src/lower/cgroup/knobs.js'
import { cgroupPaths } from '../../src/lower/cgroup/paths.js'
import type { OpOf, RuntimeOp } from '../../src/plan/op.js'
import type { DeviceRule, Resources } from '../../src/spec/types.gen.js'

const controllers = [
  'cpuset',
  'devices',
  'memory',
  'cpu',
  'pids',
  'freezer',
  'net_cls',
  'net_prio',
  'rdma',
  'hugetlb',
  'blkio',
] as const
const v1Host: CgroupHost = {
  mode: 'v1',
  v1: Object.fromEntries(controllers.map(name => [name, { mount: `/cg/${name}`, own: '/own' }])),
}
const v2Host: CgroupHost = { mode: 'v2', v1: {}, v2: { mount: '/cg', own: '/user.slice/own.scope' } }

const lower = (host: CgroupHost, resources: Resources, cgroupsPath?: string) =>
  lowerCgroup(
    { ociVersion: '1.3.0', linux: { resources, ...(cgroupsPath !== undefined && { cgroupsPath }) } },
    host,
    { id: 'web', manager: 'cgroupfs' },
  )
const writesOf = (ops: readonly RuntimeOp[]): OpOf<'cgroup_write'>[] =>
  ops.filter(op => op.op === 'cgroup_write')
/** What is written for a limit of processes in a config of that version. */
const pidsOf = (ociVersion: string, limit: number): unknown => {
  const spec = { ociVersion, linux: { resources: { pids: { limit } } } }
  const { create, limit: later } = lowerCgroup(spec, v1Host, { id: 'web', manager: 'cgroupfs' })
  return writesOf([...create, ...later]).flatMap(op => (op.file.endsWith('/pids.max') ? [op.values] : []))
}
/** The error that something throws. */
const refused = (action: () => unknown): Partial<ConfigError> => {
  try {
    action()
  } catch (error) {
    return error as ConfigError
  }
  return {}
}
/** File names and values of what is written, device rules left out. */
const written = (host: CgroupHost, resources: Resources): Record<string, string> => {
  const plan = lower(host, resources)
  const ops = writesOf([...plan.create, ...plan.limit]).filter(op => !op.file.includes('devices.'))
  return Object.fromEntries(ops.map(op => [op.file.slice(op.file.lastIndexOf('/') + 1), op.values.join('|')]))
}
const properties = (resources: Resources): Record<string, unknown> => {
  const out: Record<string, unknown> = {}
  for (const row of knobs) {
    const value = row.get(resources)
    const column = row.systemd as KnobProperty<unknown>
    if (value === undefined || !('property' in column)) continue
    const converted = column.value(value, resources)
    if (converted !== undefined) out[column.property] = converted
  }
  return out
}

const big = 18446744073709551615n
const infinity = big

interface Row {
  what: string
  resources: Resources
  v1: Record<string, string>
  v2: Record<string, string>
  systemd?: Record<string, unknown>
}
const rows: readonly Row[] = [
  {
    what: 'memory.limit',
    resources: { memory: { limit: 1048576 } },
    v1: { 'memory.limit_in_bytes': '1048576' },
    v2: { 'memory.max': '1048576' },
    systemd: { MemoryMax: 1048576 },
  },
  { what: 'memory.limit 0 is unset', resources: { memory: { limit: 0 } }, v1: {}, v2: {}, systemd: {} },
  {
    what: 'memory.limit -1 takes the swap limit along',
    resources: { memory: { limit: -1 } },
    v1: { 'memory.limit_in_bytes': '-1', 'memory.memsw.limit_in_bytes': '-1' },
    v2: { 'memory.max': 'max', 'memory.swap.max': 'max' },
    systemd: { MemoryMax: infinity, MemorySwapMax: infinity },
  },
  {
    what: 'memory.limit beyond 2^53',
    resources: { memory: { limit: 9223372036854771711n } },
    v1: { 'memory.limit_in_bytes': '9223372036854771711' },
    v2: { 'memory.max': '9223372036854771711' },
  },
  {
    what: 'memory.swap counts both on v1, swap alone on v2',
    resources: { memory: { limit: 100, swap: 350 } },
    v1: { 'memory.limit_in_bytes': '100', 'memory.memsw.limit_in_bytes': '350' },
    v2: { 'memory.max': '100', 'memory.swap.max': '250' },
    systemd: { MemoryMax: 100, MemorySwapMax: 250 },
  },
  {
    what: 'memory.swap beyond 2^53',
    resources: { memory: { limit: 1, swap: 9223372036854771712n } },
    v1: { 'memory.limit_in_bytes': '1', 'memory.memsw.limit_in_bytes': '9223372036854771712' },
    v2: { 'memory.max': '1', 'memory.swap.max': '9223372036854771711' },
  },
  {
    what: 'memory.swap equal to the limit is no swap',
    resources: { memory: { limit: 100, swap: 100 } },
    v1: { 'memory.limit_in_bytes': '100', 'memory.memsw.limit_in_bytes': '100' },
    v2: { 'memory.max': '100', 'memory.swap.max': '0' },
  },
  {
    what: 'memory.swap -1 needs no limit',
    resources: { memory: { swap: -1 } },
    v1: { 'memory.memsw.limit_in_bytes': '-1' },
    v2: { 'memory.swap.max': 'max' },
  },
  {
    what: 'memory.swap with unlimited memory',
    resources: { memory: { limit: -1, swap: 500 } },
    v1: { 'memory.limit_in_bytes': '-1', 'memory.memsw.limit_in_bytes': '500' },
    v2: { 'memory.max': 'max', 'memory.swap.max': '500' },
  },
  {
    what: 'memory.reservation',
    resources: { memory: { reservation: 7 } },
    v1: { 'memory.soft_limit_in_bytes': '7' },
    v2: { 'memory.low': '7' },
    systemd: { MemoryLow: 7 },
  },
  {
    what: 'memory.reservation -1',
    resources: { memory: { reservation: -1 } },
    v1: { 'memory.soft_limit_in_bytes': '-1' },
    v2: { 'memory.low': 'max' },
  },
  {
    what: 'memory.swappiness 0 is a value',
    resources: { memory: { swappiness: 0 } },
    v1: { 'memory.swappiness': '0' },
    v2: {},
  },
  {
    what: 'memory.disableOOMKiller',
    resources: { memory: { disableOOMKiller: true } },
    v1: { 'memory.oom_control': '1' },
    v2: {},
  },
  {
    what: 'memory.disableOOMKiller false',
    resources: { memory: { disableOOMKiller: false } },
    v1: {},
    v2: {},
  },
  {
    what: 'cpu.shares 1024 is the weight 100',
    resources: { cpu: { shares: 1024 } },
    v1: { 'cpu.shares': '1024' },
    v2: { 'cpu.weight': '100' },
    systemd: { CPUWeight: 100 },
  },
  { what: 'cpu.shares 0 is unset', resources: { cpu: { shares: 0 } }, v1: {}, v2: {}, systemd: {} },
  {
    what: 'cpu.idle beats shares',
    resources: { cpu: { shares: 512, idle: 1 } },
    v1: { 'cpu.idle': '1' },
    v2: { 'cpu.idle': '1' },
    systemd: { CPUWeight: 0 },
  },
  {
    what: 'cpu.idle 0 comes before the weight',
    resources: { cpu: { shares: 512, idle: 0 } },
    v1: { 'cpu.idle': '0', 'cpu.shares': '512' },
    v2: { 'cpu.idle': '0', 'cpu.weight': '59' },
  },
  {
    what: 'cpu.quota and period',
    resources: { cpu: { quota: 50000, period: 200000 } },
    v1: { 'cpu.cfs_period_us': '200000', 'cpu.cfs_quota_us': '50000' },
    v2: { 'cpu.max': '50000 200000' },
    systemd: { CPUQuotaPeriodUSec: 200000, CPUQuotaPerSecUSec: 250000n },
  },
  {
    what: 'cpu.quota alone',
    resources: { cpu: { quota: 50000 } },
    v1: { 'cpu.cfs_quota_us': '50000' },
    v2: { 'cpu.max': '50000 100000' },
  },
  {
    what: 'cpu.quota -1',
    resources: { cpu: { quota: -1 } },
    v1: { 'cpu.cfs_quota_us': '-1' },
    v2: { 'cpu.max': 'max 100000' },
    systemd: { CPUQuotaPerSecUSec: infinity },
  },
  { what: 'cpu.quota 0 is unset', resources: { cpu: { quota: 0 } }, v1: {}, v2: {} },
  {
    what: 'cpu.period alone',
    resources: { cpu: { period: 5000 } },
    v1: { 'cpu.cfs_period_us': '5000' },
    v2: { 'cpu.max': 'max 5000' },
  },
  {
    what: 'cpu.burst comes before the quota',
    resources: { cpu: { burst: 1000, quota: 2000 } },
    v1: { 'cpu.cfs_burst_us': '1000', 'cpu.cfs_quota_us': '2000' },
    v2: { 'cpu.max.burst': '1000', 'cpu.max': '2000 100000' },
  },
  {
    what: 'cpu.realtime*',
    resources: { cpu: { realtimePeriod: 1000000, realtimeRuntime: 950000 } },
    v1: { 'cpu.rt_period_us': '1000000', 'cpu.rt_runtime_us': '950000' },
    v2: {},
  },
  {
    what: 'cpu.cpus and mems',
    resources: { cpu: { cpus: '0-1,9', mems: '0' } },
    v1: { 'cpuset.cpus': '0-1,9', 'cpuset.mems': '0' },
    v2: { 'cpuset.cpus': '0-1,9', 'cpuset.mems': '0' },
    systemd: { AllowedCPUs: Uint8Array.of(3, 2), AllowedMemoryNodes: Uint8Array.of(1) },
  },
  { what: 'cpu.cpus empty is unset', resources: { cpu: { cpus: '', mems: '' } }, v1: {}, v2: {} },
  {
    what: 'pids.limit',
    resources: { pids: { limit: 9 } },
    v1: { 'pids.max': '9' },
    v2: { 'pids.max': '9' },
    systemd: { TasksMax: 9 },
  },
  {
    what: 'pids.limit 0 is 1',
    resources: { pids: { limit: 0 } },
    v1: { 'pids.max': '1' },
    v2: { 'pids.max': '1' },
    systemd: { TasksMax: 1 },
  },
  {
    what: 'pids.limit negative is max',
    resources: { pids: { limit: -7 } },
    v1: { 'pids.max': 'max' },
    v2: { 'pids.max': 'max' },
    systemd: { TasksMax: infinity },
  },
  {
    what: 'blockIO weights',
    resources: {
      blockIO: {
        weight: 1000,
        leafWeight: 10,
        weightDevice: [
          { major: 8, minor: 0, weight: 10, leafWeight: 20 },
          { major: 8, minor: 16, weight: 0 },
        ],
      },
    },
    v1: {
      'blkio.weight': '1000',
      'blkio.leaf_weight': '10',
      'blkio.weight_device': '8:0 10',
      'blkio.leaf_weight_device': '8:0 20',
    },
    // The weight of a device is written into the file of the weight: the later one is seen here.
    v2: { 'io.bfq.weight': '8:0 10' },
    systemd: { IOWeight: 10000, IODeviceWeight: [['/dev/block/8:0', 1]] },
  },
  {
    what: 'blockIO weight 0 is unset',
    resources: { blockIO: { weight: 0, weightDevice: [] } },
    v1: {},
    v2: {},
  },
  {
    what: 'blockIO throttles, 0 is no limit',
    resources: {
      blockIO: {
        throttleReadBpsDevice: [
          { major: 8, minor: 0, rate: 1048576 },
          { major: 8, minor: 16, rate: 0 },
        ],
        throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: big }],
        throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 5 }],
        throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 6 }],
      },
    },
    v1: {
      'blkio.throttle.read_bps_device': '8:0 1048576|8:16 0',
      'blkio.throttle.write_bps_device': `8:0 ${big}`,
      'blkio.throttle.read_iops_device': '8:0 5',
      'blkio.throttle.write_iops_device': '8:0 6',
    },
    // All are written into one file: the last one is seen here.
    v2: { 'io.max': '8:0 wiops=6' },
    systemd: {
      IOReadBandwidthMax: [
        ['/dev/block/8:0', 1048576],
        ['/dev/block/8:16', infinity],
      ],
      IOWriteBandwidthMax: [['/dev/block/8:0', big]],
      IOReadIOPSMax: [['/dev/block/8:0', 5]],
      IOWriteIOPSMax: [['/dev/block/8:0', 6]],
    },
  },
  {
    what: 'buffers of TCP',
    resources: { memory: { kernelTCP: 50000000 } },
    v1: { 'memory.kmem.tcp.limit_in_bytes': '50000000' },
    v2: {},
    systemd: {},
  },
  {
    what: 'network',
    resources: { network: { classID: 65537, priorities: [{ name: 'eth0', priority: 1 }] } },
    v1: { 'net_cls.classid': '65537', 'net_prio.ifpriomap': 'eth0 1' },
    v2: {},
    systemd: {},
  },
  {
    what: 'rdma',
    resources: { rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 4 }, mlx4_0: { hcaHandles: 1 } } },
    v1: { 'rdma.max': 'mlx5_1 hca_handle=3 hca_object=4|mlx4_0 hca_handle=1' },
    v2: { 'rdma.max': 'mlx5_1 hca_handle=3 hca_object=4|mlx4_0 hca_handle=1' },
    systemd: {},
  },
  {
    what: 'huge pages: the reservation first',
    resources: { hugepageLimits: [{ pageSize: '1GB', limit: big }] },
    v1: { 'hugetlb.1GB.rsvd.limit_in_bytes': `${big}`, 'hugetlb.1GB.limit_in_bytes': `${big}` },
    v2: { 'hugetlb.1GB.rsvd.max': `${big}`, 'hugetlb.1GB.max': `${big}` },
  },
]

for (const row of rows) {
  t.test(row.what, async t => {
    // As text: the order of writing counts.
    t.equal(JSON.stringify(written(v1Host, row.resources)), JSON.stringify(row.v1), 'v1')
    t.equal(JSON.stringify(written(v2Host, row.resources)), JSON.stringify(row.v2), 'v2')
    if (row.systemd !== undefined) t.same(properties(row.resources), row.systemd, 'systemd')
  })
}

t.test('every field of the tests above is a row, and every row is tested', async t => {
  const tested = knobs.filter(row => rows.some(({ resources }) => row.get(resources) !== undefined))
  const untested = knobs
    .filter(row => !tested.includes(row))
    .map(row => row.field.slice('/linux/resources/'.length))
  t.same(untested, ['memory/kernel', 'memory/useHierarchy', 'memory/checkBeforeUpdate'])
})

t.test('the curve from shares to weight', async t => {
  const points = [
    [1, 1],
    [2, 1],
    [3, 2],
    [10, 4],
    [100, 17],
    [512, 59],
    [1024, 100],
    [2048, 174],
    [10240, 639],
    [262144, 10000],
    [big, 10000],
  ] as const
  for (const [shares, weight] of points) t.equal(weightOfShares(shares), weight, String(shares))
  for (let shares = 2; shares < 262144; shares += 997) {
    t.ok(weightOfShares(shares) <= weightOfShares(shares + 997), `monotonic at ${shares}`)
  }
})

t.test('a quota for systemd is rounded up to 10 ms', async t => {
  t.equal(quotaPerSecond(1, 1000000), 10000n)
  t.equal(quotaPerSecond(100000, undefined), 1000000n)
  t.equal(quotaPerSecond(33333, 100000), 340000n)
})

t.test('what v2 does not have is told, with its place', async t => {
  const memory = { swappiness: 5, disableOOMKiller: true }
  const resources = { memory, cpu: { realtimeRuntime: 1, realtimePeriod: 2 } }
  const pointers = (host: CgroupHost) =>
    lower(host, resources)
      .warnings.map(warning => warning.pointer.slice('/linux/resources/'.length))
      .sort()
  t.same(pointers(v1Host), [])
  t.same(pointers(v2Host), [
    'cpu/realtimePeriod',
    'cpu/realtimeRuntime',
    'memory/disableOOMKiller',
    'memory/swappiness',
  ])
})

t.test('swap that cannot be is refused on v2 with its place', async t => {
  t.match(
    refused(() => lower(v2Host, { memory: { swap: 5 } })),
    { pointer: '/linux/resources/memory/swap', rule: 'swap-needs-limit' },
  )
  t.match(
    refused(() => lower(v2Host, { memory: { swap: 5, limit: 6 } })),
    {
      rule: 'swap-below-limit',
      message: /memory\+swap limit should be >= memory limit/,
    },
  )
})

t.test('shares that the kernel would change are refused on v1, in runc’s words', async t => {
  t.throws(() => lower(v1Host, { cpu: { shares: 1 } }), { message: /the minimum allowed cpu-shares is 2/ })
  t.throws(() => lower(v1Host, { cpu: { shares: 262145 } }), {
    message: /the maximum allowed cpu-shares is 262144/,
  })
})

t.test('when it is written: cpuset and real time before the join, the rest after the set-up', async t => {
  const resources = {
    cpu: { cpus: '0', realtimeRuntime: 1, shares: 2 },
    memory: { limit: 4096 },
    pids: { limit: 1 },
  }
  const plan = lower(v1Host, resources)
  t.equal(plan.create[0]?.op, 'cgroup_create')
  t.same(
    writesOf(plan.create).map(op => op.at),
    ['/linux/resources/cpu/cpus', '/linux/resources/cpu/realtimeRuntime'],
  )
  t.same(
    writesOf(plan.limit).map(op => op.at.split('/').pop()),
    ['limit', 'limit', 'shares', 'default:devices', 'default:devices'],
  )
})

t.test('what may be missing is tolerated only where nothing is lost', async t => {
  const tolerated = (host: CgroupHost, resources: Resources) =>
    writesOf(lower(host, resources).limit).flatMap(op => op.tolerate ?? [])
  t.same(tolerated(v2Host, { memory: { limit: 10, swap: 10 } }), ['ENOENT'])
  t.same(tolerated(v2Host, { memory: { limit: 10, swap: 20 } }), [])
  t.same(tolerated(v1Host, { memory: { limit: -1 } }), ['ENOENT'])
  t.same(tolerated(v1Host, { memory: { limit: 10, swap: 10 } }), [])
  t.same(tolerated(v1Host, { cpu: { burst: 0 } }), ['ENOENT'])
  t.same(tolerated(v1Host, { cpu: { burst: 1 } }), [])
})

t.test('cpusets inherit what the config does not set', async t => {
  const inherit = (resources: Resources) =>
    (lower(v1Host, resources).create[0] as OpOf<'cgroup_create'>).cpuset?.inherit
  t.same(inherit({}), ['cpuset.cpus', 'cpuset.mems'])
  t.same(inherit({ cpu: { cpus: '1' } }), ['cpuset.mems'])
  t.same(inherit({ cpu: { cpus: '1', mems: '0' } }), [])
})

t.test('on v2 the controllers that are needed, each with the field that needs it', async t => {
  const [create] = lower(v2Host, { cpu: { cpus: '0', shares: 5 }, pids: { limit: 1 } }).create
  t.same((create as OpOf<'cgroup_create'>).unified, {
    mount: '/cg',
    dir: '/cg/web',
    need: [
      { controller: 'cpuset', at: '/linux/resources/cpu/cpus' },
      { controller: 'pids', at: '/linux/resources/pids/limit' },
      { controller: 'cpu', at: '/linux/resources/cpu/shares' },
    ],
  })
})

t.test('a v1 controller that is not mounted is named', async t => {
  const { memory: _, ...v1 } = v1Host.v1
  t.throws(() => lower({ mode: 'v1', v1 }, { memory: { limit: 5 } }), {
    message: /memory\/limit.*"memory" is not mounted/,
  })
  const { devices: __, ...without } = v1Host.v1
  t.throws(() => lower({ mode: 'v1', v1: without }, {}), { message: /"devices" is not mounted/ })
})

t.test('paths', async t => {
  const cases: readonly (readonly [string | undefined, string, string])[] = [
    [undefined, '/cg/pids/web', '/cg/web'],
    ['', '/cg/pids/web', '/cg/web'],
    ['/a/b', '/cg/pids/a/b', '/cg/a/b'],
    ['//a/./b//', '/cg/pids/a/b', '/cg/a/b'],
    ['/../../a', '/cg/pids/a', '/cg/a'],
    ['/a/../..//b', '/cg/pids/b', '/cg/b'],
    ['a', '/cg/pids/own/a', '/cg/user.slice/a'],
    ['../../a', '/cg/pids/own/a', '/cg/user.slice/a'],
    ['/system.slice:docker:x', '/cg/pids/system.slice:docker:x', '/cg/system.slice:docker:x'],
  ]
  for (const [path, v1, v2] of cases) {
    t.equal(cgroupPaths(v1Host, path, 'web').v1.pids, v1, String(path))
    t.equal(cgroupPaths(v2Host, path, 'web').v2, v2, String(path))
  }
  t.match(
    refused(() => cgroupPaths(v1Host, 'system.slice:docker:x', 'web')),
    { rule: 'cgroups-path-systemd' },
  )
  for (const root of ['/', '/..', 'a/..', '.']) {
    t.match(
      refused(() => cgroupPaths(v1Host, root, 'web')),
      { rule: 'cgroups-path-root' },
      root,
    )
  }
  t.match(
    refused(() => cgroupPaths(v1Host, '/a\0b', 'web')),
    { rule: 'nul-byte' },
  )
  t.throws(() => cgroupPaths({ mode: 'none', v1: {} }, undefined, 'web'), { code: 'ERR_HOST' })
})

t.test('hybrid: every hierarchy once, v2 included', async t => {
  const cpu = { mount: '/cg/cpu,cpuacct', own: '/' }
  const host: CgroupHost = {
    mode: 'hybrid',
    v1: { cpu, cpuacct: cpu, devices: { mount: '/cg/devices', own: '/' } },
    v2: { mount: '/cg/unified', own: '/' },
  }
  const plan = lower(host, {})
  const dirs = ['/cg/cpu,cpuacct/web', '/cg/devices/web', '/cg/unified/web']
  t.match(plan.create[0], { dirs, populated: '/cg/devices/web' })
  t.match(plan.join, [
    { op: 'join_cgroup', by: 'helper', path: `${dirs[0]}/tasks` },
    { op: 'join_cgroup', by: 'helper', path: `${dirs[1]}/tasks` },
    { op: 'open_path', by: 'helper', path: dirs[2], slot: 'cgroup' },
  ])
  t.equal(plan.slot, 'cgroup', 'init begins there')
  t.same(plan.moveInit, [])
  t.same(plan.paths, {
    v1: { cpu: dirs[0], cpuacct: dirs[0], devices: dirs[1] },
    v2: '/cg/unified/web',
  })
})

t.test('hierarchies that are closed to a user are left out, unless a path is asked for', async t => {
  const closed: CgroupHost = {
    mode: 'hybrid',
    v1: { memory: { mount: '/m', own: '/', closed: true }, pids: { mount: '/p', own: '/' } },
    v2: { mount: '/u', own: '/', closed: true },
  }
  const request = { id: 'web', manager: 'cgroupfs', inUserNamespace: true } as const
  const spec = { ociVersion: '1.3.0' }
  t.same(lowerCgroup(spec, closed, request).paths, { v1: { pids: '/p/web' } })
  const all: CgroupHost = { mode: 'v2', v1: {}, v2: { mount: '/u', own: '/', closed: true } }
  const none = lowerCgroup(spec, all, request)
  t.same([none.paths, none.create, none.join, none.limit], [{ v1: {} }, [], [], []])
  const limited = { ...spec, linux: { resources: { pids: { limit: 5 } } } }
  t.throws(() => lowerCgroup(limited, all, request), {
    message: /pids\/limit: this user may not make cgroups/,
  })
  const asked = { ...spec, linux: { cgroupsPath: '/web' } }
  t.equal(lowerCgroup(asked, all, request).paths.v2, '/u/web', 'and then it is the kernel that says no')
  const delegated: CgroupHost = {
    mode: 'v2',
    v1: {},
    v2: { mount: '/u', own: '/user/session', closed: true, delegated: '/user' },
  }
  t.equal(lowerCgroup(limited, delegated, request).paths.v2, '/u/user/web')
  const tolerant = lowerCgroup(limited, all, { ...request, tolerant: true })
  t.match(tolerant.warnings, [{ pointer: '/linux/resources/pids/limit', message: /^ignored/ }])
  const user = { id: 'web', manager: 'cgroupfs', ordinaryUser: true } as const
  t.match(lowerCgroup(spec, all, user).warnings, [{ pointer: 'default:cgroupsPath', message: /no cgroups/ }])
  t.same(lowerCgroup(spec, { mode: 'none', v1: {} }, user).paths, { v1: {} })
})

t.test('managers', async t => {
  const spec = { ociVersion: '1.3.0', linux: { resources: { memory: { limit: 5 } } } }
  const off = lowerCgroup(spec, { mode: 'none', v1: {} }, { id: 'x', manager: 'disabled' })
  t.same(off, { create: [], join: [], moveInit: [], limit: [], warnings: [], paths: { v1: {} } })
})

t.test('the root of a user namespace may not enter a v2 cgroup: the runtime moves init there', async t => {
  const request = { id: 'web', manager: 'cgroupfs', userNamespace: true } as const
  const plan = lowerCgroup({ ociVersion: '1.3.0' }, v2Host, request)
  t.same(plan.join, [])
  t.equal(plan.slot, undefined)
  t.match(plan.moveInit, [{ op: 'cgroup_join', by: 'runtime', dirs: ['/cg/web'] }])
  t.same(lowerCgroup({ ociVersion: '1.3.0' }, v1Host, request).moveInit, [], 'v1 has none')
})

const fold = (...rules: DeviceRule[]) => deviceLines(foldDeviceRules(rules))
const defaults = fold()
const denyAll = { allow: false, access: 'rwm' }
const allowAll = { allow: true, access: 'rwm' }

t.test('device rules: nothing but the defaults, whether or not the config says so', async t => {
  t.same(defaults, [
    'c *:* m',
    'b *:* m',
    'c 1:3 rwm',
    'c 1:8 rwm',
    'c 1:7 rwm',
    'c 5:0 rwm',
    'c 1:5 rwm',
    'c 1:9 rwm',
    'c 136:* rwm',
    'c 5:2 rwm',
    'c 10:200 rwm',
  ])
  t.same(fold(denyAll), defaults)
  const [deny, allow] = writesOf(lower(v1Host, {}).limit)
  t.match(deny, { at: 'default:devices', file: '/cg/devices/web/devices.deny', values: ['a'] })
  t.match(allow, { file: '/cg/devices/web/devices.allow', values: defaults })
})

t.test('device rules are folded in order', async t => {
  const fuse = { type: 'c', major: 10, minor: 229 } as const
  t.ok(fold(denyAll, { ...fuse, allow: true, access: 'rw' }).includes('c 10:229 rw'))
  t.ok(
    fold({ ...fuse, allow: true, access: 'r' }, { ...fuse, allow: true, access: 'mw' }).includes(
      'c 10:229 rwm',
    ),
  )
  t.ok(
    fold({ ...fuse, allow: true, access: 'rwm' }, { ...fuse, allow: false, access: 'w' }).includes(
      'c 10:229 rm',
    ),
  )
  t.same(
    fold({ ...fuse, allow: true, access: 'rwm' }, denyAll),
    defaults,
    'a rule for all forgets what was before',
  )
  t.same(fold({ ...fuse, allow: false, access: 'rwm' }), defaults, 'nothing to take away')
  t.ok(
    fold({ type: 'b', major: 8, minor: -1, allow: true, access: 'r' }).includes('b 8:* r'),
    '-1 is every one',
  )
  t.match(writesOf(lower(v1Host, { devices: [denyAll] }).limit)[0], { at: '/linux/resources/devices' })
})

t.test('device rules of a privileged container: everything but', async t => {
  t.same(fold(allowAll), [])
  const disk = { type: 'b', major: 8, minor: 0, allow: false, access: 'w' } as const
  const [allow, deny, ...rest] = writesOf(lower(v1Host, { devices: [denyAll, allowAll, disk] }).limit)
  t.match(allow, { file: '/cg/devices/web/devices.allow', values: ['a'] })
  t.match(deny, { file: '/cg/devices/web/devices.deny', values: ['b 8:0 w'] })
  t.same(rest, [])
})

t.test('device rules that cannot be', async t => {
  const wide: DeviceRule = { type: 'c', major: 5, allow: true, access: 'rwm' }
  const hole: DeviceRule = { type: 'c', major: 5, minor: 1, allow: false, access: 'w' }
  t.match(
    refused(() => fold(wide, hole)),
    { rule: 'device-rule-hole', pointer: '/linux/resources/devices/1' },
  )
  t.doesNotThrow(() => fold({ ...wide, access: 'r' }, hole), 'no overlap in access')
  t.throws(() => fold({ allow: true }), { message: /device access at 0 field cannot be empty/ })
  t.match(
    refused(() => fold({ allow: true, access: 'rx' })),
    { rule: 'device-access' },
  )
  t.throws(() => fold({ type: 'p' as 'c', allow: true, access: 'r' }), {
    message: /invalid cgroup device type "p"/,
  })
})

t.test('in a user namespace device rules are not ours to make', async t => {
  const spec = { ociVersion: '1.3.0' }
  t.same(lowerCgroup(spec, v1Host, { id: 'x', manager: 'cgroupfs', inUserNamespace: true }).limit, [])
})

t.test(
  'pids.limit 0 of a config before 1.3 is no limit: its writers could not leave the number out',
  async t => {
    for (const version of ['1.0.0', '1.0.2-dev', '1.1.0', '1.2.1']) t.same(pidsOf(version, 0), [], version)
    for (const version of ['1.3.0', '1.3.0-dev', '1.10.0', '1.20.0'])
      t.same(pidsOf(version, 0), [['1']], version)
    t.same(pidsOf('1.0.2-dev', 9), [['9']])
  },
)
