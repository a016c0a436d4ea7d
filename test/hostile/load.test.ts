/**
 * Many containers at once and one after the other: nothing grows, every state can be read at any time, and what forks
 * without end can still be deleted. LOAD_CONTAINERS (200), LOAD_EXECS (1000) and LOAD_SECONDS (20; 1200 is the long form) say how much.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { namespacesWithout } from '../support/config.js'
import { type Container, container, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'

const count = (name: string, ordinarily: number, rt: Runtime): number =>
  Number(process.env[name] ?? (rt.name === 'npm' ? Math.ceil(ordinarily / 5) : ordinarily))

const WORKERS = 8
const statuses = ['creating', 'created', 'running', 'stopped']

/** One command to its end, with its output in a pipe (of what leaves nobody behind) or nowhere. */
const run = (
  argv: readonly string[],
  cwd: string,
  heard: boolean,
): Promise<{ status: number; text: string }> =>
  new Promise(resolve => {
    const child: ChildProcess = spawn(argv[0] ?? '', argv.slice(1), {
      cwd,
      stdio: ['ignore', heard ? 'pipe' : 'ignore', heard ? 'pipe' : 'ignore'],
    })
    let text = ''
    child.stdout?.on('data', data => {
      text += data
    })
    child.stderr?.on('data', data => {
      text += data
    })
    child.on('close', status => resolve({ status: status ?? -1, text }))
  })

/** What may not grow: descriptors of whoever calls, and what the kernel keeps, in kB; mounts, cgroups, processes: `leaks`. */
const footprint = () => ({
  descriptors: readdirSync('/proc/self/fd').length,
  memory: Number(/^Slab:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]),
})

const ids = (c: Container, from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${c.id}-${from + i}`)

/** Creates, starts, looks at and deletes one container; what was wrong. */
const life = async (c: Container, id: string): Promise<string[]> => {
  const wrong: string[] = []
  const step = async (heard: boolean, ...args: readonly string[]) => {
    const { status, text } = await run(c.line(...args), c.bundle, heard)
    if (status !== 0) wrong.push(`${args.join(' ')}: ${status} ${text}`)
    return text
  }
  await step(false, 'create', '--bundle', c.bundle, id)
  await step(true, 'start', id)
  const { status } = JSON.parse((await step(true, 'state', id)) || '{}')
  if (!statuses.includes(status)) wrong.push(`${id} is ${status}`)
  await step(true, 'delete', '--force', id)
  return wrong
}

/** Looks at all states again and again until the work is done. */
const watch = async (c: Container, isOver: () => boolean): Promise<{ looks: number; wrong: string[] }> => {
  const wrong: string[] = []
  let looks = 0
  for (; !isOver(); looks++) {
    const { status, text } = await run(c.line('list', '--format', 'json'), c.bundle, true)
    if (status !== 0 || /tsrun:/.test(text)) wrong.push(`list: ${status} ${text}`)
    else
      for (const one of (JSON.parse(text) ?? []) as { id: string; status: string }[])
        if (!statuses.includes(one.status)) wrong.push(`${one.id} is ${one.status}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return { looks, wrong }
}

const workers = async (c: Container, all: readonly string[]): Promise<string[]> => {
  const wrong: string[] = []
  let next = 0
  let left = WORKERS
  const worker = async () => {
    while (next < all.length) wrong.push(...(await life(c, all[next++] as string)))
    left--
  }
  // The state root is there before somebody looks into it.
  wrong.push(...(await life(c, `${c.id}-first`)))
  const [seen] = await Promise.all([
    watch(c, () => left === 0),
    ...Array.from({ length: WORKERS }, () => worker()),
  ])
  return [...wrong, ...seen.wrong]
}

const bomb = (t: Test, rt: Runtime, namespaces: ReturnType<typeof namespacesWithout>): void => {
  const limit = 30
  const c = container(t, rt, {
    process: { args: script(['bomb']) },
    linux: { namespaces, resources: { pids: { limit } } },
  })
  t.equal(c.run('--detach').status, 0)
  t.ok(
    until(() => c.leaks().processes.length >= limit / 2, 15_000),
    'it forks',
  )
  t.equal(c.state().status, 'running')
  t.match(c.del('--force'), { status: 0, stderr: '' })
  until(() => c.leaks().processes.length === 0, 2000)
  t.same(c.leaks(), nothing)
}

forms(t, requires('root', 'cc'), (t, rt) => {
  const skip = rt.lacks('tsrun')
  t.setTimeout((count('LOAD_SECONDS', 20, rt) + 300) * 1000)

  t.test('many containers, made and deleted by eight workers', { skip }, async t => {
    const c = container(t, rt, { linux: { cgroupsPath: undefined } })
    const before = footprint()
    const all = ids(c, 0, count('LOAD_CONTAINERS', 200, rt))
    t.same(await workers(c, all), [], `${all.length} containers`)
    t.equal(footprint().descriptors, before.descriptors)
    t.same(c.leaks(), nothing)
  })

  t.test('many exec in one container', { skip }, async t => {
    // One `wait` ends after a minute; a slow machine takes longer.
    const args = script(...Array.from({ length: 20 }, () => ['wait'] as const))
    const c = container(t, rt, { process: { args } })
    c.run('--detach')
    const wrong: string[] = []
    const times = count('LOAD_EXECS', 1000, rt)
    let next = 0
    const worker = async () => {
      while (next < times) {
        const word = `word-${next++}`
        const { status, text } = await run(c.line('exec', c.id, ...script(['echo', word])), c.bundle, true)
        if (status !== 0 || text !== `${word}\n`) wrong.push(`${word}: ${status} ${text}`)
      }
    }
    await Promise.all(Array.from({ length: 4 }, () => worker()))
    t.same(wrong.slice(0, 5), [], `${times} exec`)
    t.equal(c.state().status, 'running')
    t.equal(c.leaks().processes.length, 1, 'init alone is left')
  })

  t.test('one after the other', { skip }, t => {
    const c = container(t, rt)
    const cycle = () => {
      const { status, stderr } = c.run()
      if (status !== 0) t.equal(stderr, '')
    }
    for (let i = 0; i < 10; i++) cycle()
    const before = footprint()
    const end = Date.now() + count('LOAD_SECONDS', 20, rt) * 1000
    let cycles = 0
    for (; Date.now() < end; cycles++) cycle()
    const after = footprint()
    t.comment(`${cycles} cycles, slab ${before.memory} kB, then ${after.memory} kB`)
    t.equal(after.descriptors, before.descriptors)
    t.same({ ...c.leaks(), state: [] }, nothing, `${cycles} cycles`)
    // The kernel frees late, and others use it, too: what each cycle may leave of it is next to nothing.
    t.ok(
      after.memory - before.memory < 50_000 + cycles,
      `${after.memory - before.memory} kB more in the kernel`,
    )
    t.same(readdirSync(c.stateRoot), [])
    t.end()
  })

  for (const [what, left] of [
    ['in its own pid namespace', []],
    ['in the pid namespace of the host', ['pid']],
  ] as const)
    t.test(`what forks without end can be deleted, ${what}`, { skip }, t => {
      bomb(t, rt, namespacesWithout(...left))
      t.end()
    })
})
