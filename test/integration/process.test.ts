/** config.process: who the process is, what it may do, where it starts. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { type Answer, capabilityBit, type Report, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'
import { refused } from '../support/without.js'

const CAP_KILL = 5
const CAP_SETGID = 6
const CAP_NET_RAW = 13
const unlimited = '18446744073709551615'

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('the process of a plain config', async t => {
    const c = container(t, rt)
    const self = c.report()
    t.match(self, { pid: 1, ppid: 0, sid: 1, cwd: '/', uid: [0, 0, 0], gid: [0, 0, 0], umask: 0o22 })
    t.same(Object.keys(self.fds), ['0', '1', '2'], 'no descriptor but stdio')
    t.same(self.ignored, [], 'no signal is ignored')
    t.same(self.blocked, [], 'no signal is blocked')
    t.match(self, {
      deathSignal: 0,
      securebits: 0,
      noNewPrivs: 1,
      seccomp: refused.length > 0 ? 2 : 0,
      loopbackUp: 1,
    })
    t.same(self.tty, [null, null, null])
    t.equal(self.controllingTerminal, 0)
  })

  t.test('nothing of a careless caller arrives', { skip: rt.lacks('careless-caller') }, async t => {
    const c = container(t, rt, { process: { args: script(['report']) } })
    const payload = join(c.rootfs, 'bin', 'payload')
    const line = c.line('run', '--bundle', c.bundle, c.id)
    const { stdout, stderr } = await c.spawn(
      'sh',
      '-c',
      'ulimit -Sn 777; exec "$@"',
      'sh',
      payload,
      'with-fd',
      '9',
      join(c.dir, 'leaked'),
      payload,
      'careless',
      ...line,
    ).done
    t.equal(stderr, '')
    const self = JSON.parse(stdout) as Report
    t.same(self.ignored, [])
    t.same(self.blocked, [])
    t.same(Object.keys(self.fds), ['0', '1', '2'])
    t.equal(self.rlimits.NOFILE?.[0], '777', 'the soft limit is the caller’s')
  })

  t.test('user, groups and umask', async t => {
    const user = { uid: 1000, gid: 100, additionalGids: [5, 27, 1000], umask: 0o077 }
    const self = container(t, rt, { process: { user } }).report()
    t.match(self, { uid: [1000, 1000, 1000], gid: [100, 100, 100], umask: 0o077 })
    t.same([...self.groups].sort(), [1000, 27, 5])
  })

  t.test('a user without additional groups has none', async t => {
    const self = container(t, rt, { process: { user: { uid: 1000, gid: 1000 } } }).report()
    t.same(
      self.groups.filter(group => group !== 1000),
      [],
    )
  })

  t.test('a numeric user is not looked up by name', async t => {
    const c = container(t, rt, { process: { user: { uid: 1000, gid: 1000 } } })
    writeFileSync(
      join(c.rootfs, 'etc', 'passwd'),
      '1000:x:0:0::/:/bin/sh\nname:x:1000:1000::/home/name:/bin/sh\n',
    )
    const self = c.report()
    t.same(self.uid, [1000, 1000, 1000])
    t.ok(self.env.includes('HOME=/home/name'), 'HOME is from the container’s passwd')
  })

  t.test('env: order kept, the last of a name wins, HOME only when it is missing', async t => {
    const c = container(t, rt)
    c.configure({ process: { env: ['B=1', 'A=x=y', 'B=2', 'EMPTY=', 'PATH=/bin'] } })
    const { env } = c.report()
    t.same(
      env.filter(entry => !entry.startsWith('HOME=')).sort(),
      ['A=x=y', 'B=2', 'EMPTY=', 'PATH=/bin'],
      'nothing of the caller’s environment',
    )
    t.ok(env.includes('HOME=/'), 'no passwd: /')
    c.configure({ process: { env: ['HOME=/own'] } })
    t.same(c.report().env, ['HOME=/own'])
  })

  t.test('args arrive as they are', async t => {
    const words = ['', ' ', 'a b', '"', '\\', 'ü', '-x', '$HOME']
    const c = container(t, rt, { process: { args: ['/bin/payload', 'args', ...words] } })
    const answer = JSON.parse(c.run().stdout) as Answer
    t.same(
      answer.args.map(word => Buffer.from(word, 'latin1').toString('utf8')),
      words,
    )
  })

  t.test('the executable is looked up in the PATH of the container', async t => {
    const c = container(t, rt, {
      process: { env: ['PATH=/nowhere:/mnt:/bin'], args: ['payload', 'exit', '3'] },
    })
    mkdirSync(join(c.rootfs, 'mnt', 'payload'))
    t.equal(c.run().status, 3, 'a directory of that name is passed over')
    symlinkSync('/bin/payload', join(c.rootfs, 'mnt', 'link'))
    c.configure({ process: { args: ['link', 'exit', '4'] } })
    t.equal(c.run().status, 4, 'a link is resolved in the container')
  })

  t.test('what cannot be run fails at create', async t => {
    const c = container(t, rt)
    writeFileSync(join(c.rootfs, 'mnt', 'plain'), 'no program')
    chmodSync(join(c.rootfs, 'mnt', 'plain'), 0o644)
    for (const [program, text] of [
      ['/nope', /no such file or directory/],
      ['nope', /executable file not found in \$PATH/],
      ['/mnt/plain', /permission denied/],
      ['/mnt', /permission denied/],
    ] as const) {
      c.configure({ process: { args: [program] } })
      t.match(c.create(), { status: 1, stderr: text }, program)
      t.same(c.leaks(), nothing)
    }
  })

  t.test('cwd: entered, made when missing, not left', async t => {
    const c = container(t, rt, { process: { cwd: '/tmp' } })
    t.equal(c.report().cwd, '/tmp')
    c.configure({ process: { cwd: '/made/for/it', user: { uid: 1000, gid: 1000 } } })
    const [self, made] = c.ask(['report'], ['stat', '/made/for/it']) as unknown as [Report, Answer]
    t.equal(self.cwd, '/made/for/it')
    t.match(made, { type: 'dir', mode: 0o755 })
    mkdirSync(join(c.rootfs, 'private'), { mode: 0o700 })
    c.configure({ process: { cwd: '/private', user: { uid: 1000, gid: 1000 } } })
    t.equal(c.report().cwd, '/private', 'root enters it before it becomes a user that may not')
  })

  t.test('the five sets of capabilities', async t => {
    const capabilities = {
      bounding: ['CAP_KILL', 'CAP_SETGID', 'CAP_NET_RAW'],
      permitted: ['CAP_KILL', 'CAP_NET_RAW'],
      effective: ['CAP_KILL'],
      inheritable: ['CAP_NET_RAW'],
      ambient: ['CAP_NET_RAW'],
    }
    const c = container(t, rt, { process: { capabilities, user: { uid: 1000, gid: 1000 } } })
    const { caps } = c.report()
    const mask = (...bits: number[]) =>
      bits
        .reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n)
        .toString(16)
        .padStart(16, '0')
    t.equal(caps.bounding, mask(CAP_KILL, CAP_SETGID, CAP_NET_RAW), 'bounding')
    t.equal(caps.inheritable, mask(CAP_NET_RAW), 'inheritable')
    t.equal(caps.ambient, mask(CAP_NET_RAW), 'ambient')
    t.equal(caps.permitted, mask(CAP_NET_RAW), 'execve of a plain user keeps what is ambient')
    t.equal(caps.effective, mask(CAP_NET_RAW), 'effective')
  })

  t.test('a runtime that lacks capabilities itself', async t => {
    const few = ['CAP_KILL']
    const without = async (bounding: string, capabilities: readonly string[]) => {
      const c = container(t, rt, {
        process: {
          args: script(['stat', '/dev/null']),
          capabilities: { bounding: capabilities, permitted: few, effective: few },
        },
      })
      const line = c.line('run', '--bundle', c.bundle, c.id)
      const done = await c.spawn('setpriv', '--bounding-set', bounding, ...line).done
      t.same(c.leaks(), nothing)
      return done
    }
    const bound = await without('-mknod', few)
    t.match(bound, { status: 0, stdout: /"major":1,"minor":3/ }, 'devices that it may not make are bound')
    if (rt.lacks('tsrun')) return // runc 1.1 keeps without a word what it may not drop
    const names = 'CHOWN DAC_OVERRIDE FOWNER KILL MKNOD NET_ADMIN SETUID SETGID SYS_CHROOT SYS_ADMIN'.split(
      ' ',
    )
    const held = `-all,+${names.join(',+').toLowerCase()}`
    const nested = await without(
      held,
      names.map(name => `CAP_${name}`),
    )
    t.match(nested, { status: 0 }, 'what is to be dropped is so already')
    t.match(await without(held, few), {
      status: 1,
      stderr: /prctl: EPERM, .* \(to drop one takes CAP_SETPCAP/,
    })
    t.match(await without('-setgid', few), { status: 1, stderr: /drop supplementary groups: .*CAP_SETGID/ })
  })

  t.test('root gets its bounding set at execve, another user nothing', async t => {
    const few = ['CAP_KILL', 'CAP_SETGID']
    const c = container(t, rt, {
      process: { capabilities: { bounding: few, permitted: few, effective: few } },
    })
    const root = c.report().caps
    t.equal(root.effective, root.bounding)
    t.ok(capabilityBit(root.bounding, CAP_KILL) && !capabilityBit(root.bounding, CAP_NET_RAW))
    c.configure({ process: { user: { uid: 1, gid: 1 } } })
    t.match(c.report().caps, { effective: '0'.repeat(16), ambient: '0'.repeat(16), bounding: root.bounding })
    const none = { bounding: [], permitted: [], effective: [] }
    c.configure({ process: { user: { uid: 0, gid: 0 }, capabilities: none } })
    t.equal(c.report().caps.bounding, '0'.repeat(16), 'empty sets take everything away')
  })

  t.test('an unknown capability is not an error', async t => {
    const bounding = ['CAP_KILL', 'CAP_NONSENSE']
    t.equal(container(t, rt, { process: { capabilities: { bounding } } }).run().status, 0)
  })

  t.test('noNewPrivileges and oomScoreAdj', async t => {
    const c = container(t, rt, { process: { noNewPrivileges: false, oomScoreAdj: 321 } })
    t.match(c.report(), { noNewPrivs: 0, oomScoreAdj: 321 })
  })

  t.test('without oomScoreAdj the caller’s stays', async t => {
    const c = container(t, rt, { process: { args: script(['report']) } })
    const line = c.line('run', '--bundle', c.bundle, c.id)
    const { stdout } = await c.spawn(
      'sh',
      '-c',
      'echo 234 >/proc/self/oom_score_adj; exec "$@"',
      'sh',
      ...line,
    ).done
    t.equal((JSON.parse(stdout) as Report).oomScoreAdj, 234)
  })

  t.test('rlimits', async t => {
    const rlimits = [
      { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 },
      { type: 'RLIMIT_CORE', soft: 0, hard: 4096 },
    ]
    const c = container(t, rt, { process: { rlimits } })
    const { rlimits: seen } = c.report()
    t.same(seen.NOFILE, ['100', '200'])
    t.same(seen.CORE, ['0', '4096'])
    t.same(seen.FSIZE, [unlimited, unlimited], 'the others are the caller’s')
  })

  t.test('rlimits beyond 2^53 are exact', async t => {
    const c = container(t, rt, { process: { rlimits: [] } })
    const text = `"rlimits": [{"type": "RLIMIT_FSIZE", "soft": 9007199254740993, "hard": ${unlimited}}]`
    c.rewrite(config => config.replace('"rlimits": []', text))
    c.rewrite(config => config.replace('"true"', '"report"'))
    const self = JSON.parse(c.run().stdout) as Report
    t.same(self.rlimits.FSIZE, ['9007199254740993', unlimited])
  })

  t.test('invalid limits', async t => {
    const c = container(t, rt)
    const limit = (type: string, soft: number, hard: number) => ({
      process: { rlimits: [{ type, soft, hard }] },
    })
    for (const bad of [limit('RLIMIT_NONSENSE', 1, 1), limit('RLIMIT_NOFILE', 20, 10)]) {
      c.configure(bad)
      t.match(c.create(), { status: 1, stderr: /./ }, JSON.stringify(bad))
      t.same(c.leaks(), nothing)
    }
  })
})
