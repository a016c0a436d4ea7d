/**
 * The systemd cgroup manager against a real systemd: of the machine as root (on cgroup v2, or on v1 and hybrid ones), of the user as an
 * ordinary user.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type JsonObject, merge } from '../support/config.js'
import { type Container, container, pause, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'

const MiB = 1 << 20
const unified = existsSync('/sys/fs/cgroup/cgroup.controllers')
const asUser = process.getuid?.() !== 0
const waiting = { process: { args: script(['wait']) } }

const ordinaryUser: JsonObject = {
  linux: {
    namespaces: ['user', 'pid', 'ipc', 'uts', 'mount'].map(type => ({ type })),
    uidMappings: [{ containerID: 0, hostID: process.getuid?.() ?? 0, size: 1 }],
    gidMappings: [{ containerID: 0, hostID: process.getgid?.() ?? 0, size: 1 }],
  },
  mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
}

const systemctl = (...args: readonly string[]) =>
  spawnSync('systemctl', [...(asUser ? ['--user'] : []), '--no-pager', ...args], { encoding: 'utf8' })

/** A property of a unit, as systemctl tells it. */
const show = (unit: string, property: string): string =>
  systemctl('show', '--value', '-p', property, unit).stdout.trim()

const exists = (unit: string): boolean => show(unit, 'LoadState') !== 'not-found'

const withSystemd = (rt: Runtime): Runtime => ({ ...rt, argv: [...rt.argv, '--systemd-cgroup'] })

interface Scope extends Container {
  readonly unit: string
  /** Its cgroup in a hierarchy: of v2, or of a controller of v1. */
  readonly cgroup: (controller: string) => string
  readonly file: (controller: string, name: string) => string
}

/** A container in a scope of `tsrun-test.slice`. */
const scope = (t: Test, rt: Runtime, patch: JsonObject = {}): Scope => {
  const c = container(t, withSystemd(rt), merge(merge(waiting, asUser ? ordinaryUser : {}), patch))
  c.configure({ linux: { cgroupsPath: `tsrun-test.slice:pre:${c.id}` } })
  const unit = `pre-${c.id}.scope`
  const cgroup = (controller: string): string =>
    join('/sys/fs/cgroup', unified ? '' : controller, show(unit, 'ControlGroup'))
  const file = (controller: string, name: string): string =>
    readFileSync(join(cgroup(controller), name), 'utf8').trim()
  t.teardown(() => {
    // An init would not hear the SIGTERM of a stop.
    c.del('--force')
    systemctl('stop', unit)
  })
  return { ...c, unit, cgroup, file }
}

const created = (t: Test, c: Container): void => {
  const { status, stderr } = c.create()
  t.equal(status, 0, stderr)
}

/** The paths in a /proc/PID/cgroup. */
const pathsOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .trim()
    .split('\n')
    .map(line => line.split(':').slice(2).join(':'))

const gone = (t: Test, c: Scope): void => {
  t.equal(show(c.unit, 'LoadState'), 'not-found', 'no unit is left')
  t.same(c.leaks(), nothing)
}

