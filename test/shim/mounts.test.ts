/** Launch ops played by the real shim in throw-away namespaces. Mounts and files in the root. */
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { requires } from '../support/requires.js'
import { container } from './plans.js'
import { data, ended, failure, host, init, inRoot, lines, play, scratch } from './support.js'

const root = requires('root')

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
  t.equal(failure(played, ops), undefined)
  t.same(played.exits, ended)
  const [mountinfo, ...texts] = data(played, 'cat') as string[]
  t.same(texts, ['copied', 'bound', 'bound'])
  const mount = (point: string) => mountinfo?.split('\n').find(line => line.split(' ')[4] === point) ?? ''
  t.match(mount('/a/b/tmp'), / ro,nosuid,relatime .*size=128k/)
  t.match(mount('/bound'), / ro(,\w+)* shared:/)
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
