/**
 * An errno in the place of a system call, one after the other, of all processes of create, start, exec and delete: the
 * command fails with one clear error and nothing is left, or it goes on without, and `delete --force` always works.
 * strace counts the calls of each name. All of them in the static form; of npm, whose own calls are many, a sample (FULL=1: all).
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Container, container, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'
import { refused } from '../support/without.js'

/**
 * Calls that cannot fail so, or whose failure says nothing: the first execve is strace's; memory is the allocator's;
 * a close that does not close, a wait that does not wait and a kill that does not kill leave what they should take away.
 */
const leftOut = new Set([
  ...['execve', 'exit', 'exit_group', 'brk', 'mmap', 'munmap', 'mprotect', 'madvise', 'close', 'close_range'],
  ...['rt_sigreturn', 'rt_sigaction', 'rt_sigprocmask', 'sigaltstack', 'arch_prctl', 'set_tid_address'],
  ...['set_robust_list', 'rseq', 'futex', 'wait4', 'waitid', 'kill', 'pidfd_send_signal', 'clock_nanosleep'],
  ...[
    'poll',
    'ppoll',
    'restart_syscall',
    'getpid',
    'gettid',
    'geteuid',
    'epoll_wait',
    'epoll_pwait',
    'sched_yield',
  ],
])

/** Calls that Node itself makes by the hundred; its own failures are not ours. */
const ofNode = new Set([
  'read',
  'pread64',
  'openat',
  'fstat',
  'statx',
  'lseek',
  'ioctl',
  'prctl',
  'readlink',
  'write',
  'newfstatat',
])

interface Point {
  readonly name: string
  /** the how-manieth of that name in its process */
  readonly when: number
}

interface Run {
  readonly status: number | null
  readonly stderr: string
}

/** Runs a command under strace, which watches from behind (-D): it is not waited for. */
const traced = (c: Container, options: readonly string[], command: readonly string[]): Run => {
  const line = ['-D', '-f', '-qqq', '-o', join(c.dir, 'trace'), ...options, ...c.line(...command)]
  // Files, not pipes: who lives on would hold them.
  const shell = 'out=$0; exec "$@" </dev/null >"$out.out" 2>"$out.err"'
  const { status } = spawnSync('sh', ['-c', shell, join(c.dir, 'fault'), 'strace', ...line], {
    cwd: c.bundle,
    timeout: 20_000,
    killSignal: 'SIGKILL',
    env: { PATH: process.env.PATH, TSRUN_TEST_TAG: c.id },
  })
  return { status, stderr: readFileSync(join(c.dir, 'fault.err'), 'utf8') }
}

/** All points of a command at which something can fail, by a run in which nothing does. */
const pointsOf = (c: Container, rt: Runtime, command: readonly string[], after: () => void): Point[] => {
  traced(c, [], command)
  after()
  until(() => c.leaks().processes.length === 0, 2000)
  const counts = new Map<string, Map<string, number>>()
  const points = new Map<string, Point>()
  let begun = rt.name !== 'npm'
  for (const line of readFileSync(join(c.dir, 'trace'), 'utf8').split('\n')) {
    // Before that it is the dynamic loader and Node's own start.
    begun ||= line.includes('/dist/boot.v8')
    const [, pid = '', name = ''] = /^(\d+) +(\w+)\(/.exec(line) ?? []
    if (name === '' || leftOut.has(name) || (rt.name === 'npm' && ofNode.has(name))) continue
    const own = counts.get(pid) ?? new Map<string, number>()
    counts.set(pid, own)
    const when = (own.get(name) ?? 0) + 1
    own.set(name, when)
    if (begun) points.set(`${name} ${when}`, { name, when })
  }
  return [...points.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.when - b.when))
}

