/** Every launch op, played by the real shim in throw-away namespaces. */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { opcodes } from '../../src/plan/opcodes.js'
import { repository } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { container } from './plans.js'
import { helper, host, init, inRoot, lines, type Played, play, scratch, tool } from './support.js'

const root = requires('root')
const ended = [{ code: 0 }, { code: 0 }]
const kinds = (played: Played) => played.frames.map(frame => frame.kind)
/** `move_mount: create target: 2`, so that a test says what it means. */
const failure = ({ failed }: Played, ops: readonly { readonly op: string }[]) => {
  const op = ops[failed?.index ?? 0]?.op as keyof typeof opcodes
  return `${op}: ${opcodes[op].steps[failed?.step ?? 0]}: ${failed?.errno}`
}
const data = (played: Played, verb: string) =>
  lines(played)
    .filter(line => line.verb === verb)
    .map(line => line.data)

t.test('a container sees its own root, names and nothing of ours', { skip: root }, t => {
  // As an engine may leave it: Node ignores signals, and a caller may have blocked some.
  const careless = ['/bin/sh', '-c', 'trap "" PIPE XFSZ USR1; umask 077; exec "$@"', 'sh']
  const played = play(container(scratch(t, true), [], ['/payload', 'report']), { wrapper: careless })
  t.same(kinds(played), ['started', 'ready'])
  t.same(played.exits, ended)
  const report = lines(played)[0] as Record<string, never>
  t.match(report, {
    pid: 1,
    sid: 1,
    cwd: '/',
    env: ['A=b', 'HOME=/'],
    hostname: 'shim',
    umask: 0,
    ignored: [],
    blocked: [],
  })
  t.same([report.ignored, report.blocked], [[], []])
  t.same(Object.keys(report.fds ?? {}), ['0', '1', '2'])
  t.end()
})

t.test('inside a container whose filter hides newer system calls', { skip: requires('root', 'cc') }, t => {
  // clone3, close_range, openat2, faccessat2
  const wrapper = [tool('without'), '38', '435', '436', '437', '439', '--']
  const played = play(container(scratch(t, true), [], ['/payload', 'report']), {
    wrapper,
    inherited: [[1, 77]],
  })
  t.same(kinds(played), ['started', 'ready'])
  t.same(played.exits, ended)
  t.match(lines(played)[0], { pid: 1, hostname: 'shim', seccomp: 2 })
  t.same(Object.keys((lines(played)[0] as Record<string, object>).fds ?? {}), ['0', '1', '2'])
  t.end()
})

t.test('preserved descriptors keep their numbers, others end', { skip: root }, t => {
  const fd = openSync('/etc/hostname', 'r')
  const ops = container(scratch(t, true), [], ['/payload', 'report']).map(op =>
    op.op === 'close_on_exec' ? { ...op, first: 5 } : op,
  )
  const played = play(ops, {
    preserved: [
      [fd, 3],
      [fd, 4],
    ],
  })
  closeSync(fd)
  t.same(Object.keys((lines(played)[0] as Record<string, object>).fds ?? {}), ['0', '1', '2', '3', '4'])
  t.end()
})

