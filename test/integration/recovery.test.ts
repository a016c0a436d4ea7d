/**
 * A runtime that is killed at any point leaves a container that `state` describes and `delete --force` removes.
 * strace kills the runtime at its k-th system call; a hook that sleeps holds a barrier open.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Container, container, type Result, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const waiting = { process: { args: script(['wait']) } }
const statuses = ['creating', 'created', 'running', 'stopped']

/** How many places of a command are tried; all of them when there are fewer. */
const places = Number(process.env.TSRUN_KILL_PLACES ?? 12)

/** Runs a command of the runtime under strace, whose output is written to a file. */
const traced = (c: Container, options: readonly string[], command: readonly string[]): void => {
  const argv = ['-qq', '-o', join(c.dir, 'trace'), ...options, ...c.line(...command)]
  spawnSync('strace', argv, { cwd: c.bundle, stdio: 'ignore', timeout: 20_000, killSignal: 'SIGKILL' })
}

/** Numbers of the system calls from the first that names the container's state, spread evenly over the rest. */
const callsOf = (c: Container, command: readonly string[]): number[] => {
  traced(c, [], command)
  const calls = readFileSync(join(c.dir, 'trace'), 'utf8')
    .split('\n')
    .filter(line => line.includes('('))
  const first = calls.findIndex(line => line.includes(c.stateRoot) && !line.startsWith('execve'))
  const count = calls.length - Math.max(first, 0)
  const step = Math.max(1, count / places)
  const picked = Array.from({ length: Math.min(places, count) }, (_, i) => first + 1 + Math.floor(i * step))
  return [...new Set([...picked, calls.length - 1])]
}

const killedAt = (c: Container, call: number, command: readonly string[]): void =>
  traced(c, ['-e', `inject=all:signal=KILL:when=${call}`], command)

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
      check(t, c, `create killed at call ${call}`)
    }
  })

  t.test('start', { skip }, async t => {
    const c = container(t, rt, waiting)
    c.create()
    const calls = callsOf(c, ['start', c.id])
    check(t, c, 'not killed')
    for (const call of calls.filter((_, index) => index % 3 === 0)) {
      c.create()
      killedAt(c, call, ['start', c.id])
      t.match(c.state().status, /created|running/, `start killed at call ${call}`)
      check(t, c, `start killed at call ${call}`)
    }
  })

  t.test('delete', { skip }, async t => {
    const c = container(t, rt, waiting)
    c.create()
    const calls = callsOf(c, ['delete', '--force', c.id])
    for (const call of calls.filter((_, index) => index % 3 === 0)) {
      c.create()
      killedAt(c, call, ['delete', '--force', c.id])
      check(t, c, `delete killed at call ${call}`)
    }
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
      for (let i = 0; i < 400 && !existsSync(marker); i++)
        await new Promise(resolve => setTimeout(resolve, 5))
      running.child.kill('SIGKILL')
      t.ok(until(() => running.child.killed))
      t.equal(c.call('state', c.id).status, 0, 'state describes it')
      check(t, c, kind)
    })
})
