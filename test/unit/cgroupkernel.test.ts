/**
 * Making, joining, limiting, freezing, killing and removing cgroups, on the real kernel: once as this machine shows them, then
 * in mount namespaces of their own that show v2 alone and v1 alone.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import t from 'tap'
import {
  containerProcesses,
  freeze,
  isFrozen,
  killAll,
  removeCgroups,
  thaw,
} from '../../src/container/cgroup.js'
import { type CgroupPaths, probeCgroup } from '../../src/host/cgroup.js'
import { createCgroups } from '../../src/launch/cgroup.js'
import { joinCgroups, writeCgroups } from '../../src/launch/cgroupvalues.js'
import { attachDeviceFilter } from '../../src/launch/devicefilter.js'
import { type CgroupPlan, lowerCgroup } from '../../src/lower/cgroup/index.js'
import type { HostPath, OpOf } from '../../src/plan/op.js'
import type { Resources } from '../../src/spec/types.gen.js'
import { sleep } from '../../src/sys/call.js'
import { install } from '../../src/sys/native.js'
import { nodeNative } from '../../src/sys/node.js'
import { requires } from '../support/requires.js'

const SIGKILL = 9
const SIGTERM = 15
const skip = requires('root')
install(nodeNative())
const host = probeCgroup()
const v1 = host.mode !== 'v2'
const children: ChildProcess[] = []
const used: CgroupPaths[] = []
let count = 0

interface Cgroups {
  readonly plan: CgroupPlan
  readonly paths: CgroupPaths
  readonly path: string
  create(): string[]
  join(pid: number): void
  limit(): void
  remove(): void
}
function cgroups(resources: Resources = {}, path = `/tsrun-unit-${process.pid}-${count++}`): Cgroups {
  const linux = { resources, cgroupsPath: path }
  const plan = lowerCgroup({ ociVersion: '1.3.0', linux }, host, { id: 'unit', manager: 'cgroupfs' })
  used.push(plan.paths)
  let made: string[] = []
  const dirs = (plan.create[0] as OpOf<'cgroup_create'>).dirs
  const join: OpOf<'cgroup_join'> = { op: 'cgroup_join', by: 'runtime', at: '/linux/cgroupsPath', dirs }
  const writes = (ops: CgroupPlan['create']) => writeCgroups(ops.filter(op => op.op === 'cgroup_write'))
  return {
    plan,
    paths: plan.paths,
    path,
    create() {
      made = createCgroups(plan.create[0] as OpOf<'cgroup_create'>)
      writes(plan.create)
      return made
    },
    join: pid => joinCgroups(join, pid),
    limit() {
      writes(plan.limit)
      for (const op of plan.limit) if (op.op === 'cgroup_devices') attachDeviceFilter(op)
    },
    remove: () => removeCgroups(plan.paths, made),
  }
}
const dirsOf = ({ paths }: Cgroups): string[] => [
  ...new Set([...Object.values(paths.v1), ...(paths.v2 === undefined ? [] : [paths.v2])]),
]
const dirOf = (c: Cgroups, controller: string): string => c.paths.v1[controller] ?? (c.paths.v2 as string)

/** A process of its own, whose signals are told by `ended`. */
function child(script = 'exec sleep 100') {
  const process = spawn('sh', ['-c', script])
  children.push(process)
  let text = ''
  process.stdout.on('data', data => {
    text += data
  })
  const output = new Promise<string>(resolve => process.on('close', () => resolve(text)))
  const ended = new Promise<string | null>(resolve => process.on('exit', (_, signal) => resolve(signal)))
  return { pid: process.pid as number, ended, output, go: () => process.stdin.write('\n') }
}
const subtreeControl = '/sys/fs/cgroup/cgroup.subtree_control'
const enabledBefore = v1 ? '' : readFileSync(subtreeControl, 'utf8')
t.teardown(() => {
  for (const process of children) process.kill('SIGKILL')
  sleep(50)
  for (const paths of used) {
    thaw(paths)
    removeCgroups(paths)
  }
  if (v1) return
  for (const name of readFileSync(subtreeControl, 'utf8').trim().split(' ')) {
    if (!enabledBefore.includes(name)) writeFileSync(subtreeControl, `-${name}`)
  }
})

/** The error that something throws. */
function refused(action: () => unknown): Partial<Error & { errnoName: string; code: string }> {
  try {
    action()
  } catch (error) {
    return error as Error
  }
  return {}
}

t.test(`${host.mode}: a life`, { skip }, async t => {
  const c = cgroups()
  t.same(c.create().sort(), dirsOf(c).sort(), 'all directories are new')
  const { pid, ended } = child()
  t.same(containerProcesses(c.paths), [])
  c.join(pid)
  for (const line of readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n')) {
    const [, controllers = '', path] = line.split(':')
    if (controllers === '' ? host.v2 !== undefined : host.v1[controllers.split(',')[0] as string]) {
      t.equal(path, c.path, line)
    }
  }
  c.limit()
  t.same(containerProcesses(c.paths), [pid])
  t.equal(isFrozen(c.paths), false)
  freeze(c.paths)
  t.equal(isFrozen(c.paths), true)
  thaw(c.paths)
  t.equal(isFrozen(c.paths), false)
  t.match(
    refused(() => c.remove()),
    { errnoName: 'EBUSY', message: new RegExp(`processes in it: ${pid}`) },
  )
  t.equal(killAll(c.paths, SIGKILL), true)
  t.equal(await ended, 'SIGKILL')
  c.remove()
  for (const dir of dirsOf(c)) t.notOk(existsSync(dir), dir)
  c.remove()
  t.equal(killAll(c.paths, SIGKILL), false, 'a container without cgroups')
  t.same(containerProcesses(c.paths), [])
  t.equal(isFrozen(c.paths), false)
})