t.test('mounts of every kind', { skip: root }, t => {
  const dir = scratch(t)
  mkdirSync(join(dir, 'source'))
  writeFileSync(join(dir, 'source', 'file'), 'bound')
  const rootfs = scratch(t, true)
  mkdirSync(join(rootfs, 'etc', 'deep', 'er'), { recursive: true })
  writeFileSync(join(rootfs, 'etc', 'deep', 'er', 'file'), 'copied', { mode: 0o640 })
  execFileSync('ln', ['-s', 'deep/er', join(rootfs, 'etc', 'link')])
  execFileSync('mknod', [join(rootfs, 'etc', 'fifo'), 'p'])
  execFileSync('chown', ['7:8', join(rootfs, 'etc', 'deep', 'er', 'file')])
  const ops = container(
    rootfs,
    [
      init({
        op: 'fsmount',
        slot: 'tmp',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['size=64k', 'mode=1777'],
        attrs: ['nosuid', 'noatime'],
      }),
      init({
        op: 'move_mount',
        slot: 'tmp',
        root: 'root',
        target: inRoot('/a/b/tmp'),
        create: 'directory',
        links: 'in_root',
      }),
      init({ op: 'fspick', slot: 'tmp', options: ['size=128k'] }),
      init({
        op: 'mount_setattr',
        slot: 'tmp',
        set: ['ro'],
        clear: ['atime_mask'],
        propagation: 'none',
        recursive: 0,
      }),
      init({
        op: 'open_tree',
        slot: 'bind',
        path: host(join(dir, 'source')),
        flags: ['clone', 'recursive'],
        nofollow: 0,
      }),
      init({
        op: 'mount_setattr',
        slot: 'bind',
        set: ['ro', 'noexec'],
        clear: [],
        propagation: 'private',
        recursive: 1,
      }),
      init({
        op: 'move_mount',
        slot: 'bind',
        root: 'root',
        target: inRoot('/bound'),
        create: 'like_source',
        links: 'in_root',
      }),
      init({
        op: 'open_tree',
        slot: 'file',
        path: host(join(dir, 'source/file')),
        flags: ['clone'],
        nofollow: 0,
      }),
      init({
        op: 'move_mount',
        slot: 'file',
        root: 'root',
        target: inRoot('/made/file'),
        create: 'like_source',
        links: 'in_root',
      }),
      init({ op: 'fsmount', slot: 'up', type: 'tmpfs', options: [], attrs: [] }),
      init({ op: 'copy_up', slot: 'up', root: 'root', source: inRoot('/etc') }),
      init({
        op: 'move_mount',
        slot: 'up',
        root: 'root',
        target: inRoot('/etc'),
        create: 'never',
        links: 'in_root',
      }),
      init({ op: 'open_target', slot: 'again', root: 'root', path: inRoot('/bound') }),
      init({
        op: 'mount_setattr',
        slot: 'again',
        set: [],
        clear: ['noexec'],
        propagation: 'shared',
        recursive: 0,
      }),
      init({ op: 'mkdir', root: 'root', path: inRoot('/etc/new/dir'), mode: 0o700 }),
      init({ op: 'symlink', root: 'root', path: inRoot('/etc/new/link'), target: '/proc/self/fd' }),
      init({ op: 'mask_path', root: 'root', path: inRoot('/proc/timer_list') }),
      init({ op: 'mask_path', root: 'root', path: inRoot('/proc/keys') }),
      init({ op: 'mask_path', root: 'root', path: inRoot('/proc/fs') }),
      init({ op: 'mask_path', root: 'root', path: inRoot('/proc/irq') }),
      init({ op: 'mask_path', root: 'root', path: inRoot('/proc/nothing/here') }),
      init({ op: 'readonly_path', root: 'root', path: inRoot('/proc/sys') }),
      init({ op: 'readonly_path', root: 'root', path: inRoot('/proc/nothing') }),
    ],
    [
      '/payload',
      ...[
        'cat',
        '/proc/self/mountinfo',
        ';',
        'cat',
        '/etc/link/file',
        ';',
        'cat',
        '/bound/file',
        ';',
        'cat',
        '/made/file',
        ';',
      ],
      ...[
        'stat',
        '/etc/fifo',
        '/etc/deep/er/file',
        '/etc/new/dir',
        '/etc/new/link',
        '/proc/timer_list',
        ';',
        'ls',
        '/proc/irq',
        ';',
      ],
      ...[
        'write',
        '/proc/sys/kernel/domainname',
        'x',
        ';',
        'write',
        '/bound/x',
        'x',
        ';',
        'write',
        '/proc/timer_list',
        'x',
      ],
    ],
  )
  const played = play(ops)
  t.equal(played.failed && failure(played, ops), undefined)
  t.same(played.exits, ended)
  const [mountinfo, ...texts] = data(played, 'cat') as string[]
  t.same(texts, ['copied', 'bound', 'bound'])
  const mount = (point: string) => mountinfo?.split('\n').find(line => line.split(' ')[4] === point) ?? ''
  t.match(mount('/a/b/tmp'), / ro,nosuid,relatime .*size=128k/)
  t.match(mount('/bound'), / ro,relatime shared:/)
  t.match(mount('/proc/timer_list'), / ro,nosuid,noexec/)
  t.match(mount('/proc/irq'), / ro,nosuid,nodev,noexec.* tmpfs /)
  t.match(mount('/proc/sys'), / ro,nosuid,nodev,noexec/)
  t.equal(mountinfo?.split('\n').filter(line => line !== '').length, 11)
  const stats = lines(played).filter(line => line.verb === 'stat')
  t.match(stats, [
    { type: 'fifo' },
    { uid: 7, gid: 8, mode: 0o640 },
    { mode: 0o700 },
    { type: 'symlink', target: '/proc/self/fd' },
    { type: 'char', major: 1, minor: 3 },
  ])
  t.match(
    lines(played).find(line => line.verb === 'ls'),
    { names: [] },
  )
  t.match(
    lines(played).filter(line => line.verb === 'write'),
    [{ errno: 'EROFS' }, { errno: 'EROFS' }, { errno: null }],
  )
  t.ok(
    existsSync(join(rootfs, 'bound')) && lstatSync(join(rootfs, 'made/file')).isFile(),
    'targets were made in the rootfs',
  )
  t.end()
})

