/** What an update writes, and where exec goes: on v2, too, which this machine may not have. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { placeOf } from '../../src/container/place.js'
import { readStats } from '../../src/host/stats/index.js'
import { replaceCgroups } from '../../src/launch/cgroupvalues.js'
import { lowerUpdate, mergeResources, withoutZeros } from '../../src/lower/cgroup/update.js'
import type { HostPath } from '../../src/plan/op.js'
import { exactJson } from '../../src/spec/json.js'
import type { Resources } from '../../src/spec/types.gen.js'
import { install } from '../../src/sys/native.js'
import { nodeNative } from '../../src/sys/node.js'

install(nodeNative())

const v2 = { v1: {}, v2: '/cg/web' }
const v1 = { v1: { cpu: '/cg/cpu/web', memory: '/cg/memory/web', pids: '/cg/pids/web' } }
const old: Resources = {
  memory: { limit: 64, swap: 96 },
  cpu: { quota: 40000, period: 80000, shares: 1024 },
  pids: { limit: 5 },
  devices: [{ allow: false, access: 'rwm' }],
}

const writes = (asked: Resources, paths: typeof v1 | typeof v2 = v2): string[] => {
  const clean = withoutZeros(asked)
  return lowerUpdate(clean, mergeResources(old, clean), paths, () => {}).map(
    ({ file, values }) => `${file} ${values.join()}`,
  )
}

t.test('what is written', async t => {
  t.same(writes({}), [])
  t.same(writes({ pids: { limit: 9 } }), ['/cg/web/pids.max 9'])
  t.same(writes({ cpu: { quota: 20000 } }), ['/cg/web/cpu.max 20000 80000'], 'the period stays')
  t.same(writes({ cpu: { period: 50000 } }), ['/cg/web/cpu.max 40000 50000'], 'the quota stays')
  t.same(writes({ cpu: { quota: 20000 } }, v1), [
    '/cg/cpu/web/cpu.cfs_period_us 80000',
    '/cg/cpu/web/cpu.cfs_quota_us 20000',
  ])
  t.same(
    writes({ memory: { limit: 80 } }),
    ['/cg/web/memory.max 80', '/cg/web/memory.swap.max 16'],
    'swap alone is their difference',
  )
  t.same(writes({ memory: { limit: -1 } }), ['/cg/web/memory.max max', '/cg/web/memory.swap.max max'])
  t.same(
    writes({ memory: { limit: 0, swap: 0 }, cpu: { shares: 0 }, blockIO: { weight: 0 } }),
    [],
    'zeros say nothing',
  )
  t.same(writes({ devices: [{ allow: true, access: 'rwm' }] }), [], 'devices are not touched')
  t.throws(() => writes({ memory: { limit: 128 } }), {
    message: /memory\+swap limit should be >= memory limit/,
  })
})

t.test('what is kept', async t => {
  const merged = mergeResources(old, withoutZeros({ cpu: { shares: 2 }, pids: { limit: 0 } }))
  t.same(merged.cpu, { quota: 40000, period: 80000, shares: 2 })
  t.same(merged.pids, { limit: 0 }, '0 is a limit of pids')
  t.same(merged.devices, old.devices)
  t.equal(
    exactJson({ a: 9223372036854771712n, b: [1, 'x"'], c: undefined, d: null }),
    '{"a":9223372036854771712,"b":[1,"x\\""],"d":null}',
  )
})

t.test('the place of exec on v2', async t => {
  const dir = t.testdir()
  const web = join(dir, 'web')
  mkdirSync(join(web, 'init'), { recursive: true })
  const own = { v1: {}, v2: web }
  writeFileSync(join(web, 'cgroup.subtree_control'), '\n')
  t.same(placeOf(own, [], process.pid), own, 'the container’s own')
  t.same(placeOf(own, ['a//./b'], process.pid), { v1: {}, v2: `${web}/a/b` })
  t.throws(() => placeOf(own, ['../other'], process.pid), { message: /leaves the cgroup/ })
  t.throws(() => placeOf(own, ['a', 'b'], process.pid), { message: /lacks its controllers/ })
  t.throws(() => placeOf(v1, ['cpu:a', 'cpu:b'], process.pid), { message: /named twice/ })
  t.same(placeOf(v1, ['cpu,pids:a'], process.pid), {
    v1: { cpu: '/cg/cpu/web/a', memory: '/cg/memory/web', pids: '/cg/pids/web/a' },
  })
})

t.test('statistics on v2', async t => {
  const dir = t.testdir()
  const files = {
    'cpu.stat':
      'usage_usec 3000\nuser_usec 2000\nsystem_usec 1000\nnr_periods 4\nnr_throttled 1\nthrottled_usec 7\n',
    'cpu.pressure':
      'some avg10=0.50 avg60=0.00 avg300=0.00 total=12\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=3\n',
    'memory.current': '4096\n',
    'memory.max': 'max\n',
    'memory.peak': '8192\n',
    'memory.swap.current': '1024\n',
    'memory.swap.max': '2048\n',
    'memory.stat': 'anon 1\nfile 512\n',
    'memory.events': 'low 0\nhigh 0\nmax 6\noom 1\noom_kill 1\n',
    'pids.current': '3\n',
    'pids.max': 'max\n',
    'io.stat': '8:16 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n',
    'cpuset.cpus.effective': '0-1,3\n',
    'cpuset.mems.effective': '0\n',
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  t.match(JSON.parse(exactJson(readStats({ v1: {}, v2: dir }))), {
    cpu: {
      usage: { total: 3_000_000, kernel: 1_000_000, user: 2_000_000 },
      throttling: { periods: 4, throttledPeriods: 1, throttledTime: 7000 },
      psi: { some: { avg10: 0.5, total: 12 }, full: { total: 3 } },
    },
    cpuset: { cpus: [0, 1, 3], mems: [0] },
    memory: {
      cache: 512,
      usage: { limit: 18446744073709552000, usage: 4096, max: 8192, failcnt: 6 },
      swap: { usage: 5120 },
      raw: { anon: 1, file: 512 },
    },
    pids: { current: 3, limit: 0 },
    blkio: {
      ioServiceBytesRecursive: [
        { major: 8, minor: 16, op: 'Read', value: 10 },
        { major: 8, minor: 16, op: 'Write', value: 20 },
      ],
    },
  })
})

t.test('statistics of huge pages, network interfaces and resctrl', async t => {
  const dir = t.testdir()
  const write = (files: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(dir, name, '..'), { recursive: true })
      writeFileSync(join(dir, name), text)
    }
  }
  write({
    'v1/hugetlb.2MB.usage_in_bytes': '2097152\n',
    'v1/hugetlb.2MB.max_usage_in_bytes': '4194304\n',
    'v1/hugetlb.2MB.failcnt': '3\n',
    'v1/hugetlb.1GB.usage_in_bytes': '1\n',
    'v1/hugetlb.1GB.rsvd.usage_in_bytes': '5\n',
    'v1/hugetlb.1GB.rsvd.max_usage_in_bytes': '6\n',
    'v1/hugetlb.1GB.rsvd.failcnt': '7\n',
    'v2/hugetlb.2MB.current': '2097152\n',
    'v2/hugetlb.2MB.rsvd.current': '8388608\n',
    'v2/hugetlb.2MB.events': 'max 4\n',
    'rdt/info/L3/cbm_mask': 'fffff\n',
    'rdt/info/L3/min_cbm_bits': '1\n',
    'rdt/info/L3/num_closids': '16\n',
    'rdt/info/MB/bandwidth_gran': '10\n',
    'rdt/info/MB/delay_linear': '1\n',
    'rdt/info/MB/min_bandwidth': '10\n',
    'rdt/info/MB/num_closids': '8\n',
    'rdt/schemata': '    MB:0=100\n    L3:0=fffff\n',
    'rdt/web/schemata': '    L3:0=00fff\n    MB:0= 50\n',
    'rdt/web/mon_data/mon_L3_00/llc_occupancy': '4096\n',
    'rdt/web/mon_data/mon_L3_00/mbm_total_bytes': '100\n',
    'rdt/web/mon_data/mon_L3_00/mbm_local_bytes': '60\n',
    'rdt/web/mon_data/mon_L3_01/llc_occupancy': 'Unavailable\n',
  })
  const at = (name: string) => join(dir, name)
  t.match(readStats({ v1: { hugetlb: at('v1') } }), {
    hugetlb: { '2MB': { usage: 2097152, max: 4194304, failcnt: 3 }, '1GB': { usage: 5, max: 6, failcnt: 7 } },
    intel_rdt: {},
    network_interfaces: null,
  })
  const netDev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0: 18446744073709551615 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
`
  const resctrl = { mount: at('rdt'), group: at('rdt/web') }
  t.match(readStats({ v1: {}, v2: at('v2') }, { netDev, resctrl }), {
    hugetlb: { '2MB': { usage: 8388608, failcnt: 4 } },
    network_interfaces: [
      {
        Name: 'eth0',
        RxBytes: 18446744073709551615n,
        RxPackets: 2,
        RxErrors: 3,
        RxDropped: 4,
        TxBytes: 9,
        TxPackets: 10,
        TxErrors: 11,
        TxDropped: 12,
      },
    ],
    intel_rdt: {
      l3_cache_info: { cbm_mask: 'fffff', min_cbm_bits: 1, num_closids: 16 },
      l3_cache_schema_root: 'L3:0=fffff',
      l3_cache_schema: 'L3:0=00fff',
      mem_bw_info: { bandwidth_gran: 10, delay_linear: 1, min_bandwidth: 10, num_closids: 8 },
      mem_bw_schema_root: 'MB:0=100',
      mem_bw_schema: 'MB:0= 50',
      mbm_stats: [{ mbm_total_bytes: 100, mbm_local_bytes: 60 }],
      cmt_stats: [{ llc_occupancy: 4096 }],
    },
  })
})

t.test('old values come back when one is refused, those of devices by their lines', async t => {
  const dir = t.testdir()
  const file = (name: string) => join(dir, name) as HostPath
  const knobs = { 'pids.max': '5', 'io.max': '8:0 rbps=7 wbps=max riops=max wiops=max', 'cpuset.cpus': '' }
  for (const [name, text] of Object.entries(knobs)) writeFileSync(file(name), text)
  const op = (name: string, ...values: string[]) =>
    ({ op: 'cgroup_write', by: 'runtime', at: `/${name}`, file: file(name), values }) as const
  const ops = [op('pids.max', '9'), op('io.max', '8:0 rbps=1', '8:16 wbps=2'), op('cpuset.cpus', '0')]
  t.throws(() => replaceCgroups([...ops, op('missing/file', '1')], () => {}), { message: /missing/ })
  // A file of a disk keeps what was written last at its beginning; the kernel's takes each write by itself.
  t.match(readFileSync(file('pids.max'), 'utf8'), /^5/)
  t.match(readFileSync(file('io.max'), 'utf8'), /^8:0 rbps=7 .*8:16 rbps=max wbps=max riops=max wiops=max$/)
  t.match(readFileSync(file('cpuset.cpus'), 'utf8'), /^\n/)
  t.throws(
    () =>
      replaceCgroups([op('pids.max', '8')], () => {
        throw new Error('the record cannot be saved')
      }),
    { message: 'the record cannot be saved' },
  )
  t.match(readFileSync(file('pids.max'), 'utf8'), /^5/)
})
