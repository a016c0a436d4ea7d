/** config.mounts: every type, binds, order, targets that are missing, propagation. */
import { chmodSync, linkSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { mounts, namespaces } from '../support/config.js'
import { container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { askMounts, mountsByPoint } from '../support/mountinfo.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const bind = (source: string, destination: string, ...options: string[]) => ({
  source,
  destination,
  type: 'bind',
  options: ['bind', ...options],
})

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('the ordinary file systems', async t => {
    const c = container(t, rt)
    const [info, shm, pts, ptmx] = c.ask(
      askMounts,
      ['stat', '/dev/shm'],
      ['stat', '/dev/pts'],
      ['stat', '/dev/ptmx'],
    )
    const points = mountsByPoint(info)
    t.match(points.get('/proc'), { type: 'proc', root: '/' })
    t.match(points.get('/sys'), { type: 'sysfs', options: ['ro', 'nosuid', 'nodev', 'noexec', 'relatime'] })
    t.match(points.get('/dev'), { type: 'tmpfs', options: ['rw', 'nosuid'] })
    t.match(points.get('/dev/pts'), { type: 'devpts' })
    t.ok(points.get('/dev/pts')?.superOptions.includes('ptmxmode=666'))
    t.ok(points.get('/dev/pts')?.superOptions.includes('gid=5'))
    t.match(points.get('/dev/shm'), {
      type: 'tmpfs',
      options: ['rw', 'nosuid', 'nodev', 'noexec', 'relatime'],
    })
    t.match(points.get('/dev/mqueue'), { type: 'mqueue' })
    t.equal(shm?.mode, 0o1777)
    t.equal(pts?.mode, 0o755)
    t.match(ptmx, { type: 'symlink', target: 'pts/ptmx' })
    t.same(
      [...points.keys()].filter(point => point.startsWith(c.dir) || point === '/sys/fs/cgroup/memory'),
      [],
      'nothing of the host',
    )
  })

  t.test('cgroup shows the container’s own cgroups, read-only', { skip: requires('cgroup1') }, async t => {
    const cgroup = {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: ['ro', 'nosuid'],
    }
    const c = container(t, rt, { mounts: [...mounts, cgroup] })
    const verbs = [
      ['ls', '/sys/fs/cgroup'],
      ['cat', '/sys/fs/cgroup/pids/cgroup.procs'],
      ['mkdir', '/sys/fs/cgroup/pids/made'],
    ]
    for (const extra of [[], [{ type: 'cgroup' }]]) {
      c.configure({ linux: { namespaces: [...namespaces, ...extra] } })
      const [names, procs, made] = c.ask(...verbs)
      t.ok(['memory', 'cpu', 'pids'].every(name => names?.names.includes(name)))
      t.equal(procs?.data, '1\n', 'only this process is in it')
      t.equal(made?.errno, 'EROFS')
    }
  })

  t.test('binds of directories and files, made where the target is missing', async t => {
    const c = container(t, rt)
    mkdirSync(join(c.dir, 'source'))
    writeFileSync(join(c.dir, 'source', 'file'), 'hello')
    c.configure({
      mounts: [
        ...mounts,
        bind(join(c.dir, 'source'), '/new/deep/dir'),
        bind(join(c.dir, 'source', 'file'), '/new/file', 'ro'),
        bind('../source/file', '/etc/relative'),
      ],
    })
    const [dir, file, relative, write, refused] = c.ask(
      ['cat', '/new/deep/dir/file'],
      ['cat', '/new/file'],
      ['cat', '/etc/relative'],
      ['write', '/new/deep/dir/other', 'x'],
      ['write', '/new/file', 'x'],
    )
    t.same(
      [dir?.data, file?.data, relative?.data],
      ['hello', 'hello', 'hello'],
      'relative sources begin at the bundle',
    )
    t.equal(write?.errno, null)
    t.equal(refused?.errno, 'EROFS', 'ro of a bind is of the mount')
    t.equal(readFileSync(join(c.dir, 'source', 'other'), 'utf8'), 'x')
    t.ok(lstatSync(join(c.rootfs, 'new', 'file')).isFile(), 'the target was made in the rootfs')
  })

  t.test('bind takes one mount, rbind what is below too', async t => {
    const c = container(t, rt)
    const source = join(c.dir, 'source')
    mkdirSync(join(source, 'below'), { recursive: true })
    await c.spawn('mount', '-t', 'tmpfs', 'tmpfs', join(source, 'below')).done
    writeFileSync(join(source, 'below', 'file'), 'x')
    const recursive = { source, destination: '/mnt/all', type: 'none', options: ['rbind'] }
    c.configure({ mounts: [...mounts, bind(source, '/mnt/one'), recursive] })
    const [one, all] = c.ask(['ls', '/mnt/one/below'], ['ls', '/mnt/all/below'])
    t.same(one?.names, [])
    t.same(all?.names, ['file'])
    await c.spawn('umount', join(source, 'below')).done
  })

  t.test('a read-only tmpfs is so after what is made in it', async t => {
    const c = container(t, rt)
    const inside = join(c.dir, 'inside')
    mkdirSync(inside)
    const sealed = mounts.map(mount =>
      mount.destination === '/dev' ? { ...mount, options: [...(mount.options as string[]), 'ro'] } : mount,
    )
    const own = { destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['ro', 'size=1m'] }
    c.configure({ mounts: [...sealed, own, bind(inside, '/mnt/dir/inside'), bind(inside, '/dev/inside')] })
    const [info, device] = c.ask(askMounts, ['stat', '/dev/null'])
    const points = mountsByPoint(info)
    for (const point of ['/dev', '/mnt']) t.ok(points.get(point)?.options.includes('ro'), point)
    for (const point of ['/dev/inside', '/mnt/dir/inside', '/dev/shm'])
      t.ok(points.get(point)?.options.includes('rw'), point)
    t.match(device, { type: 'char', major: 1, minor: 3 })
    if (!requires('cgroup1')) {
      const cgroup = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] }
      const within = bind(inside, '/sys/fs/cgroup/inside')
      c.configure({ mounts: [...mounts.filter(it => it.destination !== cgroup.destination), cgroup, within] })
      const inCgroup = mountsByPoint(c.ask(askMounts)[0])
      t.ok(inCgroup.get('/sys/fs/cgroup/inside')?.options.includes('rw'), 'a mount among the hierarchies')
      t.ok(inCgroup.get('/sys/fs/cgroup')?.options.includes('ro') || rt.lacks('tsrun'))
    }
    const again = { destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['remount', 'rw'] }
    c.configure({ mounts: [...mounts, own, again] })
    if (!rt.lacks('tsrun'))
      t.ok(mountsByPoint(c.ask(askMounts)[0]).get('/mnt')?.options.includes('rw'), 'a later entry counts')
  })

  t.test('in the order of the list', async t => {
    const tmpfs = (destination: string) => ({ destination, type: 'tmpfs', source: destination.slice(1) })
    const c = container(t, rt, { mounts: [...mounts, tmpfs('/mnt/a/b'), tmpfs('/mnt'), tmpfs('/mnt/c')] })
    const [names, info] = c.ask(['ls', '/mnt'], askMounts)
    t.same(names?.names, ['c'], 'the second covers the first')
    t.match(mountsByPoint(info).get('/mnt/c'), { source: 'mnt/c' })
  })

  t.test('targets are resolved inside the rootfs', async t => {
    const c = container(t, rt)
    symlinkSync('/etc', join(c.rootfs, 'mnt', 'absolute'))
    symlinkSync('../../../../../..', join(c.rootfs, 'mnt', 'up'))
    const tmpfs = (destination: string) => ({ destination, type: 'tmpfs', source: 'tmpfs' })
    c.configure({ mounts: [...mounts, tmpfs('/mnt/absolute/made'), tmpfs('/mnt/up/tmp')] })
    const points = mountsByPoint(c.ask(askMounts)[0])
    t.ok(points.has('/etc/made') && points.has('/tmp'))
    t.ok(lstatSync(join(c.rootfs, 'etc', 'made')).isDirectory())
  })

  t.test('links at the ends of a bind', { skip: rt.lacks('nofollow') }, async t => {
    const c = container(t, rt)
    writeFileSync(join(c.dir, 'file'), 'named by the link')
    symlinkSync('file', join(c.dir, 'link'))
    writeFileSync(join(c.rootfs, 'mnt', 'real'), 'of the image')
    symlinkSync('real', join(c.rootfs, 'mnt', 'alias'))
    const entry = (...options: readonly string[]) => ({
      destination: '/mnt/alias',
      type: 'bind',
      source: join(c.dir, 'link'),
      options: ['bind', ...options],
    })
    const seen = (...options: readonly string[]) => {
      c.configure({ mounts: [...mounts, entry(...options)] })
      const [alias, real] = c.ask(['stat', '/mnt/alias'], ['cat', '/mnt/real'])
      return [alias?.type, alias?.target, real?.data]
    }
    t.same(seen(), ['symlink', 'real', 'named by the link'], 'both are followed')
    t.same(seen('dest-nofollow'), ['file', undefined, 'of the image'], 'the link itself is covered')
    t.same(seen('src-nofollow', 'dest-nofollow'), ['symlink', 'file', 'of the image'], 'by a link')
  })

  t.test('tmpfs: size, mode, and the mode of the directory below', async t => {
    const tmpfs = (destination: string, ...options: string[]) => ({
      destination,
      type: 'tmpfs',
      source: 'x',
      options,
    })
    const c = container(t, rt, {
      mounts: [...mounts, tmpfs('/mnt/new', 'size=64k', 'mode=1770'), tmpfs('/tmp')],
    })
    chmodSync(join(c.rootfs, 'tmp'), 0o1777)
    const [size, mode, below] = c.ask(['statfs', '/mnt/new'], ['stat', '/mnt/new'], ['stat', '/tmp'])
    t.match(size, { bytes: 65_536 })
    t.match(mode, { mode: 0o1770 })
    t.match(below, { mode: 0o1777 })
    await t.test('mode= counts where a directory is, too', { skip: rt.lacks('tmpfs-mode') }, async t => {
      c.configure({ mounts: [...mounts, tmpfs('/tmp', 'mode=700')] })
      t.match(c.ask(['stat', '/tmp'])[0], { mode: 0o700 })
    })
  })

  t.test('tmpcopyup fills a tmpfs with what the image has there', async t => {
    const c = container(t, rt)
    writeFileSync(join(c.rootfs, 'etc', 'file'), 'of the image', { mode: 0o640 })
    mkdirSync(join(c.rootfs, 'etc', 'dir'))
    symlinkSync('../file', join(c.rootfs, 'etc', 'dir', 'link'))
    const tmpfs = { destination: '/etc', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] }
    c.configure({ mounts: [...mounts, tmpfs] })
    const [data, mode, link, write] = c.ask(
      ['cat', '/etc/file'],
      ['stat', '/etc/file'],
      ['stat', '/etc/dir/link'],
      ['write', '/etc/file', '!'],
    )
    t.equal(data?.data, 'of the image')
    t.equal(mode?.mode, 0o640)
    t.equal(link?.target, '../file')
    t.equal(write?.errno, null)
    t.equal(readFileSync(join(c.rootfs, 'etc', 'file'), 'utf8'), 'of the image', 'the image is as it was')
  })

  t.test('tmpcopyup keeps what is one file one file', { skip: rt.lacks('copy-up-links') }, async t => {
    const c = container(t, rt)
    mkdirSync(join(c.rootfs, 'etc', 'dir'))
    writeFileSync(join(c.rootfs, 'etc', 'dir', 'one'), 'of the image')
    for (const name of ['two', 'dir/three'])
      linkSync(join(c.rootfs, 'etc/dir/one'), join(c.rootfs, 'etc', name))
    // More of such files than the copy remembers: the rest are files of their own. (In a copy apart: a tmpfs lists the newest first.)
    mkdirSync(join(c.rootfs, 'many', 'dir'), { recursive: true })
    for (let i = 0; i < 70; i++) {
      writeFileSync(join(c.rootfs, 'many', 'dir', `pair${i}`), `${i}`)
      linkSync(join(c.rootfs, 'many', 'dir', `pair${i}`), join(c.rootfs, 'many', `other${i}`))
    }
    const tmpfs = (destination: string) => ({
      destination,
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['tmpcopyup'],
    })
    c.configure({ mounts: [...mounts, tmpfs('/etc'), tmpfs('/many')] })
    const pairs = Array.from({ length: 70 }, (_, i) => ['cat', `/many/other${i}`] as const)
    const [written, two, three, ...contents] = c.ask(
      ['write', '/etc/dir/one', '!'],
      ['cat', '/etc/two'],
      ['cat', '/etc/dir/three'],
      ...pairs,
    )
    t.equal(written?.errno, null)
    t.same([two?.data, three?.data], ['of the image!', 'of the image!'])
    t.same(
      contents.map(({ data }) => data),
      pairs.map((_, i) => `${i}`),
    )
    t.equal(readFileSync(join(c.rootfs, 'etc', 'two'), 'utf8'), 'of the image', 'the image is as it was')
  })

  t.test('a source that is missing', async t => {
    const c = container(t, rt)
    c.configure({ mounts: [...mounts, bind(join(c.dir, 'nowhere'), '/mnt')] })
    t.match(c.create(), { status: 1, stderr: /nowhere.*no such file or directory/s })
    t.same(c.leaks(), nothing)
  })

  t.test('the host’s procfs can be bound', async t => {
    const c = container(t, rt)
    const proc = { destination: '/proc', type: 'none', source: '/proc', options: ['rbind'] }
    c.configure({ mounts: [proc, ...mounts.slice(1)], linux: { maskedPaths: [], readonlyPaths: [] } })
    t.match(c.ask(['cat', `/proc/${process.pid}/comm`])[0], { errno: null })
  })

  t.test('a mount that the kernel refuses', async t => {
    const c = container(t, rt)
    for (const bad of [
      { destination: '/mnt', type: 'nonsense', source: 'x' },
      { destination: '/mnt', type: 'tmpfs', source: 'x', options: ['nonsense=1'] },
      { destination: '/proc', type: 'bind', source: c.dir, options: ['bind'] },
      { destination: '/proc/.', type: 'tmpfs', source: 'tmpfs' },
    ]) {
      c.configure({ mounts: [...mounts, bad] })
      t.match(
        c.create(),
        { status: 1, stderr: new RegExp(bad.destination.replace('/.', '')) },
        JSON.stringify(bad),
      )
      t.same(c.leaks(), nothing)
    }
  })

  const noOverlay = !readFileSync('/proc/filesystems', 'utf8').includes('\toverlay\n') && 'needs overlayfs'
  t.test('overlayfs with more layers than an option has room for', { skip: noOverlay }, async t => {
    const c = container(t, rt)
    const names = Array.from({ length: 8 }, (_, i) => `${i}${i === 3 ? ':' : ''}${'x'.repeat(60)}`)
    const layers = names.map(name => join(c.dir, 'layers', name))
    for (const [i, layer] of layers.entries()) {
      mkdirSync(layer, { recursive: true })
      writeFileSync(join(layer, `of-${i}`), '')
      writeFileSync(join(layer, 'who'), `${i}`)
    }
    const lowerdir = layers.map(layer => layer.replace(':', '\\:')).join(':')
    t.ok(lowerdir.length > 600)
    const overlay = {
      destination: '/layers',
      type: 'overlay',
      source: 'overlay',
      options: [`lowerdir=${lowerdir}`],
    }
    c.configure({ mounts: [...mounts, overlay] })
    const [list, who] = c.ask(['ls', '/layers'], ['cat', '/layers/who'])
    t.same(JSON.stringify(list).match(/of-\d/g)?.length, 8, 'every layer is there')
    t.equal(who?.data, '0', 'the first one is on top')
  })
})