t.test('a tree without end is not copied', { skip: root }, t => {
  const rootfs = scratch(t, true)
  mkdirSync(join(rootfs, 'etc', 'd/'.repeat(62)), { recursive: true })
  const copy = [
    init({ op: 'fsmount', slot: 'up', type: 'tmpfs', options: [], attrs: [] }),
    init({ op: 'copy_up', slot: 'up', root: 'root', source: inRoot('/missing') }),
    init({ op: 'copy_up', slot: 'up', root: 'root', source: inRoot('/etc') }),
  ]
  const ops = container(rootfs, copy, ['/payload'])
  t.equal(play(ops).failed, undefined)
  mkdirSync(join(rootfs, 'etc', 'd/'.repeat(64)), { recursive: true })
  t.equal(failure(play(ops), ops), 'copy_up: copy: 40')
  t.end()
})

t.test('the same with ASan and UBSan', { skip: requires('root', 'cc') }, t => {
  const program = join(repository, 'build/test/shim-asan')
  execFileSync(join(repository, 'tools/shimtest.sh'), ['shim', program])
  const copy = [
    init({ op: 'fsmount', slot: 'up', type: 'tmpfs', options: ['size=1m'], attrs: ['nosuid'] }),
    init({ op: 'copy_up', slot: 'up', root: 'root', source: inRoot('/etc') }),
    init({
      op: 'move_mount',
      slot: 'up',
      root: 'root',
      target: inRoot('/a/b'),
      create: 'directory',
      links: 'in_root',
    }),
    init({ op: 'mask_path', root: 'root', path: inRoot('/proc/keys') }),
  ]
  const played = play(container(scratch(t, true), copy, ['payload', 'report']), { program })
  t.same(played.exits, ended, played.output)
  t.end()
})

t.test('devices', { skip: root }, t => {
  const rootfs = scratch(t, true)
  const node = (path: string, minor: number, uid = 0) =>
    init({
      op: 'mknod',
      root: 'root',
      path: inRoot(path),
      type: 'char',
      major: 1,
      minor,
      mode: 0o620,
      uid,
      gid: uid,
    })
  const stat = ['/payload', 'stat', '/dev/null', '/new/zero', '/dev/fifo']
  const fifo = init({
    op: 'mknod',
    root: 'root',
    path: inRoot('/dev/fifo'),
    type: 'fifo',
    major: 0,
    minor: 0,
    mode: 0o600,
    uid: 0,
    gid: 0,
  })
  const played = play(container(rootfs, [node('/dev/null', 3), node('/new/zero', 5, 7), fifo, fifo], stat))
  t.match(lines(played), [
    { type: 'char', major: 1, minor: 3, mode: 0o620, uid: 0 },
    { type: 'char', major: 1, minor: 5, uid: 7, gid: 7 },
    { type: 'fifo', mode: 0o600 },
  ])
  const again = container(rootfs, [node('/dev/null', 3, 9), node('/new/zero', 3)], stat)
  const refused = play(again)
  t.equal(failure(refused, again), 'mknod: compare: 17')
  t.equal(lstatSync(join(rootfs, 'dev/null')).uid, 0, 'an existing node keeps its owner (CVE-2026-88265)')
  t.end()
})

