/** The six kinds of hooks: where and when each runs, what it is given, and what its failure does. */
import { readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type JsonObject, mounts, namespacesWithout } from '../support/config.js'
import { type Container, container, hasOpen, type State, soon, until } from '../support/container.js'
import { type HookRecord, hookKinds, hookLog, hookRecords } from '../support/hooks.js'
import { nothing } from '../support/leaks.js'
import { payloadPath, script, type Verb } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const before = ['prestart', 'createRuntime', 'createContainer'] as const

const ran = (c: Container) => hookRecords(c).map(({ name }) => name)
const stateOf = (record: HookRecord | undefined) => JSON.parse(record?.state ?? '{}') as State

/** A hook that writes its record; the one of startContainer runs in the container, where the log is bound. */
const hook = (c: Container, kind: string, ...more: readonly (string | number)[]): JsonObject => {
  const inside = kind === 'startContainer'
  const file = inside ? '/hooks.log' : hookLog(c)
  const path = inside ? '/bin/payload' : payloadPath()
  return { path, args: ['payload', 'hook', kind, file, ...more.map(String)], env: [`KIND=${kind}`] }
}

/** Hooks of the named kinds, and the log bound into the container. */
const withHooks = (c: Container, names: readonly string[]): void => {
  const bind = { destination: '/hooks.log', type: 'bind', source: hookLog(c), options: ['bind'] }
  c.configure({
    hooks: Object.fromEntries(names.map(kind => [kind, [hook(c, kind)]])),
    mounts: [...mounts, bind],
  })
}

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('what a hook makes is not everybody’s to write', async t => {
    const c = container(t, rt)
    const outside = hookKinds.filter(kind => kind !== 'startContainer')
    const made = (kind: string) => join(c.dir, `made-by-${kind}`)
    const touch = (kind: string) => [{ path: '/bin/sh', args: ['sh', '-c', `: > ${made(kind)}`] }]
    c.configure({ hooks: Object.fromEntries(outside.map(kind => [kind, touch(kind)])) })
    t.equal(c.run().status, 0)
    const umask = process.umask()
    for (const kind of outside) t.equal(statSync(made(kind)).mode & 0o777, 0o666 & ~umask, kind)
  })

  t.test('order, place and input of all kinds', async t => {
    const annotations = { 'org.example': 'yes' }
    const c = container(t, rt, { annotations, process: { args: script(['wait']) } })
    await c.spawn('touch', hookLog(c)).done
    withHooks(c, hookKinds)
    t.equal(c.create().status, 0)
    t.same(ran(c).slice(0, 3), before, 'at create')
    if (rt.lacks('poststart') === false) t.equal(ran(c).length, 3, 'and no other')
    const { pid } = c.state()
    t.equal(c.start().status, 0)
    t.ok(
      until(() => ran(c).length === 5),
      'two at start',
    )
    c.kill('KILL')
    c.ended(pid)
    t.equal(c.del().status, 0)
    t.same(ran(c).at(-1), 'poststop', 'at delete')

    const byName = Object.fromEntries(hookRecords(c).map(record => [record.name, record]))
    const here = readlinkSync('/proc/self/ns/mnt')
    for (const kind of ['prestart', 'createRuntime', 'poststart', 'poststop'])
      t.equal(byName[kind]?.mnt, here, `${kind} runs in the runtime’s namespaces`)
    for (const kind of ['createContainer', 'startContainer'])
      t.not(byName[kind]?.mnt, here, `${kind} runs in the container’s`)
    t.equal(byName.createContainer?.mnt, byName.startContainer?.mnt)
    t.equal(byName.createContainer?.hasPayload, 0, 'before the root changes')
    t.equal(byName.startContainer?.hasPayload, 1, 'after the root changed')

    for (const kind of hookKinds) {
      t.match(
        stateOf(byName[kind]),
        { id: c.id, bundle: c.bundle, annotations, ociVersion: /^1\./ },
        `state of ${kind}`,
      )
      t.same(
        byName[kind]?.env.filter(entry => !entry.startsWith('PWD=')),
        [`KIND=${kind}`],
        `env of ${kind}`,
      )
    }
    for (const kind of ['prestart', 'createRuntime', 'poststart'])
      t.equal(stateOf(byName[kind]).pid, pid, `${kind} is told the pid of the host`)
    if (rt.lacks('prestart-created') === false) t.equal(stateOf(byName.prestart).status, 'created')
    t.match(stateOf(byName.createRuntime).status, /^creat(ing|ed)$/)
    t.equal(stateOf(byName.startContainer).status, 'created')
    if (rt.lacks('poststart') === false) t.equal(stateOf(byName.poststart).status, 'running')
    t.equal(stateOf(byName.poststop).status, 'stopped')
    t.same(c.leaks(), nothing)
  })

  t.test('the log of a hook that fails', { skip: rt.lacks('pointers') }, async t => {
    const c = container(t, rt)
    const log = join(c.dir, 'log.json')
    c.configure({ hooks: { createContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'exit 7'] }] } })
    const line = c.line('--log', log, '--log-format', 'json', 'create', '--bundle', c.bundle, c.id)
    const { status } = await c.spawn(...line).done
    t.equal(status, 1)
    const told = JSON.parse(readFileSync(log, 'utf8').trim().split('\n').at(-1) ?? '{}')
    t.match(told.msg, /\/hooks\/createContainer\/0.*exit status 7/)
    t.equal(told.errno, undefined, 'an exit status is no errno')
  })

  t.test('what hooks print is kept in the log', { skip: rt.lacks('pointers') }, async t => {
    const c = container(t, rt, { process: { args: script(['wait']) } })
    const log = join(c.dir, 'log.json')
    const says = (text: string) => [{ path: '/bin/sh', args: ['sh', '-c', text] }]
    const long = 'i=0; while [ $i -lt 20000 ]; do echo filler; i=$((i+1)); done; echo the end'
    c.configure({
      hooks: {
        createRuntime: says('echo of createRuntime; echo and more >&2'),
        createContainer: says('echo of createContainer'),
        poststart: says(long),
        poststop: says('echo of poststop'),
      },
    })
    const call = (...args: readonly string[]) => c.call('--log', log, '--log-format', 'json', ...args)
    t.equal(
      c.leave('--log', log, '--log-format', 'json', 'run', '--detach', '--bundle', c.bundle, c.id).status,
      0,
    )
    t.match(call('delete', '--force', c.id), { status: 0, stderr: '' })
    const lines = readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    const note = (pointer: string) => lines.find(line => line.pointer === pointer)
    t.match(note('/hooks/createRuntime/0'), {
      level: 'info',
      msg: /hook \/bin\/sh printed: of createRuntime\nand more$/,
    })
    t.match(note('/hooks/createContainer/0'), { level: 'info', msg: /printed: of createContainer$/ })
    t.match(note('/hooks/poststart/0'), { msg: /filler\nthe end$/ }, 'the end of much')
    t.match(note('/hooks/poststop/0'), { msg: /printed: of poststop$/ })
    t.match(c.run('--detach'), { status: 0, stderr: '' }, 'people are not told')
  })

  t.test(
    'in the foreground, too, and what hooks in the container print',
    { skip: rt.lacks('pointers') },
    async t => {
      const says = (text: string) => ({ path: '/bin/sh', args: ['sh', '-c', text] })
      const inside = (...verbs: readonly Verb[]) => ({ path: '/bin/payload', args: script(...verbs) })
      // More than what goes through the fifo at once, and more than the fifo holds.
      const many = Array.from({ length: 170 }, (_, i) => inside(['echo', `${i} ${'x'.repeat(380)}`]))
      const hooks = {
        startContainer: [inside(['echo', 'one'], ['err', 'two']), inside(['true']), ...many],
        poststart: [says('echo of poststart'), says(':'), says('echo again; echo more >&2')],
        poststop: [says('echo of poststop')],
      }
      const log = (c: Container) => join(c.dir, 'log.json')
      const call = (c: Container, ...args: readonly string[]) =>
        c.leave('--log', log(c), '--log-format', 'json', ...args)
      const notes = (c: Container) => {
        const lines = readFileSync(log(c), 'utf8').trim().split('\n')
        return Object.fromEntries(
          lines.map(line => JSON.parse(line)).map(({ pointer, msg }) => [pointer, msg]),
        )
      }
      const expected = {
        '/hooks/startContainer/0': /hook \/bin\/payload printed: one\ntwo$/,
        '/hooks/startContainer/171': /printed: 169 x{380}$/,
        '/hooks/poststart/0': /hook \/bin\/sh printed: of poststart$/,
        '/hooks/poststart/2': /printed: again\nmore$/,
        '/hooks/poststop/0': /printed: of poststop$/,
      }
      for (const detached of [false, true]) {
        const c = container(t, rt, { hooks, process: { args: script(['sleep', 0.2], ['exit', 5]) } })
        const flags = detached ? ['--detach'] : []
        const { status, stderr } = call(c, 'run', ...flags, '--bundle', c.bundle, c.id)
        t.match({ status, stderr }, { status: detached ? 0 : 5, stderr: '' })
        if (detached) t.equal(call(c, 'delete', '--force', c.id).status, 0)
        const kept = notes(c)
        t.match(kept, expected, detached ? 'detached' : 'in the foreground')
        t.equal(Object.keys(kept).length, 174, 'of each hook that printed something, and no more')
        t.same(c.leaks(), nothing)
      }
      const c = container(t, rt, { hooks })
      t.same(c.run(), { status: 0, stdout: '', stderr: '' }, 'people are not told')
    },
  )

  t.test('one that printed, and then one that fails', { skip: rt.lacks('pointers') }, async t => {
    const ok = { path: '/bin/payload', args: script(['echo', 'all is well']) }
    const bad = { path: '/bin/payload', args: script(['err', 'all is lost'], ['exit', 3]) }
    for (const detached of [false, true]) {
      const c = container(t, rt, { hooks: { startContainer: [ok, ok, bad, ok] } })
      const log = join(c.dir, 'log.json')
      const flags = detached ? ['--detach'] : []
      const line = ['--log', log, '--log-format', 'json', 'run', ...flags, '--bundle', c.bundle, c.id]
      t.match(c.leave(...line), { status: 1, stderr: /startContainer\/2.*exit status 3.*all is lost/s })
      const lines = readFileSync(log, 'utf8')
        .trim()
        .split('\n')
        .map(text => JSON.parse(text))
      t.same(
        lines.map(({ level, pointer }) => [level, pointer]),
        [
          ['info', '/hooks/startContainer/0'],
          ['info', '/hooks/startContainer/1'],
          ['error', undefined],
        ],
      )
      t.same(c.leaks(), nothing)
    }
  })

  t.test('a start that is killed while hooks of the container print', async t => {
    const hook = { path: '/bin/payload', args: script(['sleep', 0.4], ['echo', 'printed']) }
    const c = container(t, rt, {
      hooks: { startContainer: [hook, hook] },
      linux: { namespaces: namespacesWithout('pid') }, // pid 1 of a namespace does not hear SIGPIPE
      process: { args: script(['echo', 'runs'], ['wait']) },
    })
    t.equal(c.create().status, 0)
    const start = c.spawn(...c.line('start', c.id))
    await soon(() => hasOpen(start.child.pid, '/exec.fifo') || start.child.exitCode !== null)
    start.child.kill('SIGKILL')
    await start.done
    t.ok(
      until(() => c.output().includes('runs')),
      'the container starts all the same',
    )
  })

  t.test('several of one kind run in their order', async t => {
    const c = container(t, rt)
    c.configure({ hooks: { createRuntime: ['one', 'two', 'three'].map(name => hook(c, name)) } })
    t.equal(c.run().status, 0)
    t.same(ran(c), ['one', 'two', 'three'])
  })

  t.test('a hook that fails before the start ends the create', async t => {
    for (const kind of before) {
      const c = container(t, rt)
      const failing = { path: '/bin/sh', args: ['sh', '-c', 'echo this went wrong >&2; exit 3'] }
      c.configure({ hooks: { [kind]: [failing, hook(c, 'never')], poststop: [hook(c, 'poststop')] } })
      t.match(c.create(), { status: 1, stderr: /hook.*(exit status|status) 3/s }, kind)
      t.same(c.leaks(), nothing, 'nothing is left')
      t.same(ran(c), ['poststop'], 'the next one does not run, and what was made is told to poststop')
    }
  })

  t.test('of all that a hook printed the last is told', { skip: rt.lacks('tsrun') }, t => {
    for (const kind of ['createRuntime', 'createContainer']) {
      const c = container(t, rt)
      const much = 'head -c 3000000 /dev/zero | tr "\\0" x; echo the last words; exit 3'
      c.configure({ hooks: { [kind]: [{ path: '/bin/sh', args: ['sh', '-c', much] }] } })
      t.match(c.create(), { status: 1, stderr: /exit status 3.*the last words/s }, kind)
    }
    t.end()
  })

  t.test('a hook that fails after the start ends a foreground run', { skip: rt.lacks('tsrun') }, async t => {
    for (const kind of ['startContainer', 'poststart']) {
      const c = container(t, rt, { process: { args: script(['wait']) } })
      c.configure({
        hooks: { [kind]: [hook(c, 'first'), { path: '/nowhere/hook' }], poststop: [hook(c, 'poststop')] },
      })
      if (kind === 'startContainer') c.configure({ hooks: { startContainer: [{ path: '/nowhere/hook' }] } })
      const expected = new RegExp(`^tsrun: /hooks/${kind}/\\d: run ${kind} hook /nowhere/hook.*\n$`)
      t.match(c.run(), { status: 1, stderr: expected }, kind)
      t.same(c.leaks(), nothing, 'nothing is left')
      t.same(ran(c), kind === 'poststart' ? ['first', 'poststop'] : ['poststop'])
    }
  })

  t.test('poststart and poststop of a foreground run', { skip: rt.lacks('poststart') }, async t => {
    const c = container(t, rt, { process: { args: script(['sleep', 0.2], ['exit', 3]) } })
    c.configure({ hooks: { poststart: [hook(c, 'poststart')], poststop: [hook(c, 'poststop')] } })
    t.equal(c.run().status, 3)
    const [poststart, poststop] = hookRecords(c)
    t.match(stateOf(poststart), { status: 'running', pid: Number })
    t.match(stateOf(poststop), { status: 'stopped', pid: undefined })
  })

  t.test('a hook that is not there', async t => {
    const c = container(t, rt, { hooks: { createRuntime: [{ path: '/nowhere/hook' }] } })
    t.match(c.create(), { status: 1, stderr: /\/nowhere\/hook.*no such file or directory/s })
    t.same(c.leaks(), nothing)
  })

  t.test('a path that is not absolute', { skip: rt.lacks('hook-rules') }, async t => {
    const c = container(t, rt, { hooks: { createRuntime: [{ path: 'bin/true' }] } })
    t.match(c.create(), { status: 1, stderr: /absolute/ })
    t.same(c.leaks(), nothing)
  })

  t.test('a timeout ends the hook and all that it started', async t => {
    for (const kind of hookKinds) {
      const c = container(t, rt)
      const path = kind === 'startContainer' ? '/bin/payload' : payloadPath()
      c.configure({ hooks: { [kind]: [{ path, args: ['x', 'sleep', '30'], timeout: 1 }] } })
      const begun = Date.now()
      const { status, stderr } = c.run()
      t.equal(status === 0, kind === 'poststop', kind)
      t.match(stderr, /timeout|time|1s|1 s/)
      t.ok(Date.now() - begun < 8000, 'after its second')
      t.same(c.leaks(), nothing)
    }
  })

  t.test('a timeout beyond what poll(2) and an op can count', { skip: rt.lacks('tsrun') }, async t => {
    // 2^32 milliseconds and a bit, which would come round to 704, and more seconds than 32 bits have.
    for (const timeout of [4294968, 1099511627776]) {
      for (const kind of hookKinds) {
        const path = kind === 'startContainer' ? '/bin/payload' : payloadPath()
        const c = container(t, rt, { hooks: { [kind]: [{ path, args: ['x', 'sleep', '1'], timeout }] } })
        const { status, stderr } = c.run()
        t.equal(status, 0, `${kind}: ${stderr}`)
        t.same(c.leaks(), nothing)
      }
    }
  })

  t.test('startContainer that fails: the process never runs', async t => {
    const c = container(t, rt, { process: { args: script(['echo', 'ran']) } })
    c.configure({ hooks: { startContainer: [{ path: '/bin/payload', args: ['x', 'exit', '1'] }] } })
    t.not(c.run().status, 0)
    t.notMatch(c.output(), /ran/)
    t.same(c.leaks(), nothing)
  })

  t.test('poststop that fails does not keep the container', async t => {
    const bad = { path: payloadPath(), args: ['x', 'exit', '1'] }
    const c = container(t, rt, { hooks: { poststop: [bad] } })
    c.configure({ hooks: { poststop: [bad, hook(c, 'second')] } })
    c.create()
    t.equal(c.del().status, 0)
    t.same(c.leaks(), nothing)
    if (rt.lacks('poststop-goes-on') === false) t.same(ran(c), ['second'], 'the next one runs')
  })

  t.test('poststop runs after a foreground run, when the container is gone', async t => {
    const c = container(t, rt)
    c.configure({ hooks: { poststop: [hook(c, 'poststop')] } })
    t.equal(c.run().status, 0)
    t.same(ran(c), ['poststop'])
  })
})
