/** process.scheduler, ioPriority, linux.personality and memoryPolicy: asked from outside while init waits, and from inside. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, getPriority } from 'node:os'
import t from 'tap'
import type { JsonObject } from '../support/config.js'
import { type Container, container } from '../support/container.js'
import { answersIn, payloadPath, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

/** What a program of the host says about a process. */
const tool = (...argv: readonly string[]): string =>
  spawnSync(argv[0] ?? '', argv.slice(1), { encoding: 'utf8' }).stdout

/** Fields of proc_pid_stat(5) by their numbers. */
const fieldsOf = (text: string): readonly string[] => {
  const rest = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return ['', '', '', ...rest]
}
const NICE = 19
const REALTIME_PRIORITY = 40
const POLICY = 41

const created = (c: Container): number => {
  const { status, stderr } = c.create()
  if (status !== 0) throw new Error(`create: ${stderr}`)
  return c.state().pid
}

forms(t, requires('root', 'cc'), (t, rt) => {
  const policies: readonly [string, JsonObject, policy: string, nice: string, priority: string][] = [
    ['SCHED_OTHER', { nice: -7 }, '0', '-7', '0'],
    ['SCHED_BATCH', { nice: 11 }, '3', '11', '0'],
    // The kernel leaves the nice value alone: that of whoever runs the tests.
    ['SCHED_IDLE', {}, '5', String(getPriority()), '0'],
  ]
  for (const [policy, rest, number, nice, priority] of policies) {
    t.test(`scheduler ${policy}`, { skip: rt.lacks('scheduler') }, async t => {
      const c = container(t, rt, { process: { scheduler: { policy, ...rest } } })
      const outside = fieldsOf(readFileSync(`/proc/${created(c)}/stat`, 'utf8'))
      t.same([outside[POLICY], outside[NICE], outside[REALTIME_PRIORITY]], [number, nice, priority])
      c.del('--force')
      const inside = fieldsOf(c.ask(['cat', '/proc/self/stat'])[0]?.data ?? '')
      t.same([inside[POLICY], inside[NICE], inside[REALTIME_PRIORITY]], [number, nice, priority])
    })
  }

  /** What sched_getattr says, asked by a process of the host of init, or by the container of itself. */
  const attributes = (text: string) => answersIn(text)[0] as unknown as Readonly<Record<string, number>>
  const ofHost = (pid: number) => attributes(tool(payloadPath(), 'scheduling', String(pid)))

  const deadline = { runtime: 1_000_000, deadline: 50_000_000, period: 100_000_000 }
  for (const [name, scheduler, kept] of [
    ['SCHED_FLAG_RESET_ON_FORK', { policy: 'SCHED_OTHER', nice: 3 }, 1],
    ['SCHED_FLAG_RECLAIM', { policy: 'SCHED_DEADLINE', ...deadline }, 2],
    ['SCHED_FLAG_DL_OVERRUN', { policy: 'SCHED_DEADLINE', ...deadline }, 4],
    // The others say how to call, and are kept nowhere.
    ['SCHED_FLAG_KEEP_POLICY', { policy: 'SCHED_OTHER', nice: 4 }, 0],
    ['SCHED_FLAG_UTIL_CLAMP_MIN', { policy: 'SCHED_OTHER', nice: 5 }, 0],
    ['SCHED_FLAG_UTIL_CLAMP_MAX', { policy: 'SCHED_OTHER', nice: 6 }, 0],
  ] as const) {
    t.test(`scheduler ${name}`, { skip: rt.lacks('scheduler') }, async t => {
      const c = container(t, rt, { process: { scheduler: { ...scheduler, flags: [name] } } })
      const { status, stderr } = c.create()
      // A kernel without uclamp (CONFIG_UCLAMP_TASK) refuses its flags, and is told of.
      if (status !== 0 && name.includes('UTIL_CLAMP')) {
        t.match(stderr, /\/process\/scheduler: .*EOPNOTSUPP/)
        return
      }
      t.equal(status, 0, stderr)
      const seen = ofHost(c.state().pid)
      t.equal(seen.flags, kept)
      const asked: Readonly<Record<string, unknown>> = scheduler
      for (const key of ['nice', 'runtime', 'deadline', 'period'])
        if (asked[key] !== undefined) t.equal(seen[key], asked[key], key)
      if (name.includes('UTIL_CLAMP_MAX')) t.equal(seen.most, 0, 'the config can name no other value')
    })
  }

  t.test('scheduler SCHED_FLAG_KEEP_PARAMS', { skip: rt.lacks('scheduler') }, async t => {
    const scheduler = { policy: 'SCHED_BATCH', nice: 9, flags: ['SCHED_FLAG_KEEP_PARAMS'] }
    const c = container(t, rt, { process: { scheduler } })
    t.match(ofHost(created(c)), { policy: 0, nice: getPriority(), errno: null }, 'the kernel keeps both')
  })

  const budget = { cpu: { realtimePeriod: 1000000, realtimeRuntime: 1000 } }
  const fixed = ['SCHED_FIFO', 'SCHED_RR'] as const
  for (const policy of fixed) {
    t.test(`scheduler ${policy}`, { skip: rt.lacks('scheduler') || requires('cgroup1') }, async t => {
      const scheduler = { policy, priority: 13, flags: ['SCHED_FLAG_RESET_ON_FORK'] }
      const c = container(t, rt, { process: { scheduler }, linux: { resources: budget } })
      const pid = created(c)
      t.match(
        tool('chrt', '-p', String(pid)),
        new RegExp(`${policy}\\|SCHED_RESET_ON_FORK[\\s\\S]*priority: 13`),
      )
      const group = readFileSync(`/sys/fs/cgroup/cpu/${c.id}/cpu.rt_runtime_us`, 'utf8')
      t.equal(group, '1000\n')
    })
  }

  t.test('scheduler SCHED_DEADLINE', { skip: rt.lacks('scheduler') }, async t => {
    const scheduler = { policy: 'SCHED_DEADLINE', runtime: 1000000, deadline: 50000000, period: 100000000 }
    const c = container(t, rt, { process: { scheduler } })
    t.match(tool('chrt', '-p', String(created(c))), /SCHED_DEADLINE[\s\S]*1000000\/50000000\/100000000/)
    t.match(ofHost(c.state().pid), { policy: 6, runtime: 1000000, deadline: 50000000, period: 100000000 })
    c.configure({ process: { args: script(['scheduling']) } })
    c.del('--force')
    t.match(attributes(c.run().stdout), {
      policy: 6,
      runtime: 1000000,
      deadline: 50000000,
      period: 100000000,
    })
  })

  t.test(
    'a real-time policy without a budget',
    { skip: rt.lacks('scheduler') || requires('cgroup1') },
    async t => {
      const { status, stderr } = container(t, rt, {
        process: { scheduler: { policy: 'SCHED_RR', priority: 1 } },
      }).run()
      t.equal(status, 1)
      t.match(stderr, /\/process\/scheduler: .*EPERM.*realtimeRuntime/)
    },
  )

  for (const [name, priority, answer] of [
    ['IOPRIO_CLASS_RT', 1, 'realtime: prio 1'],
    ['IOPRIO_CLASS_BE', 7, 'best-effort: prio 7'],
    ['IOPRIO_CLASS_IDLE', 0, 'idle'],
  ] as const) {
    t.test(`ioPriority ${name}`, { skip: rt.lacks('scheduler') }, async t => {
      const c = container(t, rt, { process: { ioPriority: { class: name, priority } } })
      t.equal(tool('ionice', '-p', String(created(c))).trim(), answer)
    })
  }

  const cpuReason = rt.lacks('exec-affinity') || (cpus().length < 2 && 'needs two CPUs')
  t.test('execCPUAffinity', { skip: cpuReason }, async t => {
    const execCPUAffinity = { initial: '0', final: '1' }
    const c = container(t, rt, { process: { args: script(['wait']), execCPUAffinity } })
    const allowed = (text: string) => /Cpus_allowed_list:\s*(\S+)/.exec(text)?.[1]
    const of = (pid: number | string) => allowed(readFileSync(`/proc/${pid}/status`, 'utf8'))
    const init = created(c)
    t.equal(c.start().status, 0)
    t.equal(of(init), of('self'), 'init is not meant')
    const inside = c.call('exec', c.id, ...script(['cat', '/proc/self/status']))
    t.equal(allowed(JSON.parse(inside.stdout).data), '1', 'final, from inside')

    const file = `${c.dir}/process.json`
    const pidFile = `${c.dir}/exec.pid`
    const detached = (affinity: JsonObject): string | undefined => {
      const process = { args: script(['wait']), cwd: '/', execCPUAffinity: affinity }
      writeFileSync(file, JSON.stringify(process))
      const done = c.leave('exec', '--detach', '--pid-file', pidFile, '--process', file, c.id)
      return done.status === 0 ? of(readFileSync(pidFile, 'utf8')) : done.stderr
    }
    t.equal(detached({ final: '0' }), '0', 'final, from outside')
    t.ok(['0', of('self')].includes(detached({ initial: '0' })), 'initial alone: what the kernel makes of it')
    writeFileSync(file, JSON.stringify({ args: ['x'], cwd: '/', execCPUAffinity: { final: '4000' } }))
    const { status, stderr } = c.call('exec', '--process', file, c.id)
    t.equal(status, 255)
    t.match(stderr, /\/process\/execCPUAffinity\/final: choose the CPUs to run on: .*EINVAL.*cpuset/)
  })

  t.test('personality LINUX32', { skip: rt.lacks('personality') }, async t => {
    const c = container(t, rt, { linux: { personality: { domain: 'LINUX32' } } })
    t.equal(readFileSync(`/proc/${created(c)}/personality`, 'utf8').trim(), '00000008')
    c.del('--force')
    t.equal(c.ask(['syscall', 'personality', 0xffffffff])[0]?.result, 8)
  })

  for (const [memoryPolicy, answer] of [
    [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] }, / bind=static:0 /],
    [{ mode: 'MPOL_INTERLEAVE', nodes: '0' }, / interleave:0 /],
    [{ mode: 'MPOL_LOCAL' }, / local /],
    [{ mode: 'MPOL_DEFAULT' }, / default /],
    [{ mode: 'MPOL_PREFERRED', nodes: '0' }, / prefer:0 /],
    [{ mode: 'MPOL_PREFERRED', nodes: '0', flags: ['MPOL_F_RELATIVE_NODES'] }, / prefer=relative:0 /],
    [{ mode: 'MPOL_PREFERRED_MANY', nodes: '0' }, / prefer \(many\):0 /],
    [{ mode: 'MPOL_WEIGHTED_INTERLEAVE', nodes: '0' }, / weighted interleave:0 /],
    [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_NUMA_BALANCING'] }, / bind=balancing:0 /],
  ] as const) {
    t.test(
      `memoryPolicy ${Object.values(memoryPolicy).join(' ')}`,
      { skip: rt.lacks('memory-policy') },
      async t => {
        const c = container(t, rt, { linux: { memoryPolicy } })
        t.match(readFileSync(`/proc/${created(c)}/numa_maps`, 'utf8'), answer)
        c.del('--force')
        t.match(c.ask(['cat', '/proc/self/numa_maps'])[0]?.data, answer)
      },
    )
  }

  t.test('memory nodes that are not there', { skip: rt.lacks('memory-policy') }, async t => {
    const c = container(t, rt, { linux: { memoryPolicy: { mode: 'MPOL_BIND', nodes: '900' } } })
    const { status, stderr } = c.run()
    t.equal(status, 1)
    t.match(stderr, /\/linux\/memoryPolicy: set memory policy MPOL_BIND.*EINVAL.*nodes/)
  })
})