t.test('identity', { skip: root }, t => {
  const rootfs = scratch(t, true)
  writeFileSync(join(rootfs, 'etc/passwd'), '1000:x:0:0::/wrong:\nuser:x:1000:1000:U,,:/home/user:/bin/sh')
  mkdirSync(join(rootfs, 'home'), { mode: 0o700 })
  const ops = container(rootfs, [], ['payload', 'report'])
  const at = ops.findIndex(op => op.op === 'chdir')
  const late = [
    init({ op: 'setdomainname', name: 'domain' }),
    init({ op: 'umask', mask: 0o27 }),
    init({ op: 'join_session_keyring', name: '_ses.test' }),
    init({ op: 'loopback_up' }),
    init({ op: 'set_no_new_privs' }),
    init({ op: 'drop_bounding', keep: 0x2400n, last: 40 }),
    init({ op: 'keep_capabilities' }),
    init({ op: 'setgroups', gids: [5, 6, 4294967294] }),
    init({ op: 'chdir', path: '/home', retry: 0, tolerate: ['EACCES'] }),
    init({ op: 'setresgid', gid: 1000 }),
    init({ op: 'setresuid', uid: 1000 }),
    init({ op: 'capset', effective: 0x400, permitted: 0x2400, inheritable: 0x400n }),
    init({ op: 'raise_ambient', mask: 0x400 }),
    init({ op: 'chdir', path: '/nowhere', retry: 1 }),
    // ret errno 38 for getppid, allow the rest
    init({ op: 'seccomp', flags: [], program: filter() }),
  ]
  ops.splice(at, 1, ...late)
  const played = play(ops.map(op => (op.op === 'find_home' ? { ...op, uid: 1000 } : op)))
  t.equal(played.failed && failure(played, ops), undefined)
  const [report] = lines(played)
  t.match(report, {
    cwd: '/home',
    env: ['A=b', 'HOME=/home/user'],
    uid: [1000, 1000, 1000],
    gid: [1000, 1000, 1000],
    groups: [5, 6, 4294967294],
    umask: 0o27,
    caps: {
      effective: /0400$/,
      permitted: /0400$/,
      inheritable: /0400$/,
      bounding: '0000000000002400',
      ambient: /0400$/,
    },
    noNewPrivs: 1,
    seccomp: 2,
    domainname: 'domain',
    keyringName: /_ses.test/,
    loopbackUp: 1,
  })
  t.end()
})

/** BPF: getppid (110 or 173) answers ENOSYS. */
function filter(): Uint8Array {
  const number = process.arch === 'arm64' ? 173 : 110
  const program = [
    [0x20, 0, 0, 0],
    [0x15, 0, 1, number],
    [0x06, 0, 0, 0x50026],
    [0x06, 0, 0, 0x7fff0000],
  ]
  const bytes = new Uint8Array(program.length * 8)
  const view = new DataView(bytes.buffer)
  program.forEach(([code, jt, jf, k], i) => {
    view.setUint16(i * 8, code as number, true)
    bytes[i * 8 + 2] = jt as number
    bytes[i * 8 + 3] = jf as number
    view.setUint32(i * 8 + 4, k as number, true)
  })
  return bytes
}

t.test('a passwd that is no file', { skip: root }, t => {
  const rootfs = scratch(t, true)
  const passwd = join(rootfs, 'etc/passwd')
  for (const make of [
    ['mknod', passwd, 'c', '1', '5'],
    ['mkfifo', passwd],
    ['mkdir', passwd],
    ['ln', '-s', '/proc/self/fd/0', passwd],
  ]) {
    execFileSync(make[0] as string, make.slice(1))
    const played = play(container(rootfs, [], ['/payload', 'report']))
    t.match(lines(played)[0], { env: ['A=b', 'HOME=/'] }, make.join(' '))
    execFileSync('rm', ['-r', passwd])
  }
  const long = `${'x'.repeat(5000)}:x:0:0::/wrong:\n`
  writeFileSync(
    passwd,
    `${long}root:x:0\n:::::\nroot:x:00:0:\nroot:x:0x0:0::/wrong:\n${long}root:x:0:0::/root:/bin/sh\n${long}`,
  )
  t.match(
    lines(play(container(rootfs, [], ['/payload', 'report'])))[0],
    { env: ['A=b', 'HOME=/root'] },
    'lines that are no entries',
  )
  t.end()
})

