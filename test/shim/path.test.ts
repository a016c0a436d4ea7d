/** The one way to a file in a root, against hostile roots: by openat2 and by the walk that stands in for it. */
import { execFileSync, spawn } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Op } from '../../src/plan/op.js'
import { requires } from '../support/requires.js'
import { container } from './plans.js'
import { data, failure, init, inRoot, lines, type PlayOptions, play, scratch, tool } from './support.js'

const skip = requires('root', 'cc')
const without = skip === false ? tool('without') : ''
const OPENAT2 = '437'
const ways: readonly (readonly [string, PlayOptions])[] = [
  ['openat2', {}],
  ['the walk, openat2 answers ENOSYS', { wrapper: [without, '38', OPENAT2, '--'] }],
  ['the walk, openat2 answers EPERM', { wrapper: [without, '1', OPENAT2, '--'] }],
]

const mkdir = (path: string) => init({ op: 'mkdir', root: 'root', path: inRoot(path), mode: 0o755 })
/** A rootfs in which every name tries to leave, beside a directory that must stay as it is. */
function hostile(t: { teardown(f: () => void): void }): { rootfs: string; canary: string } {
  const rootfs = scratch(t, true)
  const canary = mkdtempSync(join(tmpdir(), 'canary-'))
  t.teardown(() => rmSync(canary, { recursive: true }))
  mkdirSync(join(canary, 'etc'))
  writeFileSync(join(canary, 'file'), 'mine')
  const link = (name: string, target: string) => symlinkSync(target, join(rootfs, name))
  link('absolute', '/etc')
  link('canary', canary)
  link('up', `../../../../../../../..${canary}`)
  link('dots', `tmp/../../../../../..${canary}`)
  link('beyond', 'tmp/../missing/../new')
  link('dangling', 'not/there/yet')
  link('loop', 'loop')
  link('cwd', '/proc/self/cwd')
  link('procroot', `/proc/1/root${canary}`)
  link('fd', '/proc/self/fd/3')
  for (let i = 1; i <= 41; i++) link(`chain${i}`, i === 1 ? 'etc' : `chain${i - 1}`)
  return { rootfs, canary }
}

const snapshot = (dir: string): string =>
  execFileSync('find', [dir, '-printf', '%P %i %C@ %m\\n'], { encoding: 'utf8' })

