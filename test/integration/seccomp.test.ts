/** linux.seccomp: actions, rules on arguments, architectures, newer calls. The compiler has tests of its own. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { JsonObject } from '../support/config.js'
import { container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { type Answer, answersIn, payloadPath, repository, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const allow = 'SCMP_ACT_ALLOW'
const native = process.arch === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64'

/** A filter that allows all but these rules. */
const filter = (...syscalls: readonly JsonObject[]): JsonObject => ({
  linux: { seccomp: { defaultAction: allow, architectures: [native], syscalls } },
})
const errno = (name: string, errnoRet?: number, ...args: readonly JsonObject[]): JsonObject => ({
  names: [name],
  action: 'SCMP_ACT_ERRNO',
  errnoRet,
  args,
})

const EPERM = 1
const ENOENT = 2
const SIGSYS = 31

const listening = (socket: string, noNewPrivileges: boolean, ...names: readonly string[]): JsonObject => ({
  process: { noNewPrivileges },
  linux: {
    seccomp: {
      defaultAction: allow,
      architectures: [native],
      listenerPath: socket,
      listenerMetadata: 'what the agent is told',
      syscalls: [{ names, action: 'SCMP_ACT_NOTIFY' }],
    },
  },
})

forms(t, requires('root', 'cc'), (t, rt) => {
  for (const noNewPrivileges of [true, false]) {
    const title = `NOTIFY: a listener decides, ${noNewPrivileges ? 'with' : 'without'} noNewPrivileges`
    t.test(title, { skip: rt.lacks('notify') }, async t => {
      const c = container(t, rt, { annotations: { who: 'tests' } })
      const socket = join(c.dir, 'agent')
      // All that init still does after the filter is let through: only these two wait.
      c.configure(listening(socket, noNewPrivileges, 'mkdir', 'mkdirat'))
      c.configure({ process: { args: script(['mkdir', '/tmp/made']) } })
      const agent = c.spawn(payloadPath(), 'recv-seccomp', socket, '16')
      await agent.says('listening')
      const { status, stderr } = c.create()
      t.equal(status, 0, stderr)
      await agent.says('"listener"')
      const { pid } = c.state()
      t.equal(c.start().status, 0)
      const [listener, decided] = answersIn((await agent.done).stdout).slice(-2)
      t.equal(listener?.fds, 1)
      t.match(JSON.parse(listener?.data ?? ''), {
        ociVersion: /^1/,
        fds: ['seccompFd'],
        pid,
        metadata: 'what the agent is told',
        state: { id: c.id, status: 'creating', pid, bundle: c.bundle, annotations: { who: 'tests' } },
      })
      t.equal(decided?.pid, pid)
      c.ended(pid)
      t.match(answersIn(c.output()).at(-1), { verb: 'mkdir', errno: 'EBUSY' })
    })
  }

  t.test('NOTIFY: an exec has a listener of its own', { skip: rt.lacks('notify') }, async t => {
    const c = container(t, rt)
    const socket = join(c.dir, 'agent')
    c.configure(listening(socket, true, 'mkdir', 'mkdirat'))
    c.configure({ process: { args: script(['mkdir', '/tmp/made'], ['wait']) } })
    const first = c.spawn(payloadPath(), 'recv-seccomp', socket, '16')
    await first.says('listening')
    t.equal(c.run('--detach').status, 0)
    await first.done
    rmSync(socket, { force: true })
    const second = c.spawn(payloadPath(), 'recv-seccomp', socket, '1')
    await second.says('listening')
    const running = c.spawn(...c.line('exec', c.id, ...script(['mkdir', '/tmp/other'])))
    t.match(answersIn((await running.done).stdout), [{ errno: 'EPERM' }])
    const [listener, decided] = answersIn((await second.done).stdout).slice(-2)
    const told = JSON.parse(listener?.data ?? '')
    t.match(told.state, { id: c.id, status: 'running', pid: c.state().pid })
    t.equal(told.pid, decided?.pid, 'the process is not init')
    t.not(told.pid, told.state.pid)
  })

  t.test('NOTIFY without an agent', { skip: rt.lacks('notify') }, async t => {
    const c = container(t, rt, listening('/no/such/socket', true, 'mkdir'))
    const { status, stderr } = c.run()
    t.equal(status, 1)
    t.match(stderr, /send the seccomp listener to \/no\/such\/socket: .*ENOENT/)
    t.same(c.leaks(), nothing)
  })

  t.test('ERRNO, with and without a number', async t => {
    const c = container(t, rt, filter(errno('getppid'), errno('getuid', ENOENT), errno('kcmp', EPERM)))
    const [report, ppid, uid, pid] = c.ask(
      ['report'],
      ['syscall', 'getppid'],
      ['syscall', 'getuid'],
      ['syscall', 'getpid'],
    )
    t.match(report, { seccomp: 2 })
    t.match([ppid, uid, pid], [{ errno: 'EPERM' }, { errno: 'ENOENT' }, { errno: null }])
  })

  t.test('KILL, KILL_PROCESS, KILL_THREAD, TRAP and LOG', async t => {
    const rules = {
      getppid: 'KILL',
      getuid: 'KILL_PROCESS',
      sysinfo: 'KILL_THREAD',
      uname: 'TRAP',
      sched_yield: 'LOG',
    }
    const syscalls = Object.entries(rules).map(([name, action]) => ({
      names: [name],
      action: `SCMP_ACT_${action}`,
    }))
    const c = container(t, rt, filter(...syscalls))
    const answers = c.ask(...Object.keys(rules).map(name => ['syscall', name]))
    t.same(
      answers.map(({ signal }) => signal),
      [SIGSYS, SIGSYS, SIGSYS, SIGSYS, 0],
    )
  })

  t.test('a default action with its own errno, and the names that are allowed', async t => {
    const { linux } = JSON.parse(readFileSync(join(repository, 'bundles/seccomp-docker/config.json'), 'utf8'))
    const seccomp = { ...linux.seccomp, defaultErrnoRet: ENOENT }
    const c = container(t, rt, { linux: { seccomp } })
    const answers = c.ask(
      ['syscall', 'add_key'],
      ['syscall', 'kcmp'],
      ['syscall', 'getppid'],
      ['syscall', 'swapon'],
    )
    t.same(
      answers.map(({ errno }) => errno),
      ['ENOENT', 'ENOENT', null, 'ENOENT'],
    )
  })

  t.test('every operator on arguments', async t => {
    const priority = (op: string, value: number, valueTwo?: number) =>
      filter(errno('personality', ENOENT, { index: 0, op: `SCMP_CMP_${op}`, value, valueTwo }))
    const c = container(t, rt)
    const denied = (answers: readonly Answer[]) => answers.map(({ errno }) => errno === 'ENOENT')
    const values = [0xffffffff, 0, 8, 0x20000]
    for (const [op, value, expected, valueTwo] of [
      ['NE', 8, [true, true, false, true]],
      ['LT', 8, [false, true, false, false]],
      ['LE', 8, [false, true, true, false]],
      ['EQ', 0xffffffff, [true, false, false, false]],
      ['GE', 0x20000, [true, false, false, true]],
      ['GT', 0x20000, [true, false, false, false]],
      ['MASKED_EQ', 0x20000, [true, false, false, true], 0x20000],
    ] as const) {
      c.configure(priority(op, value, valueTwo))
      t.same(denied(c.ask(...values.map(each => ['syscall', 'personality', each]))), expected, op)
    }
  })

  t.test('conditions of one rule must all hold, rules of one name are alternatives', async t => {
    const equal = (index: number, value: number) => ({ index, op: 'SCMP_CMP_EQ', value })
    const c = container(t, rt)
    c.configure(
      filter(errno('socket', ENOENT, equal(0, 1), equal(1, 2)), errno('socket', ENOENT, equal(0, 16))),
    )
    const answers = c.ask(
      ['syscall', 'socket', 1, 2],
      ['syscall', 'socket', 1, 1],
      ['syscall', 'socket', 16, 3],
    )
    t.same(
      answers.map(({ errno }) => errno),
      ['ENOENT', null, 'ENOENT'],
    )
  })

  t.test('values of 64 bits are exact', async t => {
    const c = container(t, rt, filter(errno('dup', ENOENT, { index: 0, op: 'SCMP_CMP_EQ', value: 12345 })))
    c.configure({
      process: {
        args: script(['syscall', 'dup', '0xffffffff00000001'], ['syscall', 'dup', '0xffffffff00000000']),
      },
    })
    c.rewrite(text => text.replace('12345', '18446744069414584321'))
    const lines = c.run().stdout.trim().split('\n')
    t.same(
      lines.map(line => JSON.parse(line).errno),
      ['ENOENT', null],
    )
  })

  t.test('another architecture, with and without a rule', { skip: requires('ia32') }, async t => {
    const getppid32 = 64
    const c = container(t, rt, filter(errno('getppid')))
    t.match(c.ask(['syscall32', getppid32]), [{ signal: SIGSYS }], 'one that is not listed may not be used')
    c.configure({ linux: { seccomp: { architectures: [native, 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'] } } })
    t.match(
      c.ask(['syscall32', getppid32]),
      [{ signal: 0, errno: 'EPERM' }],
      'one that is obeys the same rules',
    )
    t.match(c.ask(['syscall32', 20]), [{ signal: 0, errno: null }])
  })

  t.test('a call that is newer than the profile does not exist', async t => {
    const { linux } = JSON.parse(readFileSync(join(repository, 'bundles/seccomp-docker/config.json'), 'utf8'))
    const c = container(t, rt, { linux: { seccomp: linux.seccomp } })
    const [newer, known, clone3] = c.ask(['syscall', 1000], ['syscall', 'mount'], ['syscall', 'clone3'])
    t.equal(newer?.errno, 'ENOSYS', 'a libc then uses an older call')
    t.equal(known?.errno, 'EPERM')
    t.equal(clone3?.errno, 'ENOSYS', 'by a rule of the profile')
  })

  t.test('names that nobody knows are passed over', async t => {
    const c = container(t, rt, filter(errno('no_such_call'), errno('getppid')))
    t.match(c.ask(['syscall', 'getppid']), [{ errno: 'EPERM' }])
  })

  t.test('with and without noNewPrivileges, as a plain user', async t => {
    for (const noNewPrivileges of [true, false]) {
      const user = { uid: 1000, gid: 1000 }
      const c = container(t, rt, { process: { user, noNewPrivileges }, ...filter(errno('getpriority')) })
      t.match(c.ask(['report'], ['syscall', 'getpriority']), [
        { seccomp: 2, noNewPrivs: noNewPrivileges ? 1 : 0, caps: { effective: '0'.repeat(16) } },
        { errno: 'EPERM' },
      ])
    }
  })

  t.test('a filter that denies what the runtime itself does before', async t => {
    const names = [
      'mount',
      'umount2',
      'setresuid',
      'setresgid',
      'setgroups',
      'capset',
      'prctl',
      'unshare',
      'sethostname',
    ]
    const c = container(t, rt, filter({ names, action: 'SCMP_ACT_KILL_PROCESS' }))
    c.configure({ process: { args: script(['syscall', 'sethostname']) } })
    t.match(c.run(), { status: 0, stdout: new RegExp(`"signal":${SIGSYS}`) })
  })

  t.test('invalid filters', async t => {
    const c = container(t, rt)
    const bad: readonly JsonObject[] = [
      { defaultAction: 'SCMP_ACT_NONSENSE' },
      { defaultAction: allow, architectures: ['SCMP_ARCH_NONSENSE'] },
      { defaultAction: allow, syscalls: [{ names: ['getpid'], action: 'SCMP_ACT_NONSENSE' }] },
      {
        defaultAction: allow,
        syscalls: [errno('getpid', 1, { index: 0, value: 1, op: 'SCMP_CMP_NONSENSE' })],
      },
      { defaultAction: allow, syscalls: [errno('getpid', 1, { index: 7, value: 1, op: 'SCMP_CMP_EQ' })] },
    ]
    for (const seccomp of bad) {
      c.configure({ linux: { seccomp: undefined } })
      c.configure({ linux: { seccomp } })
      t.match(c.create(), { status: 1, stderr: /./ }, JSON.stringify(seccomp))
      t.same(c.leaks(), nothing)
    }
  })
})