t.test('a user namespace with maps, and a time namespace with offsets', { skip: root }, t => {
  const rootfs = scratch(t, true)
  const ops = container(rootfs, [], ['/payload', 'report', ';', 'cat', '/proc/uptime'])
  const runtime = { op: 'write_oom_score_adj', at: 'test', by: 'runtime', value: 0 } as const
  ops.splice(
    0,
    1,
    helper({ op: 'unshare', namespaces: ['user'] }),
    runtime,
    helper({ op: 'become_root' }),
    helper({ op: 'unshare', namespaces: ['mount', 'time'] }),
    runtime,
    helper({ op: 'clone_init', namespaces: ['pid', 'ipc', 'uts', 'network'] }),
  )
  const played = play(ops, {
    onBarrier(n, pid) {
      if (n === 0) {
        writeFileSync(`/proc/${pid}/uid_map`, '0 100000 1000\n')
        writeFileSync(`/proc/${pid}/gid_map`, '0 100000 1000\n')
      } else writeFileSync(`/proc/${pid}/timens_offsets`, 'boottime 1000000 0\n')
      return true
    },
  })
  t.equal(played.failed && failure(played, ops), undefined)
  t.same(kinds(played), ['barrier', 'barrier', 'started', 'ready'])
  t.match(lines(played)[0], { pid: 1, uid: [0, 0, 0], gid: [0, 0, 0] })
  t.ok(Number.parseFloat(data(played, 'cat')[0] as string) > 1000000)
  t.end()
})

t.test('joining namespaces, the pid namespace among them', { skip: root }, t => {
  const rootfs = scratch(t, true)
  let joined: Played | undefined
  const ops = container(rootfs, [], ['/payload', 'true'])
  const first = play(
    [
      ...ops.slice(0, -3),
      { op: 'write_oom_score_adj', at: 'test', by: 'runtime', value: 0 },
      ...ops.slice(-3),
    ],
    {
      onBarrier(_, pid) {
        const open = (name: string, type: 'pid' | 'mount' | 'uts') =>
          helper({ op: 'open_namespace', slot: name, path: host(`/proc/${pid}/ns/${name}`), type: [type] })
        const exec = [
          open('pid', 'pid'),
          open('uts', 'uts'),
          open('mnt', 'mount'),
          helper({ op: 'setns', slot: 'pid', type: ['pid'] }),
          helper({ op: 'setns', slot: 'uts', type: ['uts'] }),
          helper({ op: 'setns', slot: 'mnt', type: ['mount'] }),
          helper({ op: 'clone_init', namespaces: [] }),
          init({ op: 'find_executable', name: '/payload', path: '' }),
          init({ op: 'exec', args: ['payload', 'report'], env: ['HOME='] }),
        ]
        joined = play(exec)
        const wrong = [
          helper({ op: 'open_namespace', slot: 'n', path: host(`/proc/${pid}/ns/uts`), type: ['ipc'] }),
        ]
        t.equal(failure(play(wrong), wrong), 'open_namespace: compare type: 22')
        const none = [helper({ op: 'open_namespace', slot: 'n', path: host('/etc/passwd'), type: ['ipc'] })]
        t.equal(failure(play(none), none), 'open_namespace: NS_GET_NSTYPE: 25')
        return true
      },
    },
  )
  t.same(first.exits, ended)
  t.same(joined?.exits, ended)
  t.match(lines(joined as Played)[0], { pid: 2, hostname: 'shim', cwd: '/', env: ['HOME='] })
  t.end()
})

t.test('a killed runtime leaves no process', { skip: root }, t => {
  const ops = container(scratch(t, true), [], ['/payload', 'true'])
  ops.splice(4, 0, { op: 'write_oom_score_adj', at: 'test', by: 'runtime', value: 0 })
  const played = play(ops, { onBarrier: () => false })
  t.same(played.exits, [{ code: 0 }, { code: 1 }])
  t.end()
})

