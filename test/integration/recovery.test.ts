/**
 * A runtime that is killed at any point leaves a container that `state` describes and `delete --force` removes.
 * strace kills the runtime at its k-th system call; a hook that sleeps holds a barrier open.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Container, container, type Result, soon, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const waiting = { process: { args: script(['wait']) } }
const statuses = ['creating', 'created', 'running', 'paused', 'stopped']

/** How many places of a command are tried; all of them when there are fewer. */
const places = Number(process.env.TSRUN_KILL_PLACES ?? 12)

/** Runs a command of the runtime under strace, whose output is written to a file. */
const traced = (c: Container, options: readonly string[], command: readonly string[]): void => {
  const argv = ['-qq', '-o', join(c.dir, 'trace'), ...options, ...c.line(...command)]
  spawnSync('strace', argv, { cwd: c.bundle, stdio: 'ignore', timeout: 20_000, killSignal: 'SIGKILL' })
}

/** One system call of a command: the n-th of its name, which is how strace counts. */
interface Place {
  readonly name: string
  readonly when: number
}

const label = ({ name, when }: Place): string => `${name} ${when}`

/** The system calls from the first that names the container's state: some, spread evenly, and the last but one. */
const callsOf = (c: Container, command: readonly string[]): Place[] => {
  traced(c, [], command)
  const seen = new Map<string, number>()
  const calls: Place[] = []
  let begun = false
  for (const line of readFileSync(join(c.dir, 'trace'), 'utf8').split('\n')) {
    const name = /^(?:\d+ +)?(\w+)\(/.exec(line)?.[1]
    if (name === undefined) continue
    const when = (seen.get(name) ?? 0) + 1
    seen.set(name, when)
    begun ||= line.includes(c.stateRoot) && name !== 'execve'
    if (begun && name !== 'exit_group') calls.push({ name, when })
  }
  const step = Math.max(1, calls.length / places)
  const picked = calls.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step))
  return [...new Set([...picked, ...calls.slice(-1)])]
}

const count = { tried: 0, killed: 0 }

/** Kills a command at one of its system calls. A few are not there each time: how often a list is read depends on the machine. */
const killedAt = (c: Container, { name, when }: Place, command: readonly string[]): void => {
  traced(c, ['-e', `inject=${name}:signal=KILL:when=${when}`], command)
  count.tried++
  if (readFileSync(join(c.dir, 'trace'), 'utf8').trimEnd().endsWith('+++ killed by SIGKILL +++'))
    count.killed++
}

/** `state` describes it or says that there is none; `delete --force` leaves nothing. */
const check = (t: Test, c: Container, where: string): void => {
  const hadProcess = c.leaks().processes.length > 0
  const state: Result = c.call('state', c.id)
  if (state.status === 0)
    t.ok(statuses.includes(JSON.parse(state.stdout).status), `${where}: ${state.stdout}`)
  else {
    t.match(state.stderr, /container does not exist/, where)
    t.notOk(hadProcess && existsSync(join(c.stateRoot, c.id)), `${where}: one with a process is described`)
  }
  const { status, stderr } = c.del('--force')
  t.equal(status, 0, `${where}: delete --force: ${stderr}`)
  until(() => c.leaks().processes.length === 0, 2000)
  t.same(c.leaks(), nothing, `${where}: nothing is left`)
}