t.test(
  `${host.mode}: a frozen container dies of SIGKILL, and is only paused for other signals`,
  { skip },
  async t => {
    const c = cgroups()
    c.create()
    const { pid, ended } = child()
    c.join(pid)
    freeze(c.paths)
    killAll(c.paths, SIGTERM)
    t.equal(isFrozen(c.paths), true)
    // On v2 a frozen process dies of any fatal signal.
    if (v1) t.same(containerProcesses(c.paths), [pid])
    killAll(c.paths, SIGKILL)
    await ended
    c.remove()
  },
)

t.test(`${host.mode}: every process, those of cgroups below too`, { skip }, async t => {
  const c = cgroups()
  c.create()
  for (const dir of dirsOf(c)) {
    mkdirSync(`${dir}/below`)
    if (!dir.includes('/cpuset/')) continue
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      writeFileSync(`${dir}/below/${file}`, readFileSync(`${dir}/${file}`))
    }
  }
  const first = child('read go; sleep 100 & sleep 100 & wait')
  const second = child()
  c.join(first.pid)
  cgroups({}, `${c.path}/below`).join(second.pid)
  first.go()
  for (let i = 0; i < 1000 && containerProcesses(c.paths).length < 4; i++) sleep(10)
  t.equal(containerProcesses(c.paths).length, 4)
  t.ok(containerProcesses(c.paths).includes(second.pid))
  t.equal(killAll(c.paths, SIGTERM), true)
  t.equal(await first.ended, 'SIGTERM')
  t.equal(await second.ended, 'SIGTERM')
  killAll(c.paths, SIGKILL)
  c.remove()
  t.same(dirsOf(c).filter(existsSync), [])
})

t.test(
  `${host.mode}: parents are made, and removed with the container when they are empty`,
  { skip },
  async t => {
    const parent = `/tsrun-unit-${process.pid}-parent`
    const one = cgroups({}, `${parent}/a/one`)
    const two = cgroups({}, `${parent}/a/two`)
    t.equal(one.create().length, dirsOf(one).length * 3)
    t.equal(two.create().length, dirsOf(two).length)
    if (v1)
      t.not(
        readFileSync(`${dirOf(one, 'cpuset')}/cpuset.cpus`, 'utf8').trim(),
        '',
        'cpusets inherit through new parents',
      )
    one.remove()
    t.ok(dirsOf(two).every(existsSync))
    removeCgroups(two.paths)
    one.remove()
    for (const dir of dirsOf(one)) t.notOk(existsSync(dir.slice(0, -'/a/one'.length)), dir)
  },
)

