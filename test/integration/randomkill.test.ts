/**
 * The runtime is killed at moments that chance picks, with what it has started going on: whatever it was at, `delete --force` leaves no
 * process, frozen or not, no cgroup, no unit of systemd's and no state. TSRUN_FAULT_ROUNDS makes the loop longer, TSRUN_FAULT_SEED repeats one.
 */
import { spawn, spawnSync } from 'node:child_process'
import t, { type Test } from 'tap'
import { type JsonObject, merge } from '../support/config.js'
import { type Container, container, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'

const rounds = Number(process.env.TSRUN_FAULT_ROUNDS ?? 25)
const seed = Number(process.env.TSRUN_FAULT_SEED ?? Date.now() % 1_000_000)

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let x = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
  return ((x ^ (x >>> 14)) >>> 0) / 4294967296
}

interface Target {
  readonly name: string
  /** What has to be there before it. */
  readonly prepare: (c: Container) => void
  readonly line: (c: Container) => readonly string[]
}

const running = (c: Container): void => {
  c.run('--detach')
}
const targets: readonly Target[] = [
  { name: 'create', prepare: () => {}, line: c => ['create', '--bundle', c.bundle, c.id] },
  { name: 'run', prepare: () => {}, line: c => ['run', '--detach', '--bundle', c.bundle, c.id] },
  { name: 'update', prepare: running, line: c => ['update', '--pids-limit', '9', '--memory', '64m', c.id] },
  { name: 'pause', prepare: running, line: c => ['pause', c.id] },
  { name: 'kill', prepare: running, line: c => ['kill', '--all', c.id, 'KILL'] },
  { name: 'delete', prepare: running, line: c => ['delete', '--force', c.id] },
]

/** Starts a command and kills it after `microseconds`, or lets it end before that. Returns how long it took, milliseconds. */
const cut = (c: Container, args: readonly string[], milliseconds: number): Promise<number> =>
  new Promise(resolve => {
    const begin = performance.now()
    const argv = c.line(...args)
    const child = spawn(argv[0] ?? '', argv.slice(1), { cwd: c.bundle, stdio: 'ignore' })
    // A timer is no finer than a millisecond.
    const poll = () => {
      if (performance.now() - begin >= milliseconds) child.kill('SIGKILL')
      else setImmediate(poll)
    }
    if (Number.isFinite(milliseconds)) poll()
    child.on('exit', () => resolve(performance.now() - begin))
  })

const clean = async (t: Test, c: Container, where: string) => {
  const { status, stderr } = c.del('--force')
  t.equal(status, 0, `${where}: delete --force: ${stderr}`)
  until(() => c.leaks().processes.length === 0, 2000)
  t.same(c.leaks(), nothing, where)
}

/** Rounds of faults with a way to make cgroups; `more` is looked at after each `delete --force`. */
const faults = (
  t: Test,
  rt: Runtime,
  linux: (c: Container) => JsonObject,
  more: (t: Test, c: Container) => void,
) => {
  t.setTimeout(120_000 + rounds * 3000)
  t.test(`seed ${seed}`, { skip: rt.lacks('recovery') }, async t => {
    const next = random(seed)
    const c = container(t, rt, { process: { args: script(['fork', 3], ['wait']) } })
    c.configure({ linux: merge({ resources: { pids: { limit: 20 } } }, linux(c)) })
    const durations = new Map<string, number>()
    for (const { name, prepare, line } of targets) {
      prepare(c)
      durations.set(name, await cut(c, line(c), Number.POSITIVE_INFINITY))
      await clean(t, c, name)
      more(t, c)
    }
    const begin = performance.now()
    for (let round = 0; round < rounds; round++) {
      // A slow machine (an emulated one) does fewer, unless more were asked for.
      if (process.env.TSRUN_FAULT_ROUNDS === undefined && performance.now() - begin > 30_000) break
      const { name, prepare, line } = targets[Math.floor(next() * targets.length)] as Target
      prepare(c)
      const after = next() * (durations.get(name) as number)
      await cut(c, line(c), after)
      await clean(t, c, `round ${round}: ${name} killed after ${after.toFixed(2)} ms`)
      more(t, c)
      if (!t.passing()) break
    }
  })
}

forms(t, requires('root', 'cc'), (t, rt) =>
  faults(
    t,
    rt,
    () => ({}),
    () => {},
  ),
)

const loadState = ({ id }: Container): string =>
  spawnSync('systemctl', ['show', '--value', '-p', 'LoadState', `pre-${id}.scope`], {
    encoding: 'utf8',
  }).stdout.trim()

forms(t, requires('root', 'cc', 'systemd'), (t, rt) =>
  faults(
    t,
    { ...rt, argv: [...rt.argv, '--systemd-cgroup'] },
    ({ id }) => ({ cgroupsPath: `tsrun-fault.slice:pre:${id}` }),
    (t, c) => void t.equal(loadState(c), 'not-found', 'no unit is left'),
  ),
)
