/** exec: another process in a container, with the container's namespaces, cgroups and limits. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { namespaces } from '../support/config.js'
import { type Container, container, until } from '../support/container.js'
import {
  type Answer,
  answersIn,
  capabilityBit,
  payloadPath,
  type Report,
  script,
} from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const waiting = { process: { args: script(['wait']) } }

/** What the payload says of itself when it is executed with these flags. */
const reportOf = (c: Container, ...flags: readonly string[]): Report => {
  const { status, stdout, stderr } = c.call('exec', ...flags, c.id, ...script(['report']))
  if (status !== 0) throw new Error(`exec: status ${status}: ${stderr}`)
  return JSON.parse(stdout) as Report
}

const namespaceOf = (pid: number, name: string): string => readlinkSync(`/proc/${pid}/ns/${name}`)
const bits = (mask: string): bigint => BigInt(`0x${mask}`)

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('what a process of exec is', async t => {
    const c = container(t, rt, {
      process: { ...waiting.process, rlimits: [{ type: 'RLIMIT_CORE', soft: 5, hard: 6 }], oomScoreAdj: 321 },
      linux: { namespaces: [...namespaces, { type: 'cgroup' }] },
    })
    c.run('--detach')
    const { pid } = c.state()
    const self = reportOf(c)
    for (const name of ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'uts', 'user'])
      t.equal(self.ns[name], namespaceOf(pid, name), `the ${name} namespace of the container`)
    t.not(self.pid, 1)
    t.equal(self.sid, self.pid, 'a session of its own')
    t.equal(self.cwd, '/')
    t.equal(self.noNewPrivs, 1)
    t.equal(self.umask, 0o022)
    t.equal(self.oomScoreAdj, 321)
    t.same(self.rlimits.CORE, ['5', '6'])
    t.same(Object.keys(self.fds), ['0', '1', '2'])
    t.ok(self.env.includes('HOME=/'))
    t.same(self.ignored, [], 'signals as nobody changed them')
    t.same(self.blocked, [])
    t.match(self.keyringName, new RegExp(`_ses.${c.id}`), 'the session keyring of the container')
    t.equal(self.caps.effective, self.caps.permitted)
  })

  t.test('it is in every cgroup of the container', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const path = join(c.dir, 'pid')
    t.match(c.leave('exec', '--detach', '--pid-file', path, c.id, ...script(['wait'])), {
      status: 0,
      stderr: '',
    })
    const pid = Number(readFileSync(path, 'utf8'))
    const cgroups = (id: number) => readFileSync(`/proc/${id}/cgroup`, 'utf8')
    t.equal(cgroups(pid), cgroups(c.state().pid))
    t.ok(cgroups(pid).includes(c.id))
  })

  t.test('the exit code is the program’s', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    t.equal(c.call('exec', c.id, ...script(['exit', 7])).status, 7)
    t.equal(c.call('exec', c.id, ...script(['kill', 0, 9])).status, 137)
    t.match(c.call('exec', c.id, ...script(['echo', 'one'], ['err', 'two'])), {
      status: 0,
      stdout: 'one\n',
      stderr: 'two\n',
    })
  })

  t.test('255 for what could not be started, with the words that engines look for', async t => {
    const c = container(t, rt, waiting)
    mkdirSync(join(c.rootfs, 'bin', 'directory'))
    writeFileSync(join(c.rootfs, 'bin', 'data'), 'data', { mode: 0o755 })
    writeFileSync(join(c.rootfs, 'bin', 'plain'), 'data', { mode: 0o644 })
    c.run('--detach')
    for (const flags of [[], ['--detach']]) {
      const fails = (text: RegExp, ...words: readonly string[]) =>
        t.match(c.call('exec', ...flags, ...words), { status: 255, stderr: text }, words.join(' '))
      fails(/exec: \\*"nope\\*": executable file not found in \$PATH/, c.id, 'nope')
      fails(/exec: \\*"\/nope\\*": stat \/nope: no such file or directory/, c.id, '/nope')
      fails(/permission denied/, c.id, '/bin/plain')
      if (!rt.lacks('exec-format')) fails(/exec format error/, c.id, '/bin/data')
      // Newer ones of runc say more truly what it is.
      fails(
        rt.lacks('tsrun') ? /permission denied|is a directory/ : /permission denied/,
        c.id,
        '/bin/directory',
      )
      fails(/no such file or directory/, '--cwd', '/nowhere', c.id, '/bin/payload')
    }
    t.equal(c.state().status, 'running', 'the container did not notice')
  })

  t.test('options end at the container’s id', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const { stdout } = c.call('exec', c.id, ...script(['args', '-t', '--cwd', '--help', '-d']))
    t.same(answersIn(stdout)[0]?.args, ['-t', '--cwd', '--help', '-d'])
  })

  t.test('--user, --additional-gids, --cwd, --env', async t => {
    const c = container(t, rt, waiting)
    mkdirSync(join(c.rootfs, 'srv'))
    writeFileSync(join(c.rootfs, 'etc', 'passwd'), 'root:x:0:0::/root:\nme:x:1000:1000::/srv:\n')
    c.run('--detach')
    const self = reportOf(
      c,
      '--user',
      '1000:1001',
      '-g',
      '5',
      '-g',
      '6',
      '--cwd',
      '/srv',
      '-e',
      'A=b,c=d',
      '-e',
      'TERM=dumb',
    )
    t.same(self.uid, [1000, 1000, 1000])
    t.same(self.gid, [1001, 1001, 1001])
    t.same([...self.groups].sort(), [5, 6])
    t.equal(self.cwd, '/srv')
    t.ok(self.env.includes('A=b,c=d'), 'a comma splits nothing')
    t.equal(self.env.filter(entry => entry.startsWith('TERM=')).join(), 'TERM=dumb', 'the last one counts')
    t.ok(self.env.includes('HOME=/srv'))
    t.equal(bits(self.caps.effective), 0n, 'an ordinary user has no capabilities')
    t.same(reportOf(c, '--user', '7').uid, [7, 7, 7])
    t.same(reportOf(c, '--user', '7').gid, [0, 0, 0], 'the group stays that of the config')
  })

  t.test('--user is a number', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const beyond = rt.lacks('config-rules') ? [] : ['4294967296']
    for (const user of ['root', '1x', '-1', '1:', '0x1', ' 1', ...beyond])
      t.not(c.call('exec', '--user', user, c.id, ...script(['true'])).status, 0, JSON.stringify(user))
  })

  t.test('--cap adds, and not to the inheritable set (CVE-2022-29162)', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const CAP_SYS_PTRACE = 19
    t.notOk(capabilityBit(reportOf(c).caps.bounding, CAP_SYS_PTRACE))
    const { caps } = reportOf(c, '--cap', 'CAP_SYS_PTRACE')
    for (const set of ['bounding', 'effective', 'permitted'] as const)
      t.ok(capabilityBit(caps[set], CAP_SYS_PTRACE), set)
    t.equal(bits(caps.inheritable), 0n)
    t.equal(bits(caps.ambient), 0n)
  })

  t.test('--cap where the config has inheritable ones', { skip: rt.lacks('tsrun') }, async t => {
    const own = ['CAP_KILL', 'CAP_CHOWN']
    const capabilities = { bounding: own, effective: own, permitted: own, inheritable: own, ambient: own }
    const c = container(t, rt, { process: { ...waiting.process, capabilities } })
    c.run('--detach')
    const [CAP_CHOWN, CAP_KILL, CAP_SYS_PTRACE] = [0, 5, 19]
    for (const user of ['0', '1000']) {
      const { caps } = reportOf(c, '--user', user, '--cap', 'CAP_SYS_PTRACE')
      const kept = (1n << BigInt(CAP_CHOWN)) | (1n << BigInt(CAP_KILL))
      t.equal(bits(caps.inheritable), kept, 'what the config says, no more')
      t.equal(bits(caps.ambient), kept)
      t.equal(capabilityBit(caps.effective, CAP_SYS_PTRACE), user === '0', 'a user has what is ambient')
      t.ok(capabilityBit(caps.bounding, CAP_SYS_PTRACE))
    }
  })

  t.test('--no-new-privs', async t => {
    const c = container(t, rt, { process: { ...waiting.process, noNewPrivileges: false } })
    c.run('--detach')
    t.equal(reportOf(c).noNewPrivs, 0)
    t.equal(reportOf(c, '--no-new-privs').noNewPrivs, 1)
  })

  t.test('--process is all of the process', async t => {
    const c = container(t, rt, { process: { ...waiting.process } })
    c.run('--detach')
    const file = join(c.dir, 'process.json')
    const process = {
      args: script(['report']),
      cwd: '/tmp',
      env: ['TWO=2', 'PATH=/bin'],
      user: { uid: 3, gid: 4, additionalGids: [9], umask: 0o077 },
      rlimits: [{ type: 'RLIMIT_CORE', soft: 1, hard: 2 }],
    }
    writeFileSync(file, JSON.stringify(process))
    const { status, stdout, stderr } = c.call('exec', '--process', file, '--cwd', '/dev', c.id)
    t.match({ status, stderr }, { status: 0, stderr: '' })
    const self = JSON.parse(stdout) as Report
    t.same([self.uid[0], self.gid[0], self.groups, self.cwd], [3, 4, [9], '/tmp'])
    t.same(self.env.filter(entry => !entry.startsWith('HOME=')).sort(), ['PATH=/bin', 'TWO=2'])
    t.same(self.rlimits.CORE, ['1', '2'])
    t.equal(self.noNewPrivs, 0)
  })

  t.test('--process that is none', { skip: rt.lacks('pointers') }, async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const file = join(c.dir, 'process.json')
    t.match(c.call('exec', '-p', file, c.id), { status: 255, stderr: /read the process document/ })
    writeFileSync(file, '{"args": ["/bin/payload"], "cwd": "relative"}')
    t.match(c.call('exec', '-p', file, c.id), { status: 255, stderr: /\/cwd/ })
    writeFileSync(file, '{"args": 7, "cwd": "/"}')
    t.match(c.call('exec', '-p', file, c.id), { status: 255, stderr: /\/args/ })
    t.match(c.call('exec', c.id), { status: 255, stderr: /needs a command/ })
  })

  t.test('seccomp of the config holds for exec, too', async t => {
    const seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['sethostname'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }],
    }
    for (const noNewPrivileges of [true, false]) {
      const c = container(t, rt, { process: { ...waiting.process, noNewPrivileges }, linux: { seccomp } })
      c.run('--detach')
      t.equal(reportOf(c).seccomp, 2)
    }
  })

  t.test('a user namespace', async t => {
    const map = [{ containerID: 0, hostID: 100000, size: 65536 }]
    const c = container(t, rt, {
      ...waiting,
      linux: { namespaces: [...namespaces, { type: 'user' }], uidMappings: map, gidMappings: map },
    })
    const up = c.run('--detach')
    t.equal(up.status, 0, up.stderr)
    const self = reportOf(c, '--user', '5:6')
    t.equal(self.ns.user, namespaceOf(c.state().pid, 'user'))
    t.same([self.uid[0], self.gid[0]], [5, 6])
    t.same(reportOf(c).uid, [0, 0, 0])
  })

  t.test('a container that only was created', async t => {
    const c = container(t, rt, waiting)
    c.create()
    t.match(c.call('exec', c.id, ...script(['echo', 'hello'])), { status: 0, stdout: 'hello\n' })
    t.equal(c.state().status, 'created')
  })

  t.test('a stopped container, and none', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const { pid } = c.state()
    c.kill('KILL')
    c.ended(pid)
    t.match(c.call('exec', c.id, 'x'), { status: 255, stderr: /cannot exec in a stopped container/ })
    t.match(c.call('exec', 'tsrun-test-none', 'x'), { status: 255, stderr: /container does not exist/ })
  })

  t.test('a paused container', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    c.call('pause', c.id)
    t.match(c.call('exec', c.id, ...script(['true'])), {
      status: 255,
      stderr: /cannot exec in a paused container \(use --ignore-paused to override\)/,
    })
    const running = c.spawn(...c.line('exec', '--ignore-paused', c.id, ...script(['echo', 'at last'])))
    await new Promise(resolve => setTimeout(resolve, 200))
    t.equal(running.child.exitCode, null, 'it waits')
    c.call('resume', c.id)
    t.match(await running.done, { status: 0, stdout: 'at last\n' })
  })

  t.test('--preserve-fds', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const line = c.line('exec', '--preserve-fds', '1', c.id, ...script(['report']))
    const opened = [
      payloadPath(),
      'with-fd',
      '3',
      join(c.dir, 'three'),
      payloadPath(),
      'with-fd',
      '4',
      join(c.dir, 'four'),
    ]
    const { stdout } = await c.spawn(...opened, ...line).done
    t.same(Object.keys((JSON.parse(stdout) as Report).fds), ['0', '1', '2', '3'])
    // Only pid 1 could take them: sd_listen_fds(3) compares LISTEN_PID.
    const shell = 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"'
    const listening = await c.spawn(
      ...opened,
      'sh',
      '-c',
      shell,
      'sh',
      ...c.line('exec', c.id, ...script(['report'])),
    ).done
    t.same(Object.keys((JSON.parse(listening.stdout) as Report).fds), ['0', '1', '2'], 'LISTEN_FDS is init’s')
  })

  t.test('signals go to the program', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const running = c.spawn(...c.line('exec', c.id, ...script(['trap', 15], ['exit', 3])))
    await running.says('"verb":"trap"')
    running.child.kill('SIGTERM')
    t.match(await running.done, { status: 3, stdout: /"signal":15/ })
  })

  t.test('a terminal in the foreground', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const line = c.line('exec', '--tty', c.id, ...script(['sleep', 0.3], ['report'], ['exit', 5]))
    const { status, stdout } = await c.spawn(payloadPath(), 'pty', '24', '80', ...line).done
    t.equal(status, 5)
    const self = answersIn(stdout).find(({ verb }) => verb === 'report') as unknown as Report
    for (const fd of [0, 1, 2]) t.match(self.tty[fd], { rows: 24, cols: 80 }, `fd ${fd} is the terminal`)
    t.equal(self.controllingTerminal, 1)
    t.match(self.tty[0]?.name, /^\/dev\/pts\/\d+$/)
  })

  t.test('the size is there from the first moment', { skip: rt.lacks('initial-size') }, async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const line = c.line('exec', '--tty', c.id, ...script(['report']))
    const { stdout } = await c.spawn(payloadPath(), 'pty', '24', '80', ...line).done
    t.match(answersIn(stdout)[0], { tty: [{ rows: 24, cols: 80 }] })
  })

  t.test('a console socket', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const socket = join(c.dir, 'console')
    const receiver = c.spawn(payloadPath(), 'recv-console', socket)
    await receiver.says('listening')
    const flags = ['--detach', '--tty', '--console-socket', socket]
    t.match(c.call('exec', ...flags, c.id, ...script(['report'])), { status: 0, stderr: '' })
    await receiver.says('"verb":"report"')
    const answers = answersIn((await receiver.done).stdout)
    t.match(answers.find(({ verb }) => verb === 'console') as Answer, { fds: 1, isatty: 1 })
    t.match(c.call('exec', '--detach', '--tty', c.id, 'x'), {
      status: 255,
      stderr: /cannot allocate tty if \w+ will detach without setting console socket/,
    })
    t.match(c.call('exec', '--console-socket', socket, c.id, 'x'), {
      status: 255,
      stderr: /cannot use console socket if \w+ will not detach or allocate tty/,
    })
  })

  t.test('--pidfd-socket', { skip: rt.lacks('pidfd-socket') }, async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const socket = join(c.dir, 'pidfd')
    const receiver = c.spawn(payloadPath(), 'recv-pidfd', socket)
    await receiver.says('listening')
    t.equal(c.leave('exec', '--detach', '--pidfd-socket', socket, c.id, ...script(['wait'])).status, 0)
    const answers = answersIn((await receiver.done).stdout)
    t.match(answers.at(-1), { data: 'setns' })
  })

  t.test('labels that this machine cannot give', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    t.match(c.call('exec', '--apparmor', 'x', c.id, 'x'), {
      status: 255,
      stderr: /apparmor/i,
    })
    t.match(c.call('exec', '--process-label', 'x', c.id, 'x'), {
      status: 255,
      stderr: /selinux/i,
    })
  })

  t.test('--cgroup', { skip: requires('cgroup1') || rt.lacks('exec-cgroup') }, async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const sub = `/sys/fs/cgroup/memory/${c.id}/sub`
    mkdirSync(sub)
    const path = join(c.dir, 'pid')
    const flags = ['--detach', '--pid-file', path, '--cgroup', 'memory:sub']
    t.match(c.leave('exec', ...flags, c.id, ...script(['wait'])), { status: 0, stderr: '' })
    const pid = readFileSync(path, 'utf8')
    const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    t.match(lines, new RegExp(`:memory:/${c.id}/sub\n`))
    t.match(lines, new RegExp(`:pids:/${c.id}\n`))
    const refused = (cgroup: string, stderr: RegExp) =>
      t.match(c.call('exec', '--cgroup', cgroup, c.id, 'x'), { status: 255, stderr }, cgroup)
    refused('memory:../..', /leaves the cgroup/)
    refused('nope:sub', /no cgroup v1 of "nope"/)
    refused('memory:missing', /missing/)
    process.kill(Number(pid), 'SIGKILL')
    t.ok(until(() => readFileSync(`${sub}/cgroup.procs`, 'utf8') === ''))
    until(() => {
      try {
        rmdirSync(sub)
      } catch {}
      return !existsSync(sub)
    })
  })

  t.test('a working directory that leaves the container (CVE-2024-21626, CVE-2025-27612)', async t => {
    const c = container(t, rt, waiting)
    symlinkSync('/proc/self/fd/7', join(c.rootfs, 'out'))
    c.run('--detach')
    for (const cwd of ['/proc/self/fd/7', '/proc/self/fd/8/../..', '/out', '/proc/1/root/../..']) {
      const { stdout, status } = c.call('exec', '--cwd', cwd, c.id, ...script(['report'], ['stat', '../..']))
      if (status === 0) t.equal((answersIn(stdout)[0] as unknown as Report).cwd[0], '/', cwd)
      else t.not(status, 0, `${cwd} is refused`)
    }
  })

  t.test(
    'nothing of the host is left open, and the runtime cannot be reached (CVE-2016-9962, CVE-2019-5736)',
    async t => {
      const c = container(t, rt, waiting)
      symlinkSync('/proc/self/exe', join(c.rootfs, 'bin', 'self'))
      c.run('--detach')
      const before = c.leaks()
      // /proc/self/exe is what executes it: a copy that cannot be written to.
      const { stdout, stderr } = c.call('exec', c.id, '/bin/self', 'write', '/proc/self/exe', 'x')
      t.notMatch(stdout + stderr, /"errno":null/)
      t.same(Object.keys(reportOf(c).fds), ['0', '1', '2'])
      t.same(c.leaks(), before)
    },
  )

  t.test('ten at once', async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const all = Array.from(
      { length: 10 },
      (_, i) => c.spawn(...c.line('exec', c.id, ...script(['exit', 100 + i]))).done,
    )
    t.same(
      (await Promise.all(all)).map(({ status }) => status),
      Array.from({ length: 10 }, (_, i) => 100 + i),
    )
  })

  t.test(
    'the runtime killed in the middle: the container goes on, and nothing stays',
    { skip: rt.lacks('recovery') },
    async t => {
      const c = container(t, rt, waiting)
      c.run('--detach')
      for (let i = 0; i < 20; i++) {
        const running = c.spawn(...c.line('exec', c.id, ...script(['true'])))
        setTimeout(() => running.child.kill('SIGKILL'), i)
        await running.done
      }
      const { pid } = c.state()
      const left = () => JSON.parse(c.call('ps', '--format', 'json', c.id).stdout) as number[]
      t.ok(
        until(() => left().length === 1),
        'no half-made process',
      )
      t.same(left(), [pid])
    },
  )

  t.test('a helper that is killed', { skip: requires('cgroup1') || rt.lacks('recovery') }, async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    c.call('pause', c.id)
    const running = c.spawn(...c.line('exec', '--ignore-paused', c.id, ...script(['true'])))
    const others = () => {
      const pids = JSON.parse(c.call('ps', '--format', 'json', c.id).stdout) as number[]
      return pids.filter(pid => pid !== c.state().pid)
    }
    t.ok(
      until(() => others().length === 1),
      'it waits in the freezer',
    )
    for (const pid of others()) process.kill(pid, 'SIGKILL')
    c.call('resume', c.id)
    t.match(await running.done, { status: 255, stderr: /helper was killed by signal 9/ })
  })

  t.test('a container that dies meanwhile', async t => {
    for (let i = 0; i < 5; i++) {
      const c = container(t, rt, waiting)
      c.run('--detach')
      const { pid } = c.state()
      const running = c.spawn(...c.line('exec', c.id, ...script(['wait'])))
      await new Promise(resolve => setTimeout(resolve, 3 * i))
      c.kill('KILL')
      const { status, stderr } = await running.done
      t.ok(status === 137 || status === 255, `${status}: ${stderr}`)
      c.ended(pid)
      t.equal(c.del().status, 0)
    }
  })
})