forms(t, requires('root', 'cc', 'strace'), (t, rt) => {
  const skip = rt.lacks('recovery')

  t.test('create', { skip }, async t => {
    const c = container(t, rt, waiting)
    const command = ['create', '--bundle', c.bundle, '--pid-file', join(c.dir, 'pid'), c.id]
    const calls = callsOf(c, command)
    check(t, c, 'not killed')
    for (const call of calls) {
      killedAt(c, call, command)
      check(t, c, `create killed at ${label(call)}`)
    }
  })

  // conmon takes a killed create for failed, and reads to its end the standard error that init has, before it tells podman.
  t.test('create does nothing more when init lives without it', { skip }, async t => {
    const c = container(t, rt, waiting)
    traced(c, [], ['create', '--bundle', c.bundle, '--pid-file', join(c.dir, 'pid'), c.id])
    const calls = [...readFileSync(join(c.dir, 'trace'), 'utf8').matchAll(/^(\w+)\(/gm)].map(it => it[1])
    t.same(calls.slice(calls.lastIndexOf('sendmsg')), ['sendmsg', 'close', 'exit_group'])
    check(t, c, 'not killed')
  })

  t.test('start', { skip }, async t => {
    const c = container(t, rt, waiting)
    c.create()
    const calls = callsOf(c, ['start', c.id])
    check(t, c, 'not killed')
    for (const call of calls.filter((_, index) => index % 3 === 0)) {
      c.create()
      killedAt(c, call, ['start', c.id])
      t.match(c.state().status, /created|running/, `start killed at ${label(call)}`)
      check(t, c, `start killed at ${label(call)}`)
    }
  })

  t.test('delete', { skip }, async t => {
    const c = container(t, rt, waiting)
    c.create()
    const calls = callsOf(c, ['delete', '--force', c.id])
    for (const call of calls.filter((_, index) => index % 3 === 0)) {
      c.create()
      killedAt(c, call, ['delete', '--force', c.id])
      check(t, c, `delete killed at ${label(call)}`)
    }
  })

  t.test('start, when the program runs already', { skip }, async t => {
    const c = container(t, rt, waiting)
    c.create()
    const fifo = join(c.stateRoot, c.id, 'exec.fifo')
    traced(c, ['-e', 'inject=unlinkat,unlink:signal=KILL:when=1'], ['start', c.id])
    t.ok(existsSync(fifo), 'it was killed before it took the fifo away')
    t.equal(c.state().status, 'running')
    t.match(c.start(), { status: 1, stderr: /cannot start an already running container/ })
    check(t, c, 'start killed at its end')
  })

  t.test('pause, resume and update', { skip }, async t => {
    const limited = { ...waiting, linux: { resources: { pids: { limit: 20 }, cpu: { shares: 512 } } } }
    const c = container(t, rt, limited)
    for (const command of [['pause'], ['resume'], ['update', '--pids-limit', '30', '--cpu-share', '256']]) {
      const [name = ''] = command
      const prepare = () => {
        c.run('--detach')
        if (name === 'resume') c.call('pause', c.id)
      }
      prepare()
      const calls = callsOf(c, [...command, c.id])
      check(t, c, 'not killed')
      for (const call of calls.filter((_, index) => index % 3 === 0)) {
        prepare()
        killedAt(c, call, [...command, c.id])
        t.match(c.state().status, /running|paused/, `${name} killed at ${label(call)}`)
        check(t, c, `${name} killed at ${label(call)}`)
      }
    }
  })

  t.test('a create that would have been refused: the cgroup is another container’s', { skip }, async t => {
    const one = container(t, rt, waiting)
    t.equal(one.run('--detach').status, 0)
    const two = container(t, rt, { ...waiting, linux: { cgroupsPath: `/${one.id}` } })
    const command = ['create', '--bundle', two.bundle, two.id]
    for (const call of callsOf(two, command)) {
      killedAt(two, call, command)
      t.equal(two.call('kill', '--all', two.id, 'KILL').status <= 1, true)
      t.equal(two.del('--force').status, 0, `create killed at ${label(call)}`)
      t.equal(one.state().status, 'running', `create killed at ${label(call)}`)
    }
    t.equal(one.call('exec', one.id, '/bin/payload', 'true').status, 0)
  })

  t.test('a foreground run', { skip }, async t => {
    const c = container(t, rt, { process: { args: script(['echo', 'ready'], ['wait']) } })
    const running = c.spawn(...c.line('run', '--bundle', c.bundle, c.id))
    await running.says('ready')
    running.child.kill('SIGKILL')
    await running.done
    check(t, c, 'run')
  })

  for (const kind of ['prestart', 'createRuntime', 'createContainer'])
    t.test(`create while a ${kind} hook runs`, { skip }, async t => {
      const c = container(t, rt, waiting)
      const marker = join(c.dir, 'hook-runs')
      const hook = { path: '/bin/sh', args: ['sh', '-c', `: >${marker}; exec sleep 2`] }
      c.configure({ hooks: { [kind]: [hook] } })
      const running = c.spawn(...c.line('create', '--bundle', c.bundle, c.id))
      await soon(() => existsSync(marker))
      running.child.kill('SIGKILL')
      t.ok(until(() => running.child.killed))
      t.equal(c.call('state', c.id).status, 0, 'state describes it')
      check(t, c, kind)
    })

  t.test('it was killed indeed', { skip }, async t => {
    t.ok(count.killed > count.tried * 0.8, `${count.killed} of ${count.tried} times`)
  })
})