t.test('failures name op, step, errno and the kernel’s words', { skip: root }, t => {
  const rootfs = scratch(t, true)
  execFileSync('ln', ['-s', 'etc', join(rootfs, 'linked')])
  const fails = (more: Parameters<typeof init>[0], args = ['/payload']) => {
    const ops = container(rootfs, [init(more)], args)
    const played = play(ops)
    t.same(played.exits, [{ code: 0 }, { code: 1 }])
    return `${failure(played, ops)} ${played.failed?.detail}`.trim()
  }
  const tmpfs = { op: 'fsmount', slot: 'x', type: 'tmpfs', attrs: [] } as const
  t.match(fails({ ...tmpfs, options: ['size=much'] }), /^fsmount: fsconfig: 22 tmpfs: Bad value for 'size'/)
  t.equal(
    fails({ ...tmpfs, options: ['nonsense'] }),
    "fsmount: fsconfig: 22 tmpfs: Unknown parameter 'nonsense'",
  )
  t.equal(
    fails({
      op: 'mount_setattr',
      slot: 'proc',
      set: ['noatime'],
      clear: [],
      propagation: 'none',
      recursive: 0,
    }),
    'mount_setattr: mount_setattr: 22',
    'access times are one field',
  )
  t.equal(fails({ ...tmpfs, type: 'nonsense', options: [] }), 'fsmount: fsopen: 19')
  const move = { op: 'move_mount', slot: 'root', root: 'root', create: 'never', links: 'in_root' } as const
  t.equal(fails({ ...move, target: inRoot('/missing') }), 'move_mount: open target: 2')
  t.equal(fails({ ...move, target: inRoot('/linked'), links: 'refuse' }), 'move_mount: open target: 20')
  t.equal(fails({ ...move, target: inRoot('/payload'), links: 'refuse' }), 'move_mount: open target: 20')
  t.equal(fails({ ...move, target: inRoot('/payload/x'), create: 'file' }), 'move_mount: open target: 20')
  t.equal(fails({ op: 'mkdir', root: 'root', path: inRoot('/payload'), mode: 0o755 }), 'mkdir: create: 20')
  t.equal(fails({ op: 'chdir', path: '/', retry: 1 }, ['/etc']), 'find_executable: is a directory: 21')
  t.equal(fails({ op: 'chdir', path: '/', retry: 1 }, ['/nothing']), 'find_executable: access: 2')
  t.equal(fails({ op: 'chdir', path: '/', retry: 1 }, ['nothing']), 'find_executable: access: 2')
  t.equal(fails({ op: 'chdir', path: '/', retry: 1 }, ['/proc/version']), 'find_executable: access: 13')
  t.end()
})

t.test('what a plan tolerates is no failure', { skip: root }, t => {
  const ops = container(
    scratch(t, true),
    [
      init({
        op: 'symlink',
        root: 'root',
        path: inRoot('/etc'),
        target: 'x',
        tolerate: ['EACCES', 'EEXIST'],
      }),
      init({ op: 'symlink', root: 'root', path: inRoot('/etc'), target: 'x', tolerate: ['EACCES'] }),
    ],
    ['/payload'],
  )
  const played = play(ops)
  t.equal(failure(played, ops), 'symlink: symlink: 17')
  t.same(
    played.failed?.index,
    ops.findIndex(op => op.op === 'symlink' && op.tolerate?.length === 1),
  )
  t.end()
})

t.test('procfs of our own takes writes, through no link', { skip: root }, t => {
  const rootfs = scratch(t, true)
  const write = (path: string) => init({ op: 'write_file', dir: 'own', path, value: '123' })
  const ops = container(
    rootfs,
    [init({ op: 'open_procfs', slot: 'own' }), write('sys/kernel/shm_rmid_forced')],
    ['/payload'],
  )
  const bad = play(ops)
  t.equal(failure(bad, ops), 'write_file: write: 22', 'the kernel wants 0 or 1')
  for (const [path, errno] of [
    ['self/comm', 40],
    ['../etc/passwd', 18],
    ['sys/missing', 2],
  ] as const) {
    const ops = container(rootfs, [init({ op: 'open_procfs', slot: 'own' }), write(path)], ['/payload'])
    const played = play(ops)
    t.match(failure(played, ops), new RegExp(`write_file: open: ${errno}`), path)
  }
  const good = container(
    rootfs,
    [
      init({ op: 'open_procfs', slot: 'own' }),
      init({ op: 'write_file', dir: 'own', path: 'sys/kernel/shmmni', value: '77' }),
    ],
    ['/payload', 'cat', '/proc/sys/kernel/shmmni'],
  )
  t.same(data(play(good), 'cat'), ['77\n'])
  t.end()
})