/** Faults after which no words can come. */
const speechless: readonly RegExp[] = [
  /\bwrite\(2, "tsrun: .*INJECTED/, // the message itself
  /\bread\(\d+, 0x\w+, 512\).*INJECTED/, // the monitor's signals, while the program runs
  /\bfcntl\(\d+, F_SETFD, 0\).*INJECTED/, // fails on no descriptor that is open
]

/** Evenly spread, so that each name comes about. */
const sample = (points: readonly Point[], count: number): Point[] => {
  if (process.env.FULL !== undefined || points.length <= count) return [...points]
  const step = points.length / count
  return Array.from({ length: count }, (_, i) => points[Math.floor(i * step)] as Point)
}

const withFault = ({ name, when }: Point, errno: string): string[] => [
  '-e',
  `inject=${name}:error=${errno}:when=${when}`,
]

const isClear = ({ status, stderr }: Run): boolean =>
  status === 0 ||
  (refused.length > 0 && status === 126) || // the filter before the runtime could not be loaded
  (status !== null && status > 0 && /^tsrun: .+\n$/.test(stderr.replace(/^tsrun: warning.*\n/gm, '')))

const errnos = ['EIO', 'ENOMEM', 'EPERM', 'EACCES']

forms(t, requires('root', 'cc', 'strace'), (t, rt) => {
  const skip = rt.lacks('tsrun')
  const count = rt.name === 'npm' ? 6 : Number.POSITIVE_INFINITY
  const waiting = { process: { args: script(['wait']) }, linux: { sysctl: { 'net.ipv4.ip_forward': '0' } } }
  const check = (t: Test, c: Container, what: string, run: Run, failedLeavesNothing: boolean) => {
    const trace = readFileSync(join(c.dir, 'trace'), 'utf8')
    if (!isClear(run) && !speechless.some(pattern => pattern.test(trace)))
      t.fail(`${what}: one clear error`, { run })
    if (run.status !== 0 && failedLeavesNothing) {
      until(() => JSON.stringify(c.leaks()) === JSON.stringify(nothing))
      const left = c.leaks()
      if (JSON.stringify(left) !== JSON.stringify(nothing))
        t.same(left, nothing, `${what}: nothing is left: ${run.stderr}`)
    }
    const deleted = c.del('--force')
    if (deleted.status !== 0) t.equal(deleted.stderr, '', `${what}: delete --force`)
    if (!until(() => JSON.stringify(c.leaks()) === JSON.stringify(nothing)))
      t.same(c.leaks(), nothing, `${what}: nothing is left after delete`)
  }

  t.test('create', { skip }, t => {
    const c = container(t, rt, waiting)
    const command = ['create', '--bundle', c.bundle, '--pid-file', join(c.dir, 'pid'), c.id]
    const points = pointsOf(c, rt, command, () => c.del('--force'))
    let refused = 0
    for (const [i, point] of sample(points, count).entries()) {
      const errno = errnos[i % errnos.length] as string
      const run = traced(c, withFault(point, errno), command)
      if (run.status !== 0) refused++
      check(t, c, `create, ${point.name} ${point.when} ${errno}`, run, true)
    }
    t.ok(refused > 0, `${refused} of ${points.length} points made create fail`)
    t.end()
  })

  for (const [verb, ...rest] of [['start'], ['exec', ...script(['true'])], ['delete', '--force']] as const)
    t.test(verb, { skip }, t => {
      const c = container(t, rt, waiting)
      const ready = () => (verb === 'start' ? c.create() : c.run('--detach'))
      const [first, ...more] = rest
      const command =
        verb === 'delete' ? [verb, first as string, c.id] : [verb, c.id, ...(first ? [first, ...more] : [])]
      ready()
      const points = pointsOf(c, rt, command, () => c.del('--force'))
      for (const [i, point] of sample(points, Math.ceil(count / 3)).entries()) {
        const errno = errnos[i % errnos.length] as string
        ready()
        const run = traced(c, withFault(point, errno), command)
        check(t, c, `${verb}, ${point.name} ${point.when} ${errno}`, run, false)
      }
      t.ok(points.length > 0, `${points.length} points`)
      t.end()
    })
})
