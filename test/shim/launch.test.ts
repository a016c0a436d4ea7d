/** Launch ops played by the real shim in throw-away namespaces. Processes and namespaces, what goes in and what must not. */
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { repository } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { container } from './plans.js'
import {
  data,
  ended,
  failure,
  helper,
  host,
  init,
  inRoot,
  kinds,
  lines,
  type Played,
  play,
  scratch,
  tool,
} from './support.js'

const root = requires('root')

t.test('a container sees its own root, names and nothing of ours', { skip: root }, t => {
  // As an engine may leave it: Node ignores signals, and a caller may have blocked some.
  const careless = ['/bin/sh', '-c', 'trap "" PIPE XFSZ USR1; umask 077; exec "$@"', 'sh']
  const played = play(container(scratch(t, true), [], ['/payload', 'report']), { wrapper: careless })
  t.same(kinds(played), ['started'])
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
  t.same(kinds(played), ['started'])
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
  t.equal(failure(played, ops), undefined)
  t.same(kinds(played), ['barrier', 'barrier', 'started'])
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
