/** What an update writes, and where exec goes: on v2, too, which this machine may not have. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { placeOf } from '../../src/container/place.js'
import { readStats } from '../../src/host/stats.js'
import { lowerUpdate, mergeResources, withoutZeros } from '../../src/lower/cgroup/update.js'
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
  const dir = mkdtempSync(join(tmpdir(), 'tsrun-place-'))
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
  const dir = mkdtempSync(join(tmpdir(), 'tsrun-stats-'))
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