for (const [way, options] of ways) {
  t.test(way, { skip }, t => {
    t.test('links stay inside', t => {
      const { rootfs, canary } = hostile(t)
      const before = snapshot(canary)
      const node = {
        op: 'mknod',
        root: 'root',
        type: 'char',
        major: 1,
        minor: 3,
        mode: 0o600,
        uid: 5,
        gid: 5,
      } as const
      const ops = container(
        rootfs,
        [
          mkdir('/absolute/one'),
          mkdir('/canary/two'),
          mkdir('/up/three'),
          mkdir('/dots/four'),
          mkdir('/beyond/five'),
          mkdir('/dangling/six'),
          mkdir('/chain40/seven'),
          mkdir('/../../../../eight'),
          mkdir('/a//b/./c/../nine'),
          init({ ...node, path: inRoot('/canary/null') }),
          init({ op: 'symlink', root: 'root', path: inRoot('/up/etc/link'), target: 'x' }),
          init({ op: 'fsmount', slot: 'tmp', type: 'tmpfs', options: [], attrs: [] }),
          init({
            op: 'move_mount',
            slot: 'tmp',
            root: 'root',
            target: inRoot('/canary/etc/mnt'),
            create: 'directory',
            links: 'in_root',
          }),
          init({ op: 'open_tree', slot: 'file', path: '/dev/zero' as never, flags: ['clone'], nofollow: 0 }),
          init({
            op: 'move_mount',
            slot: 'file',
            root: 'root',
            target: inRoot('/dots/etc/file'),
            create: 'like_source',
            links: 'in_root',
          }),
          init({ op: 'mask_path', root: 'root', path: inRoot('/canary/etc') }),
          init({ op: 'readonly_path', root: 'root', path: inRoot('/up') }),
        ],
        ['/payload', 'cat', '/proc/self/mountinfo'],
      )
      const played = play(ops, options)
      t.equal(failure(played, ops), undefined)
      t.equal(snapshot(canary), before, 'nothing outside changed')
      const inside = join(rootfs, canary)
      t.same(readdirSync(inside).sort(), ['etc', 'four', 'null', 'three', 'two'])
      t.same(readdirSync(join(inside, 'etc')).sort(), ['file', 'link', 'mnt'])
      for (const path of ['etc/one', 'new/five', 'not/there/yet/six', 'etc/seven', 'eight', 'a/b/nine']) {
        t.ok(existsSync(join(rootfs, path)), path)
      }
      t.equal(lstatSync(join(inside, 'null')).uid, 5)
      const points = (data(played, 'cat')[0] as string).split('\n').map(line => line.split(' ')[4])
      t.same(
        [...new Set(points.filter(point => point?.startsWith(canary)))],
        [`${canary}/etc/mnt`, `${canary}/etc/file`, `${canary}/etc`, canary],
      )
      t.end()
    })

    t.test('what is refused', t => {
      const { rootfs, canary } = hostile(t)
      const before = snapshot(canary)
      const fails = (op: Op) => {
        const ops = container(rootfs, [op], ['/payload'])
        return failure(play(ops, options), ops)
      }
      t.equal(fails(mkdir('/loop/x')), 'mkdir: create: 40')
      t.equal(fails(mkdir('/chain41/x')), 'mkdir: create: 40')
      t.equal(fails(mkdir('/cwd/x')), 'mkdir: create: 40', 'a magic link')
      t.equal(fails(mkdir('/procroot/x')), 'mkdir: create: 40', 'a magic link')
      t.equal(fails(mkdir('/fd')), 'mkdir: create: 40', 'a magic link')
      t.equal(fails(mkdir('/payload/x')), 'mkdir: create: 20')
      t.equal(fails(mkdir(`/${'n'.repeat(256)}`)), 'mkdir: create: 36')
      t.equal(fails(mkdir(`/${'n/'.repeat(2100)}`)), 'mkdir: create: 36')
      t.equal(fails(mkdir(`/${'n/'.repeat(200)}`)), 'mkdir: create: 36')
      const move = { op: 'move_mount', slot: 'root', root: 'root', create: 'directory' } as const
      t.equal(
        fails(init({ ...move, target: inRoot('/absolute'), links: 'refuse' })),
        'move_mount: open target: 20',
      )
      t.equal(
        fails(init({ ...move, target: inRoot('/absolute/x'), links: 'refuse' })),
        'move_mount: open target: 40',
      )
      t.equal(
        fails(init({ ...move, target: inRoot('/payload'), links: 'refuse' })),
        'move_mount: open target: 20',
      )
      t.equal(
        fails(init({ op: 'symlink', root: 'root', path: inRoot('/etc/..'), target: 'x' })),
        'symlink: create parent: 21',
      )
      t.equal(
        fails(init({ op: 'mask_path', root: 'root', path: inRoot('/cwd') })),
        'mask_path: open target: 40',
      )
      execFileSync('ln', ['-s', '/proc/sys', join(rootfs, 'tunables')])
      t.match(
        fails(init({ ...move, target: inRoot('/tunables'), links: 'in_root' })),
        /move_mount: open target: (40|20)/,
        'a link to what must not be covered',
      )
      t.equal(snapshot(canary), before)
      t.end()
    })

    t.test('the walk refuses all links of procfs, openat2 only the magic ones', t => {
      const plain = init({ op: 'open_target', slot: 'x', root: 'root', path: inRoot('/proc/self') })
      const ops = container(scratch(t, true), [plain], ['/payload'])
      t.equal(failure(play(ops, options), ops), way === 'openat2' ? undefined : 'open_target: open: 40')
      t.end()
    })

    t.test('a link as the target itself', t => {
      const { rootfs } = hostile(t)
      const ops = container(
        rootfs,
        [
          init({ op: 'open_tree', slot: 'file', path: '/dev/zero' as never, flags: ['clone'], nofollow: 0 }),
          init({
            op: 'move_mount',
            slot: 'file',
            root: 'root',
            target: inRoot('/dangling'),
            create: 'file',
            links: 'nofollow',
          }),
        ],
        ['/payload', 'stat', '/dangling'],
      )
      const played = play(ops, options)
      t.equal(failure(played, ops), undefined)
      t.match(lines(played), [{ type: 'char', minor: 5 }])
      t.end()
    })

    t.test('while a directory and a link change places', t => {
      const { rootfs, canary } = hostile(t)
      mkdirSync(join(rootfs, 'swapped/etc'), { recursive: true })
      symlinkSync(`../../../../../..${canary}`, join(rootfs, 'evil'))
      const before = snapshot(canary)
      const swapper = spawn(tool('swap'), [join(rootfs, 'swapped'), join(rootfs, 'evil')])
      const device = {
        op: 'mknod',
        root: 'root',
        type: 'char',
        major: 1,
        minor: 3,
        mode: 0o600,
        uid: 1,
        gid: 1,
      } as const
      for (let i = 0; i < 40; i++) {
        const more: Op[] = []
        for (let n = 0; n < 10; n++) {
          more.push(
            mkdir(`/swapped/etc/d${i}.${n}/x`),
            init({ ...device, path: inRoot(`/swapped/n${i}.${n}`) }),
            init({ op: 'symlink', root: 'root', path: inRoot(`/swapped/etc/l${i}.${n}`), target: 'x' }),
            init({ op: 'fsmount', slot: 'tmp', type: 'tmpfs', options: [], attrs: [] }),
            init({
              op: 'move_mount',
              slot: 'tmp',
              root: 'root',
              target: inRoot(`/swapped/m${n}`),
              create: 'directory',
              links: 'in_root',
            }),
          )
        }
        const tolerant = more.map(op => ({ ...op, tolerate: ['ENOENT', 'EAGAIN', 'ENOTDIR', 'ELOOP'] }) as Op)
        const ops = container(rootfs, tolerant, ['/payload', 'cat', '/proc/self/mountinfo'])
        const played = play(ops, options)
        if (failure(played, ops) !== undefined) t.equal(failure(played, ops), undefined)
      }
      swapper.kill('SIGKILL')
      t.equal(snapshot(canary), before, 'nothing outside changed')
      t.notMatch(readFileSync('/proc/self/mountinfo', 'utf8'), canary)
      t.end()
    })
    t.end()
  })
}
