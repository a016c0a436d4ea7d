/** Hooks: where, when and with what each kind runs, and what its failure does. */
import assert from 'node:assert/strict'
import { existsSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type JsonObject, mounts } from '../support/config.js'
import { type Container, container, type Result, type State, until } from '../support/container.js'
import { type HookKind, type HookRecord, hookKinds, hookLog, hookRecords } from '../support/hooks.js'
import { nothing } from '../support/leaks.js'
import { payloadPath, script } from '../support/payload.js'
import { conformance, lazy } from './suite.js'

const namesIn = (c: Container): string[] => hookRecords(c).map(({ name }) => name)

/** A hook that writes what it sees; the path is the container's for startContainer, else the runtime's. */
const hook = (c: Container, kind: HookKind, name: string, extra = '/nothing'): JsonObject => {
  const inside = kind === 'startContainer'
  return {
    path: inside ? '/bin/payload' : payloadPath(),
    args: ['payload', 'hook', name, inside ? '/hooks.log' : hookLog(c), extra],
  }
}
const failing = (kind: HookKind): JsonObject => ({
  path: kind === 'startContainer' ? '/bin/payload' : payloadPath(),
  args: ['payload', 'exit', '3'],
})

conformance('hooks', ['root', 'cc'], (owner, rt) => {
  const prepared = (t: Test, patch: JsonObject = {}): Container => {
    const c = container(t, rt, { process: { args: script(['echo', 'ran'], ['wait']) } })
    writeFileSync(hookLog(c), '')
    const bind = { destination: '/hooks.log', type: 'bind', source: hookLog(c), options: ['bind'] }
    const extra = { destination: '/made/by/config', type: 'tmpfs', source: 'x' }
    c.configure({ mounts: [...mounts, bind, extra], ...patch })
    return c
  }

  /** Hooks of every kind, two each, through the life of one container. */
  const life = lazy(() => {
    const c = prepared(owner, { annotations: { 'org.example': 'yes' } })
    const seen = join(c.rootfs, 'made/by/config')
    c.configure({
      hooks: Object.fromEntries(
        hookKinds.map(kind => [kind, [hook(c, kind, kind, seen), hook(c, kind, `${kind} 2`, seen)]]),
      ),
    })
    const made = c.create()
    assert.equal(made.status, 0, made.stderr)
    const { pid } = c.state()
    const atCreate = namesIn(c)
    const outputAtCreate = c.output()
    const mnt = readlinkSync(`/proc/${pid}/ns/mnt`)
    const pidns = readlinkSync(`/proc/${pid}/ns/pid`)
    const started = c.start()
    assert.equal(started.status, 0, started.stderr)
    const atStart = namesIn(c).slice(atCreate.length)
    assert.ok(until(() => c.output().includes('ran')))
    c.kill('KILL')
    c.ended(pid)
    const deleted = c.del()
    assert.equal(deleted.status, 0, deleted.stderr)
    const all = hookRecords(c)
    const find = (name: string): HookRecord => {
      const record = all.find(each => each.name === name)
      assert.ok(record, `${name} did not run`)
      return record
    }
    const atDelete = namesIn(c).slice(atCreate.length + atStart.length)
    return { c, pid, mnt, pidns, atCreate, outputAtCreate, atStart, atDelete, find }
  })

  const runs = (kind: HookKind) => () => void life().find(kind)
  const inRuntime = (kind: HookKind) => () => {
    const { mnt, pidns } = life().find(kind)
    assert.equal(mnt, readlinkSync('/proc/self/ns/mnt'))
    assert.equal(pidns, readlinkSync('/proc/self/ns/pid'))
  }
  const inContainer = (kind: HookKind) => () => {
    const record = life().find(kind)
    assert.equal(record.mnt, life().mnt)
    assert.equal(record.pidns, life().pidns)
  }
  /** The path is a file of the host that the rootfs does not have; without it there would be no record. */
  const pathOfRuntime = (kind: HookKind) => () => {
    const { c, find } = life()
    find(kind)
    assert.ok(!existsSync(join(c.rootfs, payloadPath())))
  }
  const pathOfContainer = (kind: HookKind) => () => {
    assert.equal(life().find(kind).hasPayload, 1)
    assert.ok(!existsSync('/bin/payload'), 'no file of the host')
  }
  /** At create, when the mounts of the container are made and the root is the host's still. */
  const beforePivot = (kind: HookKind) => () => {
    const { atCreate, find } = life()
    assert.ok(atCreate.includes(kind))
    assert.equal(find(kind).hasPayload, 0, 'the root has changed already')
    assert.equal(find(kind).sawExtra, 1, 'the mount point of the config is there')
  }

  /** A hook that fails, with a poststop hook that tells of the end. */
  const withFailing = (t: Test, kind: HookKind): { c: Container; done: Result } => {
    const c = prepared(t)
    c.configure({
      hooks: {
        [kind]: [failing(kind), hook(c, kind, 'next')],
        poststop: [hook(c, 'poststop', 'poststop')],
      },
    })
    const done = c.create()
    return { c, done }
  }
  const failsCreate = (kind: HookKind) => (t: Test) => {
    const { c, done } = withFailing(t, kind)
    assert.notEqual(done.status, 0, 'no error')
    assert.notEqual(done.stderr, '')
    assert.deepEqual(c.leaks(), nothing)
    assert.deepEqual(namesIn(c), ['poststop'])
    assert.doesNotMatch(c.output(), /ran/)
  }
  const failsStart = (kind: HookKind) => (t: Test) => {
    const { c, done } = withFailing(t, kind)
    assert.equal(done.status, 0, `at create: ${done.stderr}`)
    const { pid } = c.state()
    const started = c.start()
    assert.notEqual(started.status, 0, 'no error')
    assert.notEqual(started.stderr, '')
    c.ended(pid)
    if (kind === 'startContainer') assert.doesNotMatch(c.output(), /ran/)
    assert.ok(!namesIn(c).includes('next'))
    // The container may be there as stopped, or be gone: either way its end is told.
    c.del('--force')
    assert.deepEqual(c.leaks(), nothing)
    assert.ok(namesIn(c).includes('poststop'))
  }

  return {
    'RT-015': runs('prestart'),
    'RT-016': failsCreate('prestart'),
    'RT-017': runs('createRuntime'),
    'RT-018': failsCreate('createRuntime'),
    'RT-019': runs('createContainer'),
    'RT-020': failsCreate('createContainer'),
    'RT-021': runs('startContainer'),
    'RT-022': failsStart('startContainer'),
    'RT-024': runs('poststart'),
    'RT-025': failsStart('poststart'),
    'RT-027': runs('poststop'),
    'RT-028': t => {
      const c = prepared(t)
      c.configure({ hooks: { poststop: [failing('poststop'), hook(c, 'poststop', 'second')] } })
      c.create()
      const done = c.del()
      assert.equal(done.status, 0, 'delete goes on')
      assert.match(done.stderr, /hook/, 'with a warning')
      assert.deepEqual(namesIn(c), ['second'])
      assert.deepEqual(c.leaks(), nothing)
    },
    'CF-096': pathOfRuntime('prestart'),
    'CF-097': inRuntime('prestart'),
    'CF-101': pathOfRuntime('createRuntime'),
    'CF-102': inRuntime('createRuntime'),
    'CF-103': pathOfRuntime('createContainer'),
    'CF-104': inContainer('createContainer'),
    'CF-105': pathOfContainer('startContainer'),
    'CF-106': inContainer('startContainer'),
    'CF-107': pathOfRuntime('poststart'),
    'CF-108': inRuntime('poststart'),
    'CF-109': pathOfRuntime('poststop'),
    'CF-110': inRuntime('poststop'),
    'CF-111': () => {
      const { c } = life()
      for (const kind of hookKinds) {
        const of = namesIn(c).filter(name => name.startsWith(kind))
        assert.deepEqual(of, [kind, `${kind} 2`])
      }
    },
    'CF-112': () => {
      for (const kind of hookKinds) {
        const state = JSON.parse(life().find(kind).state) as State
        assert.deepEqual([state.id, state.bundle], [life().c.id, life().c.bundle], kind)
        assert.deepEqual(state.annotations, { 'org.example': 'yes' })
        assert.match(state.ociVersion, /^1\./)
        assert.match(state.status, /^(creating|created|running|stopped)$/)
      }
    },
    'CF-113': beforePivot('prestart'),
    'CF-114': () => {
      const { atCreate } = life()
      assert.ok(atCreate.indexOf('prestart 2') < atCreate.indexOf('createRuntime'))
    },
    'CF-115': pathOfRuntime('prestart'),
    'CF-116': inRuntime('prestart'),
    'CF-117': beforePivot('createRuntime'),
    'CF-118': pathOfRuntime('createRuntime'),
    'CF-119': inRuntime('createRuntime'),
    'CF-120': beforePivot('createContainer'),
    'CF-121': () => {
      const { atCreate } = life()
      assert.ok(atCreate.indexOf('createRuntime 2') < atCreate.indexOf('createContainer'))
    },
    'CF-122': pathOfRuntime('createContainer'),
    'CF-123': inContainer('createContainer'),
    'CF-124': () => {
      const { atStart, outputAtCreate } = life()
      assert.ok(atStart.includes('startContainer'), 'not at start')
      assert.equal(outputAtCreate, '')
    },
    'CF-125': pathOfContainer('startContainer'),
    'CF-126': inContainer('startContainer'),
    'CF-127': () => {
      const { atCreate, atStart, find } = life()
      assert.ok(!atCreate.includes('poststart'), 'it ran at create')
      assert.ok(atStart.includes('poststart'), 'it has not run when start returned')
      assert.equal((JSON.parse(find('poststart').state) as State).status, 'running')
    },
    'CF-128': pathOfRuntime('poststart'),
    'CF-129': inRuntime('poststart'),
    'CF-130': () => {
      const { c, atDelete, pid } = life()
      assert.deepEqual(atDelete, ['poststop', 'poststop 2'])
      c.ended(pid)
      assert.deepEqual(c.leaks(), nothing)
    },
    'CF-131': pathOfRuntime('poststop'),
    'CF-132': inRuntime('poststop'),
  }
})
