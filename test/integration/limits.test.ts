/** linux.resources beyond memory, cpu and pids: block I/O, network classes, huge pages, unified; and the clocks of a time namespace. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import type { JsonObject } from '../support/config.js'
import { namespaces } from '../support/config.js'
import { type Container, container, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const waiting = { process: { args: script(['wait']) } }

/** A whole disk of this machine, as major and minor number. */
const disk = /^ +(\d+) +(\d+) +\d+ (?:vda|sda|nvme0n1)$/m.exec(readFileSync('/proc/partitions', 'utf8'))
const major = Number(disk?.[1])
const minor = Number(disk?.[2])

const schedulers = '/sys/block/loop0/queue/scheduler'
const loops =
  existsSync('/dev/loop-control') &&
  existsSync(schedulers) &&
  readFileSync(schedulers, 'utf8').includes('bfq')
    ? false
    : 'needs loop devices and their scheduler bfq'

/** A block device of our own, with the scheduler that knows weights. */
const loopDevice = (t: Test, dir: string): { major: number; minor: number } => {
  const file = join(dir, 'disk')
  writeFileSync(file, '')
  truncateSync(file, 1 << 20)
  const { stdout, stderr } = spawnSync('losetup', ['--find', '--show', file], { encoding: 'utf8' })
  const device = stdout.trim()
  if (device === '') throw new Error(stderr)
  t.teardown(() => spawnSync('losetup', ['--detach', device]))
  const block = join('/sys/block', basename(device))
  writeFileSync(join(block, 'queue/scheduler'), 'bfq')
  const [major, minor] = readFileSync(join(block, 'dev'), 'utf8').trim().split(':').map(Number)
  return { major: major ?? 0, minor: minor ?? 0 }
}