const tests = (t: Test, rt: Runtime): void => {
  t.test('a scope, named and placed by cgroupsPath, which goes with the container', async t => {
    const c = scope(t, rt)
    created(t, c)
    const { pid } = c.state()
    t.equal(show(c.unit, 'ActiveState'), 'active')
    t.equal(show(c.unit, 'Slice'), 'tsrun-test.slice')
    t.equal(show(c.unit, 'Delegate'), 'yes')
    t.match(show(c.unit, 'ControlGroup'), /\/tsrun.slice\/tsrun-test.slice\/pre-[^/]+.scope$/)
    for (const path of pathsOf(pid)) t.match(path, c.unit)
    t.equal(c.start().status, 0)
    const inside = c.call('exec', c.id, '/bin/payload', 'cat', '/proc/self/cgroup')
    t.match(inside.stdout, c.unit, 'exec joins it')
    t.equal(c.kill('KILL').status, 0)
    c.ended(pid)
    t.equal(c.del().status, 0)
    gone(t, c)
  })

  t.test('limits are properties of the unit, and in force', async t => {
    const resources = {
      memory: { limit: 64 * MiB },
      pids: { limit: 42 },
      cpu: { quota: 33_333, period: 100_000 },
    }
    const c = scope(t, rt, { linux: { resources } })
    created(t, c)
    t.equal(c.file('pids', 'pids.max'), '42')
    t.equal(c.file('memory', unified ? 'memory.max' : 'memory.limit_in_bytes'), `${64 * MiB}`)
    if (unified) t.equal(c.file('cpu', 'cpu.max'), '33333 100000')
    else t.equal(c.file('cpu', 'cpu.cfs_quota_us'), '33333')
    t.equal(show(c.unit, 'TasksMax'), '42')
    if (unified || rt.name !== 'runc') t.equal(show(c.unit, 'MemoryMax'), `${64 * MiB}`)
    t.equal(show(c.unit, 'CPUQuotaPerSecUSec'), '340ms', 'which systemd has in steps of 10 ms')
    t.equal(systemctl('daemon-reload').status, 0)
    pause(300)
    t.equal(c.file('pids', 'pids.max'), '42', 'after a daemon-reload too')
    t.equal(c.file('memory', unified ? 'memory.max' : 'memory.limit_in_bytes'), `${64 * MiB}`)
  })

  t.test('update changes both, or neither', async t => {
    const c = scope(t, rt, { linux: { resources: { pids: { limit: 42 }, memory: { limit: 64 * MiB } } } })
    created(t, c)
    t.equal(c.call('update', '--pids-limit', '50', '--memory', '32M', c.id).status, 0)
    t.same([show(c.unit, 'TasksMax'), c.file('pids', 'pids.max')], ['50', '50'])
    t.equal(c.file('memory', unified ? 'memory.max' : 'memory.limit_in_bytes'), `${32 * MiB}`)
    const refused = c.call('update', '--pids-limit', '60', '--cpuset-cpus', '4000', c.id)
    t.equal(refused.status, 1)
    if (rt.lacks('tsrun')) return
    t.match(refused.stderr, '/linux/resources/cpu/cpus')
    t.same([show(c.unit, 'TasksMax'), c.file('pids', 'pids.max')], ['50', '50'])
  })

  t.test('pause, resume, ps and events', async t => {
    const c = scope(t, rt)
    created(t, c)
    t.equal(c.start().status, 0)
    t.equal(c.call('pause', c.id).status, 0)
    t.equal(c.state().status, 'paused')
    t.equal(c.call('resume', c.id).status, 0)
    t.equal(c.state().status, 'running')
    // On v1 runc looks into the devices hierarchy, out of which systemd 252 moves its containers.
    if (unified || rt.name !== 'runc')
      t.same(JSON.parse(c.call('ps', '--format', 'json', c.id).stdout), [c.state().pid])
    t.equal(JSON.parse(c.call('events', '--stats', c.id).stdout).data.pids.current, 1)
    t.equal(c.del('--force').status, 0)
    gone(t, c)
  })

  t.test('run in the foreground leaves nothing', async t => {
    const c = scope(t, rt, { process: { args: script(['cat', '/proc/self/cgroup'], ['exit', 7]) } })
    const { status, stdout, stderr } = c.run()
    t.equal(status, 7, stderr)
    t.match(stdout, c.unit)
    gone(t, c)
  })

  t.test(
    'a unit of that name with processes in it stays what it is',
    { skip: rt.lacks('tsrun') },
    async t => {
      const c = scope(t, rt)
      created(t, c)
      const { pid } = c.state()
      const other = scope(t, rt)
      other.configure({ linux: { cgroupsPath: `tsrun-test.slice:pre:${c.id}` } })
      const { status, stderr } = other.create()
      t.equal(status, 1)
      t.match(stderr, `start unit ${c.unit}: a unit of that name exists already, with 1 process(es)`)
      t.same([c.state().pid, c.state().status], [pid, 'created'])
      t.notOk(existsSync(join(other.stateRoot, other.id)))
    },
  )

  t.test('one that failed makes room', { skip: rt.lacks('tsrun') }, async t => {
    const c = scope(t, rt)
    const user = asUser ? ['--user'] : []
    const line = [...user, '--scope', '-p', 'RuntimeMaxSec=100ms', `--unit=${c.unit}`, 'sleep', '60']
    spawnSync('systemd-run', line)
    t.ok(until(() => show(c.unit, 'ActiveState') === 'failed'))
    created(t, c)
    t.equal(show(c.unit, 'ActiveState'), 'active')
    t.equal(c.del('--force').status, 0)
    gone(t, c)
  })

  const resources = { memory: { limit: 16 * MiB, swap: 16 * MiB } }
  const told = { kills: 1, limit: 16 * MiB, killed: [{ name: 'payload' }] }
  // Its cgroup goes with its last process: what it was that was killed only the kernel's log knows then.
  const noLog = spawnSync('head', ['-c', '0', '/dev/kmsg']).status !== 0 && "may not read the kernel's log"
  const skip = rt.lacks('tsrun') || noLog

  t.test('out of memory leaves no failed unit', async t => {
    const c = scope(t, rt, { process: { args: script(['alloc', 64 * MiB]) }, linux: { resources } })
    const { status, stderr } = c.run()
    t.equal(status, 137)
    if (skip === false)
      t.match(
        stderr,
        /out of memory: the kernel killed a process \(payload, pid \d+\): the memory limit is 16777216/,
      )
    gone(t, c)
  })

  t.test('nothing is said of another death', { skip: rt.lacks('tsrun') }, async t => {
    const c = scope(t, rt, { process: { args: script(['exit', 137]) }, linux: { resources } })
    for (let i = 0; i < 2; i++) t.match(c.run(), { status: 137, stderr: '' })
  })

  t.test('state knows that memory was out, although the cgroup is gone', { skip }, async t => {
    const c = scope(t, rt, { process: { args: script(['alloc', 64 * MiB]) }, linux: { resources } })
    t.equal(c.run('--detach').status, 0)
    t.ok(until(() => c.state().status === 'stopped' && !exists(c.unit)))
    t.match((c.state() as unknown as { oom: unknown }).oom, told)
    t.equal(c.del().status, 0)
    const other = merge(JSON.parse(readFileSync(join(c.bundle, 'config.json'), 'utf8')), {
      process: { args: script(['exit', 0]) },
    })
    c.rewrite(() => JSON.stringify(other))
    t.equal(c.run('--detach').status, 0)
    t.ok(until(() => c.state().status === 'stopped'))
    t.equal(
      (c.state() as unknown as { oom?: unknown }).oom,
      undefined,
      'that of another of its name is not its own',
    )
  })

  t.test('events tell of it', { skip }, async t => {
    const args = script(['trap', 10], ['alloc', 64 * MiB])
    const c = scope(t, rt, { process: { args }, linux: { resources } })
    t.equal(c.run('--detach').status, 0)
    const running = c.spawn(...c.line('events', '--interval', '200ms', c.id))
    await running.says('"stats"')
    c.kill('USR1')
    const lines = (await running.done).stdout.split('\n').filter(line => line.includes('"oom"'))
    t.match(
      lines.map(line => JSON.parse(line)),
      [{ type: 'oom', id: c.id, data: told }],
    )
  })

  t.test('annotations set properties', async t => {
    const annotations = {
      'org.systemd.property.TimeoutStopUSec': 'uint64 12000000',
      'org.systemd.property.Description': "'it is mine'",
    }
    const c = scope(t, rt, { annotations })
    created(t, c)
    t.equal(show(c.unit, 'TimeoutStopUSec'), '12s')
    t.equal(show(c.unit, 'Description'), 'it is mine')
  })

  t.test('a property that systemd refuses', { skip: rt.lacks('tsrun') }, async t => {
    const annotations = { 'org.systemd.property.CollectMode': "'never'" }
    const c = scope(t, rt, { annotations })
    const { status, stderr } = c.create()
    t.equal(status, 1)
    t.match(stderr, '(CollectMode is asked for by /annotations/org.systemd.property.CollectMode)')
    gone(t, c)
  })

  t.test('a helper that fails tells why', { skip: rt.lacks('tsrun') }, async t => {
    const c = scope(t, rt)
    const types = ['pid', 'ipc', 'uts', 'mount', ...(asUser ? ['user'] : [])]
    const namespaces = types.map(type => (type === 'ipc' ? { type, path: '/proc/self/no' } : { type }))
    c.configure({ linux: { namespaces } })
    const { status, stderr } = c.create()
    t.equal(status, 1)
    t.match(stderr, /\/linux\/namespaces\/1(\/path)?: open ipc namespace/)
    gone(t, c)
  })

  t.test('a create that is killed', { skip: rt.lacks('recovery') }, async t => {
    const c = scope(t, rt)
    for (let i = 0; i < 12; i++) {
      const { child, done } = c.spawn(...c.line('create', '--bundle', c.bundle, c.id))
      await new Promise(resolve => setTimeout(resolve, i * 3))
      child.kill('SIGKILL')
      child.stdout?.destroy()
      child.stderr?.destroy()
      await done
      const { status, stderr } = c.del('--force')
      t.equal(status, 0, stderr)
      t.ok(
        until(() => !exists(c.unit)),
        `killed after ${i * 3} ms`,
      )
    }
    gone(t, c)
  })
}

