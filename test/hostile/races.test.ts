/**
 * Two commands on one container at the same time: one of them may lose, with a clear error; nothing is half done,
 * nothing is left, and nobody outside the container is hit. RACES says how often.
 */
import t from 'tap'
import { namespacesWithout } from '../support/config.js'
import { type Container, container, type Result, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'

const waiting = { process: { args: script(['wait']) } }
const times = (rt: Runtime): number => Number(process.env.RACES ?? (rt.name === 'npm' ? 10 : 50))

/** Both at once, the second one a little later each time. */
const both = async (
  rt: Runtime,
  c: Container,
  i: number,
  first: readonly string[],
  second: readonly string[],
): Promise<Result[]> => {
  const one = c.spawn(...c.line(...first))
  const steps = rt.name === 'npm' ? 10 : 1
  await new Promise(resolve => setTimeout(resolve, (i % 10) * steps))
  const two = c.spawn(...c.line(...second))
  return Promise.all([one.done, two.done])
}

/** Success, or one line that says what is wrong and no inside of ours. */
const isClear = ({ status, stderr }: Result): boolean =>
  status === 0 || (status > 0 && /^tsrun: .+\n$/.test(stderr) && !/internal|undefined|TypeError/.test(stderr))

forms(t, requires('root', 'cc'), (t, rt) => {
  const skip = rt.lacks('tsrun')

  t.test('create and create', { skip }, async t => {
    const c = container(t, rt, waiting)
    // A container of `create` holds the pipes: what it prints goes nowhere.
    const create = ['create', '--bundle', c.bundle, c.id]
    for (let i = 0; i < times(rt); i++) {
      const line = ['sh', '-c', '"$@" </dev/null >/dev/null 2>"$0"']
      const one = c.spawn(...line.slice(0, 2), line[2] as string, `${c.dir}/one`, ...c.line(...create))
      const two = c.spawn(...line.slice(0, 2), line[2] as string, `${c.dir}/two`, ...c.line(...create))
      const statuses = (await Promise.all([one.done, two.done])).map(({ status }) => status)
      if (statuses.sort().join() !== '0,1') t.same(statuses, [0, 1], `try ${i}: one wins`)
      const { status } = c.state()
      if (status !== 'created') t.equal(status, 'created', `try ${i}`)
      const deleted = c.del('--force')
      if (deleted.status !== 0) t.equal(deleted.stderr, '', `try ${i}`)
    }
    t.same(c.leaks(), nothing)
  })

  t.test('start and kill', { skip }, async t => {
    const c = container(t, rt, waiting)
    let started = 0
    for (let i = 0; i < times(rt); i++) {
      c.create()
      const { pid } = c.state()
      const [start, kill] = (await both(rt, c, i, ['start', c.id], ['kill', c.id, 'KILL'])) as [
        Result,
        Result,
      ]
      if (start.status === 0) started++
      if (!isClear(start) || !isClear(kill)) t.fail(`try ${i}`, { start, kill })
      if (kill.status === 0) c.ended(pid)
      if (!until(() => kill.status !== 0 || c.state().status === 'stopped'))
        t.equal(c.state().status, 'stopped', `try ${i}: it was killed`)
      const deleted = c.del('--force')
      if (deleted.status !== 0) t.equal(deleted.stderr, '', `try ${i}`)
    }
    t.comment(`${started} were started first`)
    t.same(c.leaks(), nothing)
  })

  for (const [what, patch] of [
    ['', {}],
    [', in the pid namespace of the host', { linux: { namespaces: namespacesWithout('pid') } }],
  ] as const)
    t.test(`exec and delete --force${what}`, { skip }, async t => {
      const c = container(t, rt, { ...waiting, ...patch })
      let executed = 0
      for (let i = 0; i < times(rt); i++) {
        c.run('--detach')
        const exec = ['exec', c.id, ...script(['echo', 'in'], ['sleep', 20])]
        const [inside, deleted] = (await both(rt, c, i, exec, ['delete', '--force', c.id])) as [
          Result,
          Result,
        ]
        if (inside.stdout.includes('in')) executed++
        if (deleted.status !== 0) t.equal(deleted.stderr, '', `try ${i}: delete`)
        if (inside.status === 0 || (inside.stderr !== '' && !isClear(inside))) t.fail(`try ${i}`, { inside })
        if (!until(() => c.leaks().processes.length === 0, 5000))
          t.same(c.leaks().processes, [], `try ${i}: nobody lives on`)
      }
      t.comment(`${executed} were executed first`)
      t.same(c.leaks(), nothing)
    })
})