t.test('the exec fifo', { skip: root }, t => {
  const rootfs = scratch(t, true)
  const dir = scratch(t)
  const fifo = join(dir, 'exec.fifo')
  execFileSync('mkfifo', [fifo])
  const held = (args: readonly string[], seen: (text: Buffer) => void) => {
    const ops = container(
      rootfs,
      [
        init({ op: 'open_path', slot: 'fifo', path: host(fifo) }),
        init({ op: 'open_fd_directory', slot: 'fds' }),
      ],
      args,
    )
    ops.splice(-1, 0, init({ op: 'wait_start', fifo: 'fifo', fds: 'fds' }))
    const stray = openSync('/etc', 'r')
    const played = play(ops, {
      inherited: [39, 42, 300].map(to => [stray, to]),
      onReady(pid) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
        const open = (fd: string) => readlinkSync(`/proc/${pid}/fd/${fd}`)
        const held = readdirSync(`/proc/${pid}/fd`).filter(fd => Number(fd) > 2)
        t.match(held.map(open).sort(), [/\/\d+\/fd$/, fifo], 'nothing else of the host stays open')
        seen(readFileSync(fifo))
      },
    })
    closeSync(stray)
    t.same(kinds(played), ['started', 'ready'])
    return played
  }
  const good = held(['/payload', 'report'], text => t.equal(text.length, 0, 'exec closes it without a byte'))
  t.same(good.exits, ended)
  t.same(Object.keys((lines(good)[0] as Record<string, object>).fds ?? {}), ['0', '1', '2'])
  writeFileSync(join(rootfs, 'script'), 'no program', { mode: 0o755 })
  const bad = held(['/script'], frame => {
    t.equal(frame.length, 16)
    t.same(
      [0, 4, 8, 12].map(at => frame.readUInt32LE(at)),
      [4, 18, 0, 8],
      'failed, exec, step 0, ENOEXEC',
    )
  })
  t.same(bad.exits, [{ code: 0 }, { code: 1 }])
  t.end()
})

t.test('--no-pivot leaves no unmasked procfs', { skip: root }, t => {
  const rootfs = scratch(t, true)
  const ops = container(rootfs, [], ['/payload', 'cat', '/proc/self/mountinfo', ';', 'report']).map(op =>
    op.op === 'pivot_root' ? init({ op: 'move_root', root: 'root', path: host(rootfs) }) : op,
  )
  const played = play(ops)
  t.equal(played.failed && failure(played, ops), undefined)
  const proc = (data(played, 'cat')[0] as string)
    .split('\n')
    .filter(line => line.includes(' - proc ') || line.includes(' - sysfs '))
  t.equal(proc.length, 1, proc.join('\n'))
  t.match(lines(played)[1], { cwd: '/' })

  const fifo = join(scratch(t), 'fifo')
  execFileSync('mkfifo', [fifo])
  const at = ops.findIndex(({ op }) => op === 'move_root')
  ops.splice(
    at,
    0,
    init({ op: 'open_path', slot: 'fifo', path: host(fifo) }),
    init({ op: 'open_fd_directory', slot: 'fds' }),
  )
  ops.splice(-1, 0, init({ op: 'wait_start', fifo: 'fifo', fds: 'fds' }))
  play(ops, {
    onReady(pid) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
      const links = readdirSync(`/proc/${pid}/fd`).map(fd => readlinkSync(`/proc/${pid}/fd/${fd}`))
      t.ok(
        links.includes(`/${pid}/fd`),
        'the mount of the host’s procfs is detached, it has no parent any more',
      )
      readFileSync(fifo)
    },
  })
  t.end()
})

