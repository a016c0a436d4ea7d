/**
 * kill -9 at a random moment of create, start, exec, run and delete: the container can be described and deleted, and nothing of
 * it is left. (test/integration/recovery.test.ts kills at system calls that it has counted.) KILLS says how often; 1000 is the long form.
 */
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import t from 'tap'
import { type Container, container, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'
import { generator } from '../support/seccomp/random.js'

const times = (rt: Runtime): number => Number(process.env.KILLS ?? (rt.name === 'npm' ? 40 : 200))

const statuses = ['creating', 'created', 'running', 'stopped']

/** Runs a command and kills it after some milliseconds; true when it was faster. */
const killed = (c: Container, argv: readonly string[], after: number): Promise<boolean> =>
  new Promise(resolve => {
    const child = spawn(argv[0] ?? '', argv.slice(1), {
      cwd: c.bundle,
      stdio: 'ignore',
      env: { PATH: process.env.PATH, TSRUN_TEST_TAG: c.id },
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), after)
    child.on('exit', status => {
      clearTimeout(timer)
      resolve(status !== null)
    })
  })

forms(t, requires('root', 'cc'), (t, rt) => {
  t.setTimeout((2 * times(rt) + 300) * 1000)
  t.test('at a random moment', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt, {
      process: { args: script(['wait']) },
      hooks: { createRuntime: [{ path: '/bin/true' }], poststop: [{ path: '/bin/true' }] },
    })
    mkdirSync(c.stateRoot, { mode: 0o700 }) // or list would miss it
    const commands: Readonly<Record<string, readonly string[]>> = {
      create: c.line('create', '--bundle', c.bundle, c.id),
      start: c.line('start', c.id),
      exec: c.line('exec', c.id, ...script(['true'])),
      run: c.line('run', '--detach', '--bundle', c.bundle, c.id),
      delete: c.line('delete', '--force', c.id),
    }
    const prepare: Readonly<Record<string, () => unknown>> = {
      start: () => c.create(),
      exec: () => c.run('--detach'),
      delete: () => c.run('--detach'),
    }
    /** How long each takes, in milliseconds, as far as we have seen. */
    const usual: Record<string, number> = {}
    const random = generator(Date.now() % 2 ** 31)
    const names = Object.keys(commands)
    let late = 0
    for (let i = 0; i < times(rt); i++) {
      const name = names[i % names.length] as string
      prepare[name]?.()
      const most = usual[name] ?? (rt.name === 'npm' ? 40 : 10)
      const after = (random(1000) / 1000) * most
      const isLate = await killed(c, commands[name] as string[], after)
      if (isLate) late++
      usual[name] = isLate ? (most + after) / 2 : most * 1.1
      const where = `try ${i}: ${name} killed after ${after.toFixed(1)} ms`
      const state = c.call('state', c.id)
      if (state.status === 0) {
        const { status } = JSON.parse(state.stdout)
        if (!statuses.includes(status)) t.fail(`${where}: ${status}`)
      } else if (!/container does not exist/.test(state.stderr)) t.fail(`${where}: ${state.stderr}`)
      const list = c.call('list', '-q')
      if (list.status !== 0) t.fail(`${where}: list: ${list.stderr}`)
      const deleted = c.del('--force')
      if (deleted.status !== 0) t.equal(deleted.stderr, '', where)
      if (!until(() => JSON.stringify(c.leaks()) === JSON.stringify(nothing)))
        t.same(c.leaks(), nothing, `${where}: nothing is left`)
    }
    t.ok(late < times(rt) * 0.7, `${times(rt)} times, ${late} of them after its end`)
  })
})
