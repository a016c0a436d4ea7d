/** Where exec puts a process: the cgroups of a v2 container that has children of its own, and namespaces that the container joined. */
import { mkdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type JsonObject, namespaces, namespacesWithout } from '../support/config.js'
import { type Container, container, until } from '../support/container.js'
import { answersIn, type Report, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'

const waiting = { process: { args: script(['wait']) } }
const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
const mapped = { uidMappings: map, gidMappings: map }

const directory = (c: Container, ...names: readonly string[]) => join('/sys/fs/cgroup', c.id, ...names)

/** A container whose init went to a child of its cgroup, which hands controllers down: as systemd and nested engines have it. */
const nested = (t: Test, rt: Runtime, linux: JsonObject = {}): Container => {
  const c = container(t, rt, { ...waiting, linux })
  const { status, stderr } = c.run('--detach')
  if (status !== 0) throw new Error(stderr)
  for (const name of ['init', 'other']) mkdirSync(directory(c, name))
  writeFileSync(directory(c, 'init', 'cgroup.procs'), `${c.state().pid}`)
  writeFileSync(directory(c, 'cgroup.subtree_control'), '+pids')
  return c
}

/** The cgroup of a process that exec started, below the container's. */
const placeOf = (c: Container, ...flags: readonly string[]): string => {
  const file = join(c.dir, 'pid')
  const { status, stderr } = c.leave(
    'exec',
    '--detach',
    '--pid-file',
    file,
    ...flags,
    c.id,
    ...script(['wait']),
  )
  if (status !== 0) return stderr
  const pid = Number(readFileSync(file, 'utf8'))
  const [, place = ''] = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8')) ?? []
  process.kill(pid, 'SIGKILL')
  c.ended(pid)
  return place.replace(`/${c.id}`, '') || '/'
}

forms(t, requires('root', 'cc', 'cgroup2'), (t, rt) => {
  const variants = {
    'in the host’s cgroup namespace': {},
    'in one of its own': { namespaces: [...namespaces, { type: 'cgroup' }] },
    'with a user namespace': { namespaces: [...namespaces, { type: 'cgroup' }, { type: 'user' }], ...mapped },
  }
  for (const [name, linux] of Object.entries(variants))
    t.test(`a container with cgroups below its own, ${name}`, async t => {
      const c = nested(t, rt, linux)
      t.equal(placeOf(c), '/init', 'where init is: its own takes no process')
      t.equal(placeOf(c, '--cgroup', 'other'), '/other')
      t.equal(placeOf(c, '--cgroup', '/other/'), '/other')
      const pid = c.state().pid
      t.match(
        placeOf(c, '--cgroup', '/'),
        rt.lacks('tsrun') ? /./ : /EBUSY/,
        'what is asked for is not replaced',
      )
      writeFileSync(directory(c, 'cgroup.subtree_control'), '-pids')
      t.equal(placeOf(c), '/', 'its own takes processes again')
      if (!rt.lacks('exec-cgroup')) {
        t.match(placeOf(c, '--cgroup', 'missing'), /--cgroup|missing.*no such file|ENOENT/)
        t.match(placeOf(c, '--cgroup', '../..'), /leaves the cgroup of the container/)
      }
      t.equal(c.state().pid, pid)
      t.equal(c.del('--force').status, 0)
    })

  t.test('of a container that systemd has cgroups for', { skip: requires('systemd') }, async t => {
    const c = container(t, rt, waiting)
    c.configure({ linux: { cgroupsPath: `system.slice:tsrun-test:${c.id}` } })
    const up = c.leave('--systemd-cgroup', 'run', '--detach', '--bundle', c.bundle, c.id)
    t.equal(up.status, 0, up.stderr)
    const own = join('/sys/fs/cgroup/system.slice', `tsrun-test-${c.id}.scope`)
    mkdirSync(join(own, 'init'))
    writeFileSync(join(own, 'init', 'cgroup.procs'), `${c.state().pid}`)
    writeFileSync(join(own, 'cgroup.subtree_control'), '+pids')
    const { status, stdout } = c.call(
      '--systemd-cgroup',
      'exec',
      c.id,
      ...script(['cat', '/proc/self/cgroup']),
    )
    t.equal(status, 0)
    t.match(answersIn(stdout)[0]?.data, /\/init\n$/)
    t.equal(c.del('--force').status, 0)
    until(() => {
      try {
        rmdirSync(own)
        return true
      } catch {
        return false
      }
    }, 10)
  })
})

forms(t, requires('root', 'cc', 'userns'), (t, rt) => {
  t.test('into namespaces that the container joined by path', async t => {
    const user = [...namespaces, { type: 'user' }]
    const one = container(t, rt, { ...waiting, linux: { namespaces: user, ...mapped } })
    t.equal(one.run('--detach').status, 0)
    const path = (type: string) => `/proc/${one.state().pid}/ns/${type}`
    const joined = [
      ...(namespacesWithout('network', 'ipc', 'uts') as JsonObject[]),
      { type: 'user', path: path('user') },
      { type: 'network', path: path('net') },
      { type: 'ipc', path: path('ipc') },
      { type: 'uts', path: path('uts') },
    ]
    const two = container(t, rt, {
      ...waiting,
      hostname: undefined,
      linux: { namespaces: joined, ...mapped },
    })
    const up = two.run('--detach')
    t.equal(up.status, 0, up.stderr)
    const self = (...flags: readonly string[]) =>
      answersIn(two.call('exec', ...flags, two.id, ...script(['report'])).stdout)[0] as unknown as Report
    const { pid } = two.state()
    const report = self()
    for (const type of ['user', 'net', 'ipc', 'uts', 'mnt', 'pid'])
      t.equal(report.ns[type], readlinkSync(`/proc/${pid}/ns/${type}`), type)
    for (const type of ['user', 'net', 'ipc', 'uts'])
      t.equal(report.ns[type], readlinkSync(path(type)), `${type} of the other one`)
    t.same(report.uid, [0, 0, 0])
    t.same([self('--user', '7:8').uid[0], self('--user', '7:8').gid[0]], [7, 8])
    t.not(two.call('exec', '--user', '70000', two.id, ...script(['true'])).status, 0, 'who is not mapped')
  })

  t.test('a container that shares the pid namespace of another', async t => {
    const one = container(t, rt, waiting)
    t.equal(one.run('--detach').status, 0)
    const path = `/proc/${one.state().pid}/ns/pid`
    const list = [...(namespacesWithout('pid') as JsonObject[]), { type: 'pid', path }]
    const two = container(t, rt, { ...waiting, linux: { namespaces: list } })
    t.equal(two.run('--detach').status, 0)
    const { stdout, status } = two.call('exec', two.id, ...script(['report'], ['exit', 6]))
    t.equal(status, 6)
    t.equal((answersIn(stdout)[0] as unknown as Report).ns.pid, readlinkSync(path))
    t.equal(two.del('--force').status, 0)
    t.equal(one.state().status, 'running')
  })
})