t.test('a console of the container’s own devpts', { skip: root }, t => {
  const rootfs = scratch(t, true)
  const pts = [
    init({
      op: 'fsmount',
      slot: 'pts',
      type: 'devpts',
      options: ['newinstance', 'ptmxmode=0666', 'mode=0620'],
      attrs: ['nosuid', 'noexec'],
    }),
    init({
      op: 'move_mount',
      slot: 'pts',
      root: 'root',
      target: inRoot('/dev/pts'),
      create: 'directory',
      links: 'in_root',
    }),
  ]
  const tty = {
    op: 'mknod',
    root: 'root',
    path: inRoot('/dev/tty'),
    type: 'char',
    major: 5,
    minor: 0,
  } as const
  pts.push(init({ ...tty, mode: 0o666, uid: 0, gid: 0 }))
  const open = init({ op: 'open_console', slot: 'tty', root: 'root', rows: 24, columns: 99, console: 1 })
  const ops = container(
    rootfs,
    [...pts, open, init({ op: 'use_console', slot: 'tty' })],
    ['/payload', 'report', ';', 'stat', '/dev/console'],
  )
  const played = play(ops)
  t.same(kinds(played), ['started', 'fd', 'ready'])
  t.same(played.exits, ended)
  const master = played.fds[0] as number
  const text = Buffer.alloc(8192)
  const size = readSync(master, text)
  closeSync(master)
  const report = JSON.parse(text.toString('utf8', 0, size).split('\n')[0] ?? '')
  t.match(report, { controllingTerminal: 1, tty: [{ rows: 24, cols: 99 }, { rows: 24 }, { rows: 24 }] })
  execFileSync('rm', ['-rf', join(rootfs, 'dev/console')])
  execFileSync('ln', ['-s', '/etc/made', join(rootfs, 'dev/console')])
  const bad = play(ops)
  t.equal(failure(bad, ops), 'open_console: create /dev/console: 40')
  t.notOk(existsSync(join(rootfs, 'etc/made')))
  const none = container(rootfs, [open], ['/payload'])
  t.equal(failure(play(none), none), 'open_console: fstatfs: 6', 'no devpts there')
  t.end()
})

t.test('hooks', { skip: root }, t => {
  const rootfs = scratch(t, true)
  const dir = scratch(t)
  const hook = (script: string, timeout = 0) =>
    init({
      op: 'run_hook',
      path: '/bin/sh',
      args: ['hook', '-c', script],
      env: ['X=y'],
      timeout,
      before: '{"pid":',
      after: '}',
    })
  const good = play(
    container(
      rootfs,
      [hook(`cat > ${dir}/state; env >> ${dir}/state; ls /proc/self/fd | wc -l >> ${dir}/state`)],
      ['/payload'],
    ),
  )
  t.same(good.failed, undefined)
  t.match(readFileSync(join(dir, 'state'), 'utf8'), /^\{"pid":1\}PWD=\/\S*\nX=y\n4\n|^\{"pid":1\}X=y\n/)
  const fails = (script: string, timeout = 0) => {
    const ops = container(rootfs, [hook(script, timeout)], ['/payload'])
    const played = play(ops)
    return `${failure(played, ops)} ${played.failed?.detail}`.trim()
  }
  t.equal(fails('echo out; echo err >&2; exit 3'), 'run_hook: exit status: 3 out\nerr')
  t.equal(fails('kill -9 $$'), 'run_hook: signal: 9')
  t.equal(fails('sleep 100 & sleep 100', 1), 'run_hook: timeout: 110')
  const late = `sleep 100 & echo $! > ${dir}/late; wait`
  const outside = [
    helper({
      op: 'run_hook',
      path: '/bin/sh',
      args: ['sh', '-c', late],
      env: [],
      timeout: 1,
      before: '',
      after: '',
    }),
  ]
  t.equal(failure(play(outside), outside), 'run_hook: timeout: 110')
  const child = `/proc/${readFileSync(join(dir, 'late'), 'utf8').trim()}/stat`
  const state = existsSync(child) ? readFileSync(child, 'utf8').split(' ')[2] : 'Z'
  t.equal(state, 'Z', 'its children are gone too')
  t.equal(
    fails('i=0; while [ $i -lt 200 ]; do echo 123456789; i=$((i+1)); done; false').length,
    'run_hook: exit status: 1 '.length + 399,
  )
  const missing = container(
    rootfs,
    [init({ op: 'run_hook', path: '/no/hook', args: [], env: [], timeout: 0, before: '', after: '' })],
    ['/payload'],
  )
  t.equal(failure(play(missing), missing), 'run_hook: exec: 2')
  t.end()
})