/** Runs commands where other cgroup hierarchies are mounted; nobody else sees those. */
const among = (mounts: string, c: Container, ...lines: readonly (readonly string[])[]) => {
  const quoted = lines.map(line => line.map(word => `'${word}'`).join(' '))
  const commands = ['set -e', mounts, ...quoted].join('\n')
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', '-c', commands],
    {
      encoding: 'utf8',
      cwd: c.bundle,
      env: { PATH: process.env.PATH, TSRUN_TEST_TAG: c.id },
      timeout: 15_000,
    },
  )
  return { status, stdout, stderr }
}

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('blockIO on cgroup v1', { skip: disk === null ? 'needs a disk' : requires('cgroup1') }, async t => {
    const blockIO: JsonObject = {
      weight: 300,
      throttleReadBpsDevice: [{ major, minor, rate: 10485760 }],
      throttleWriteBpsDevice: [{ major, minor, rate: 20971520 }],
      throttleReadIOPSDevice: [{ major, minor, rate: 300 }],
      throttleWriteIOPSDevice: [{ major, minor, rate: 400 }],
    }
    const c = container(t, rt, { ...waiting, linux: { resources: { blockIO } } })
    const { status, stderr } = c.create()
    t.equal(status, 0, stderr)
    const file = (name: string) => readFileSync(`/sys/fs/cgroup/blkio/${c.id}/blkio.${name}`, 'utf8').trim()
    t.equal(file('throttle.read_bps_device'), `${major}:${minor} 10485760`)
    t.equal(file('throttle.write_bps_device'), `${major}:${minor} 20971520`)
    t.equal(file('throttle.read_iops_device'), `${major}:${minor} 300`)
    t.equal(file('throttle.write_iops_device'), `${major}:${minor} 400`)
    t.equal(file('bfq.weight'), '300')
  })

  t.test('weightDevice on cgroup v1', { skip: loops || requires('cgroup1') }, async t => {
    const c = container(t, rt, waiting)
    const device = loopDevice(t, c.dir)
    c.configure({
      linux: { resources: { blockIO: { weight: 200, weightDevice: [{ ...device, weight: 700 }] } } },
    })
    const { status, stderr } = c.create()
    t.equal(status, 0, stderr)
    const text = readFileSync(`/sys/fs/cgroup/blkio/${c.id}/blkio.bfq.weight_device`, 'utf8')
    t.equal(text, `default 200\n${device.major}:${device.minor} 700\n`)
  })

  t.test('blockIO on cgroup v2', { skip: loops || requires('cgroup2') }, async t => {
    const c = container(t, rt, waiting)
    const device = loopDevice(t, c.dir)
    const { major, minor } = device
    c.configure({
      linux: {
        resources: {
          blockIO: {
            weight: 200,
            weightDevice: [{ ...device, weight: 700 }],
            throttleReadBpsDevice: [{ ...device, rate: 10485760 }],
            throttleWriteBpsDevice: [{ ...device, rate: 20971520 }],
            throttleReadIOPSDevice: [{ ...device, rate: 300 }],
            throttleWriteIOPSDevice: [{ ...device, rate: 400 }],
          },
        },
      },
    })
    const { status, stderr } = c.create()
    t.equal(status, 0, stderr)
    const file = (name: string) => readFileSync(`/sys/fs/cgroup/${c.id}/${name}`, 'utf8').trim()
    t.equal(file('io.max'), `${major}:${minor} rbps=10485760 wbps=20971520 riops=300 wiops=400`)
    t.equal(file('io.bfq.weight'), `default 200\n${major}:${minor} 700`)
  })

  t.test('rdma', { skip: requires('rdma') }, async t => {
    const device = readdirSync('/sys/class/infiniband')[0] ?? ''
    const c = container(t, rt, waiting)
    c.configure({ linux: { resources: { rdma: { [device]: { hcaHandles: 3, hcaObjects: 10000 } } } } })
    const { status, stderr } = c.create()
    t.equal(status, 0, stderr)
    const file = existsSync(`/sys/fs/cgroup/${c.id}`) ? c.id : `rdma/${c.id}`
    t.equal(
      readFileSync(`/sys/fs/cgroup/${file}/rdma.max`, 'utf8'),
      `${device} hca_handle=3 hca_object=10000\n`,
    )
  })

  t.test(
    'rdma without the controller',
    { skip: rt.lacks('pointers') || requires('rdma') === false },
    async t => {
      const c = container(t, rt, { linux: { resources: { rdma: { mlx5_1: { hcaHandles: 3 } } } } })
      const { status, stderr } = c.run()
      t.equal(status, 1)
      t.match(stderr, /\/linux\/resources\/rdma/)
      t.same(c.leaks(), nothing)
    },
  )

  t.test(
    'leafWeight, which no kernel has',
    { skip: rt.lacks('pointers') || requires('cgroup1') },
    async t => {
      for (const blockIO of [{ leafWeight: 100 }, { weightDevice: [{ major, minor, leafWeight: 100 }] }]) {
        const c = container(t, rt, { linux: { resources: { blockIO } } })
        const { status, stderr } = c.run()
        t.equal(status, 1)
        t.match(stderr, /leafWeight|weightDevice/)
        t.same(c.leaks(), nothing)
      }
    },
  )

  t.test('a device that is not there', { skip: requires('cgroup1') }, async t => {
    const blockIO = { throttleReadBpsDevice: [{ major: 4000, minor: 9, rate: 1 }] }
    const { status, stderr } = container(t, rt, { linux: { resources: { blockIO } } }).run()
    t.not(status, 0)
    if (!rt.lacks('pointers')) t.match(stderr, /throttleReadBpsDevice.*ENODEV.*whole disk/)
  })

  t.test('network class and priorities', { skip: rt.lacks('hybrid') || requires('cgroup1') }, async t => {
    const network = { classID: 1048577, priorities: [{ name: 'lo', priority: 7 }] }
    const c = container(t, rt, { ...waiting, linux: { resources: { network } } })
    const tree = `${c.dir}/net`
    const files = [`${tree}/${c.id}/net_cls.classid`, `${tree}/${c.id}/net_prio.ifpriomap`]
    const { status, stdout, stderr } = among(
      `mkdir ${tree}; mount -t cgroup -o net_cls,net_prio net ${tree}`,
      c,
      c.line('create', '--bundle', c.bundle, c.id),
      ['cat', ...files],
      c.line('delete', '--force', c.id),
      ['test', '!', '-e', files[0] ?? ''],
    )
    t.equal(status, 0, stderr)
    t.match(stdout, /^1048577\n/)
    t.match(stdout, /^lo 7$/m)
    // A hierarchy whose last cgroup is still dying outlives its last mount; containerd finds no cgroups while one is unmounted.
    const again = `mount -t cgroup -o net_cls,net_prio net ${tree} && umount ${tree}; sleep 0.3; ! grep net_cls /proc/self/cgroup`
    const gone = () => spawnSync('unshare', ['-m', 'sh', '-c', again]).status === 0
    t.ok(until(gone), 'the machine is as it was')
  })

  t.test('huge pages and unified on cgroup v2', { skip: rt.lacks('hybrid') }, async t => {
    const resources = {
      hugepageLimits: [{ pageSize: '2MB', limit: 4194304 }],
      unified: { 'cgroup.max.depth': '3', 'hugetlb.1GB.max': '1073741824\n' },
    }
    const c = container(t, rt, { ...waiting, linux: { resources } })
    const made = `/sys/fs/cgroup/${c.id}`
    const { status, stdout, stderr } = among(
      'umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup /sys/fs/cgroup\n' +
        'if ! grep -q hugetlb /sys/fs/cgroup/cgroup.controllers; then echo no hugetlb; exit 0; fi',
      c,
      c.line('create', '--bundle', c.bundle, c.id),
      [
        'cat',
        `${made}/hugetlb.2MB.max`,
        `${made}/hugetlb.2MB.rsvd.max`,
        `${made}/hugetlb.1GB.max`,
        `${made}/cgroup.max.depth`,
      ],
      c.line('delete', '--force', c.id),
      ['test', '!', '-e', made],
    )
    t.equal(status, 0, stderr)
    if (stdout === 'no hugetlb\n') t.comment('the hugetlb controller is not on cgroup v2 here')
    else t.equal(stdout, '4194304\n4194304\n1073741824\n3\n')
  })

  t.test('unified needs cgroup v2', { skip: rt.lacks('pointers') || requires('cgroup1') }, async t => {
    const c = container(t, rt, { linux: { resources: { unified: { 'memory.high': '1048576' } } } })
    const { status, stderr } = c.run()
    t.equal(status, 1)
    t.match(stderr, /\/linux\/resources\/unified\/memory.high: memory.high is a file of cgroup v2/)
  })

  t.test(
    'timeOffsets',
    { skip: rt.lacks('time') || (!existsSync('/proc/self/ns/time') && 'no time namespaces') },
    async t => {
      const timeOffsets = { monotonic: { secs: 1000, nanosecs: 500000000 }, boottime: { secs: 864000 } }
      const linux = { namespaces: [...namespaces, { type: 'time' }], timeOffsets }
      const c = container(t, rt, { linux })
      t.equal(c.create().status, 0)
      const shown = readFileSync(`/proc/${c.state().pid}/timens_offsets`, 'utf8')
      t.match(shown, /^monotonic +1000 +500000000\nboottime +864000 +0\n$/)
      c.del('--force')
      const [offsets, uptime] = c.ask(['cat', '/proc/self/timens_offsets'], ['cat', '/proc/uptime'])
      t.equal(offsets?.data, shown)
      const host = Number.parseFloat(readFileSync('/proc/uptime', 'utf8'))
      const ahead = Number.parseFloat(uptime?.data ?? '') - host
      t.ok(Math.abs(ahead - 864000) < 60, `the uptime is ahead by ${ahead} s`)
    },
  )

  t.test('timeOffsets with a user namespace', { skip: rt.lacks('time') || requires('userns') }, async t => {
    const linux = {
      namespaces: [...namespaces, { type: 'time' }, { type: 'user' }],
      uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
      gidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
      timeOffsets: { boottime: { secs: 86400 } },
    }
    const [offsets] = container(t, rt, { linux }).ask(['cat', '/proc/self/timens_offsets'])
    t.match(offsets?.data, /^boottime +86400 +0$/m)
  })

  t.test('a clock below zero', { skip: rt.lacks('time') || rt.lacks('pointers') }, async t => {
    const linux = {
      namespaces: [...namespaces, { type: 'time' }],
      timeOffsets: { monotonic: { secs: -1e10 } },
    }
    const { status, stderr } = container(t, rt, { linux }).run()
    t.equal(status, 1)
    t.match(stderr, /\/linux\/timeOffsets: shift the clocks: .*ERANGE/)
  })

  const missing = existsSync('/sys/fs/resctrl/schemata') && 'resctrl is mounted'
  t.test('intelRdt without resctrl', { skip: rt.lacks('pointers') || missing }, async t => {
    for (const intelRdt of [{}, { closID: 'guaranteed', schemata: ['L3:0=f'] }]) {
      const c = container(t, rt, { linux: { intelRdt } })
      const { status, stderr } = c.run()
      t.equal(status, 1)
      t.match(stderr, /\/linux\/intelRdt: intelRdt is specified in config, but resctrl is not mounted/)
      t.same(c.leaks(), nothing)
    }
  })
})