t.test(`${host.mode}: a cgroup in use is refused in runc's words, an empty one taken`, { skip }, async t => {
  const c = cgroups()
  c.create()
  t.same(c.create(), [], 'empty')
  const { pid } = child()
  c.join(pid)
  t.match(
    refused(() => c.create()),
    { code: 'ERR_HOST', message: /container's cgroup is not empty: 1 process/ },
  )
  killAll(c.paths, SIGKILL)
  sleep(50)
  freeze(c.paths)
  t.match(
    refused(() => c.create()),
    { code: 'ERR_HOST', message: /container's cgroup unexpectedly frozen/ },
  )
  thaw(c.paths)
  c.remove()
})

t.test(`${host.mode}: a failed create leaves nothing`, { skip }, async t => {
  const c = cgroups({}, `/tsrun-unit-${process.pid}-half/c`)
  const create = c.plan.create[0] as OpOf<'cgroup_create'>
  const dirs = [...create.dirs, '/proc/nothing/here' as HostPath]
  t.match(
    refused(() => createCgroups({ ...create, dirs })),
    { message: /^\/linux\/cgroupsPath: mkdir\("/ },
  )
  for (const dir of dirsOf(c)) t.notOk(existsSync(dir.slice(0, -'/c'.length)), dir)
})

t.test(
  `${host.mode}: a value that the kernel refuses is named, with its place and a hint`,
  { skip },
  async t => {
    const cpus = cgroups({ cpu: { cpus: '4000' } })
    const error = refused(() => cpus.create())
    if (v1) {
      t.match(
        error.message,
        /^\/linux\/resources\/cpu\/cpus: write\(".*cpuset.cpus", "4000"\): E\w+, .* \(.*(machine|parent)/,
      )
    } else {
      t.match(error.message, /controller "cpuset" is not available in .*: .*cgroup.controllers has only/)
    }
    const c = cgroups()
    c.create()
    const op: OpOf<'cgroup_write'> = {
      op: 'cgroup_write',
      by: 'runtime',
      at: '/x',
      file: `${dirsOf(c)[0]}/no.such.file` as HostPath,
      values: ['1'],
    }
    t.match(
      refused(() => writeCgroups([op])),
      { errnoName: 'ENOENT', message: /^\/x: .*is the controller there/ },
    )
    t.doesNotThrow(() => writeCgroups([{ ...op, tolerate: ['ENOENT'] }]))
    t.match(
      refused(() => c.join(4194303)),
      { errnoName: 'ESRCH' },
    )
    c.remove()
    cpus.remove()
  },
)

t.test(
  `${host.mode}: limits that check each other, in a cgroup that has others already`,
  { skip: skip || (!v1 && 'v1') },
  async t => {
    const MiB = 1 << 20
    const c = cgroups({
      memory: { limit: 64 * MiB, swap: 64 * MiB },
      cpu: { quota: 1000, period: 2000, burst: 1000 },
    })
    c.create()
    c.limit()
    const read = (controller: string, file: string) =>
      readFileSync(`${dirOf(c, controller)}/${file}`, 'utf8').trim()
    t.equal(read('memory', 'memory.limit_in_bytes'), `${64 * MiB}`)
    const wider = cgroups(
      { memory: { limit: 256 * MiB, swap: 512 * MiB }, cpu: { quota: 5000, burst: 5000 } },
      c.path,
    )
    wider.limit()
    t.equal(read('memory', 'memory.limit_in_bytes'), `${256 * MiB}`, 'limit waits for memsw')
    t.equal(read('memory', 'memory.memsw.limit_in_bytes'), `${512 * MiB}`)
    t.equal(read('cpu', 'cpu.cfs_burst_us'), '5000', 'burst waits for quota')
    const wrong = cgroups({ memory: { limit: 512 * MiB, swap: 300 * MiB } }, c.path)
    t.match(
      refused(() => wrong.limit()),
      { errnoName: 'EINVAL', message: /memory\/(limit|swap): .*memory.swap/ },
    )
    t.match(read('devices', 'devices.list'), /^c \*:\* m$/m)
    t.notMatch(read('devices', 'devices.list'), /^a/m)
    c.remove()
  },
)

t.test('hugetlb is handed down from the root of v2', { skip: skip || (v1 && 'v2') }, async t => {
  const c = cgroups({}, `/tsrun-unit-${process.pid}-v2/leaf`)
  const all = readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8')
  c.create()
  t.equal(readFileSync(`${c.paths.v2}/cgroup.controllers`, 'utf8'), all)
  c.remove()
})

t.test(`${host.mode}: device rules hold`, { skip }, async t => {
  const rules = [{ allow: true, type: 'c', major: 10, minor: 1, access: 'r' }] as const
  const c = cgroups({ devices: [...rules] })
  const node = mkdtempSync('/tmp/tsrun-device-')
  for (const [name, ...numbers] of [
    ['psaux', '10', '1'],
    ['mem', '1', '1'],
  ] as const) {
    execFileSync('mknod', [`${node}/${name}`, 'c', ...numbers])
  }
  t.teardown(() => rmSync(node, { recursive: true }))
  c.create()
  const { pid, ended, go, output } = child(
    `read go; for f in /dev/full ${node}/mem ${node}/psaux; do (: < $f) 2>&1; done; (: > ${node}/psaux) 2>&1; mknod ${node}/x b 8 0 && echo made`,
  )
  c.join(pid)
  c.limit()
  go()
  await ended
  const refusals = (await output).split('\n').filter(line => line.includes('not permitted'))
  t.equal(refusals.length, 2, await output)
  t.match(refusals[0], '/mem')
  t.match(refusals[1], 'psaux', 'it may be read only')
  t.match(await output, 'made')
  c.remove()
})

/** This file as node runs it: a bundle under `make test`, TypeScript under tap. */
const self = process.argv[1] ?? ''
const again = (what: string, mounts: string) => {
  const node = [process.execPath, ...process.execArgv, self].map(word => `'${word}'`).join(' ')
  const script = `mount --make-rprivate / && ${mounts} && exec ${node}`
  t.spawn('unshare', ['-m', 'sh', '-c', script], { env: { ...process.env, TSRUN_CGROUP_VIEW: what } }, what)
}
if (skip === false && process.env.TSRUN_CGROUP_VIEW === undefined) {
  again('v2 alone', 'mount -t cgroup2 none /sys/fs/cgroup')
  if (host.mode === 'hybrid') again('v1 alone', 'umount /sys/fs/cgroup/unified')
}

t.test('nothing is left', { skip }, async t => {
  const left: string[] = []
  const { mount } = host.v2 ?? Object.values(host.v1)[0] ?? { mount: '/sys/fs/cgroup' }
  for (const name of readdirSync(mount)) if (name.startsWith(`tsrun-unit-${process.pid}`)) left.push(name)
  t.same(left, [])
  for (const name of left) t.doesNotThrow(() => rmdirSync(`${mount}/${name}`))
})