forms(t, asUser ? 'as root only' : requires('root', 'cc', 'systemd'), (t, rt) => {
  tests(t, rt)

  t.test('an absent cgroupsPath is a scope in system.slice', async t => {
    const c = scope(t, rt)
    c.configure({ linux: { cgroupsPath: undefined } })
    created(t, c)
    const name = `${rt.name === 'runc' ? 'runc' : 'tsrun'}-${c.id}.scope`
    t.equal(show(name, 'Slice'), 'system.slice')
    t.equal(c.del('--force').status, 0)
    t.notOk(exists(name))
  })

  t.test('device rules hold through a daemon-reload', { skip: rt.lacks('tsrun') }, async t => {
    // No driver has these numbers: what is let through is ENXIO.
    const node = (path: string, minor: number) => ({ type: 'c', path, major: 250, minor, fileMode: 0o666 })
    const c = scope(t, rt, {
      linux: {
        devices: [node('/dev/denied', 250), node('/dev/allowed', 251)],
        resources: { devices: [{ allow: true, type: 'c', major: 250, minor: 251, access: 'rw' }] },
      },
    })
    created(t, c)
    t.equal(c.start().status, 0)
    const opened = (path: string) => c.call('exec', c.id, '/bin/payload', 'open', path).stdout
    t.match([opened('/dev/denied'), opened('/dev/allowed')], [/EPERM/, /ENXIO/])
    t.equal(systemctl('daemon-reload').status, 0)
    pause(300)
    t.match([opened('/dev/denied'), opened('/dev/allowed')], [/EPERM/, /ENXIO/])
  })

  t.test('sub-cgroups go with it', async t => {
    const c = scope(t, rt)
    created(t, c)
    mkdirSync(join(c.cgroup('systemd'), 'below'))
    t.equal(c.del('--force').status, 0)
    gone(t, c)
  })
})

forms(t, asUser ? requires('user', 'cc') : 'as an ordinary user only', tests)
