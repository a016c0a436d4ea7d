/** Mount options: flags of one mount, recursive attributes, propagation. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { mounts } from '../support/config.js'
import { container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { askMounts, mountsByPoint, parseMounts } from '../support/mountinfo.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

/** Options of a tmpfs: what must be among the flags of the mount or of the file system, and what must not. */
const flags: readonly (readonly [
  options: readonly string[],
  yes: readonly string[],
  no: readonly string[],
])[] = [
  [[], ['rw', 'relatime'], ['nosuid', 'nodev', 'noexec']],
  [['ro'], ['ro'], ['rw']],
  [['ro', 'rw'], ['rw'], []],
  [['nosuid', 'nodev', 'noexec'], ['nosuid', 'nodev', 'noexec'], []],
  [['nosuid', 'suid', 'nodev', 'dev', 'noexec', 'exec'], [], ['nosuid', 'nodev', 'noexec']],
  [['noatime'], ['noatime'], ['relatime']],
  [['noatime', 'atime'], [], ['noatime']],
  [['strictatime'], [], ['noatime', 'relatime']],
  [['relatime'], ['relatime'], ['noatime']],
  [['nodiratime'], ['nodiratime'], []],
  [['nodiratime', 'diratime'], [], ['nodiratime']],
  [['sync'], ['sync'], []],
  [['sync', 'async'], [], ['sync']],
  [['dirsync'], ['dirsync'], []],
  [['lazytime'], ['lazytime'], []],
  [['lazytime', 'nolazytime'], [], ['lazytime']],
  [['iversion', 'noiversion', 'mand', 'nomand'], ['rw'], []],
  [['silent', 'loud', 'norelatime', 'nostrictatime'], ['rw'], []],
  [['size=1m', 'nr_inodes=50', 'uid=7'], ['size=1024k', 'nr_inodes=50', 'uid=7'], []],
]

/** The same for a bind of a plain directory. */
const bindFlags: typeof flags = [
  [['bind'], ['rw'], []],
  [['bind', 'ro'], ['ro'], ['rw']],
  [['rbind', 'ro', 'nosuid'], ['ro', 'nosuid'], []],
  [['bind', 'nosuid', 'nodev', 'noexec'], ['rw', 'nosuid', 'nodev', 'noexec'], []],
  [['bind', 'noatime'], ['noatime'], ['relatime']],
]

forms(t, requires('root', 'cc'), (t, rt) => {
  for (const [name, type, table] of [
    ['of a tmpfs', 'tmpfs', flags],
    ['of a bind', 'bind', bindFlags],
  ] as const)
    t.test(`flags ${name}`, async t => {
      const c = container(t, rt)
      mkdirSync(join(c.dir, 'source'))
      const source = type === 'bind' ? join(c.dir, 'source') : 'tmpfs'
      const made = table.map(([options], index) => ({ destination: `/mnt/${index}`, type, source, options }))
      c.configure({ mounts: [...mounts, ...made] })
      const points = mountsByPoint(c.ask(askMounts)[0])
      table.forEach(([options, yes, no], index) => {
        const mount = points.get(`/mnt/${index}`)
        const seen = [...(mount?.options ?? []), ...(type === 'bind' ? [] : (mount?.superOptions ?? []))]
        const perMount = mount?.options ?? []
        const label = options.join(',') || 'no options'
        t.same(
          yes.filter(flag => !seen.includes(flag)),
          [],
          `${label}: is ${yes}`,
        )
        t.same(
          no.filter(flag => perMount.includes(flag)),
          [],
          `${label}: is not ${no}`,
        )
      })
    })

  t.test('defaults means nothing', { skip: rt.lacks('defaults') }, async t => {
    const tmpfs = { destination: '/mnt', type: 'tmpfs', source: 'x', options: ['defaults', 'ro'] }
    const c = container(t, rt, { mounts: [...mounts, tmpfs] })
    t.equal(mountsByPoint(c.ask(askMounts)[0]).get('/mnt')?.options[0], 'ro')
  })

  t.test('nosymfollow', { skip: rt.lacks('nosymfollow') }, async t => {
    const tmpfs = { destination: '/mnt', type: 'tmpfs', source: 'x', options: ['nosymfollow'] }
    const c = container(t, rt, { mounts: [...mounts, tmpfs] })
    t.ok(mountsByPoint(c.ask(askMounts)[0]).get('/mnt')?.options.includes('nosymfollow'))
  })

  t.test(
    'recursive attributes reach the mounts below',
    { skip: rt.lacks('recursive-attributes') },
    async t => {
      const c = container(t, rt)
      const source = join(c.dir, 'source')
      mkdirSync(join(source, 'below'), { recursive: true })
      await c.spawn('mount', '-t', 'tmpfs', 'tmpfs', join(source, 'below')).done
      const rows: readonly (readonly [string, readonly string[], readonly string[]])[] = [
        ['rro', ['ro'], ['rw']],
        ['rnosuid', ['nosuid'], []],
        ['rnodev', ['nodev'], []],
        ['rnoexec', ['noexec'], []],
        ['rnoatime', ['noatime'], ['relatime']],
        ['rstrictatime', [], ['noatime', 'relatime']],
        ['rnodiratime', ['nodiratime'], []],
        ['rnosymfollow', ['nosymfollow'], []],
      ]
      const made = rows.map(([option]) => ({
        destination: `/mnt/${option}`,
        type: 'bind',
        source,
        options: ['rbind', option],
      }))
      c.configure({ mounts: [...mounts, ...made] })
      const points = mountsByPoint(c.ask(askMounts)[0])
      for (const [option, yes, no] of rows)
        for (const point of [`/mnt/${option}`, `/mnt/${option}/below`]) {
          const seen = points.get(point)?.options ?? []
          t.ok(
            yes.every(flag => seen.includes(flag)) && !no.some(flag => seen.includes(flag)),
            `${point}: ${seen}`,
          )
        }
      await c.spawn('umount', join(source, 'below')).done
    },
  )

  t.test('recursive attributes can be taken away', { skip: rt.lacks('recursive-attributes') }, async t => {
    const c = container(t, rt)
    const source = join(c.dir, 'source')
    mkdirSync(join(source, 'below'), { recursive: true })
    const below = ['-o', 'ro,nosuid,nodev,noexec,noatime', 'tmpfs', join(source, 'below')]
    await c.spawn('mount', '-t', 'tmpfs', ...below).done
    const options = ['rbind', 'rrw', 'rsuid', 'rdev', 'rexec', 'rrelatime']
    c.configure({ mounts: [...mounts, { destination: '/mnt', type: 'bind', source, options }] })
    const info = c.ask(askMounts)[0]
    t.same(mountsByPoint(info).get('/mnt/below')?.options, ['rw', 'relatime'])
    await c.spawn('umount', join(source, 'below')).done
  })

  t.test('remount changes the mount that is there', async t => {
    const tmpfs = (...options: string[]) => ({ destination: '/mnt', type: 'tmpfs', source: 'x', options })
    const c = container(t, rt, { mounts: [...mounts, tmpfs('nosuid'), tmpfs('remount', 'ro', 'nosuid')] })
    const info = c.ask(askMounts)[0]
    t.match(mountsByPoint(info).get('/mnt')?.options, ['ro', 'nosuid'])
    t.equal(parseMounts(info?.data ?? '').filter(({ point }) => point === '/mnt').length, 1, 'and adds none')
  })

  t.test('data for a bind', async t => {
    const bind = { destination: '/mnt', type: 'bind', source: '/etc', options: ['bind', 'size=1m'] }
    const c = container(t, rt, { mounts: [...mounts, bind] })
    const { status, stderr } = c.run()
    t.equal(status, 0, 'as runc 1.1 and crun; newer runc refuses it')
    if (rt.lacks('pointers') !== false) return
    t.match(stderr, /warning: \/mounts\/6.*size=1m/)
    t.match(c.call('--strict', 'create', '--bundle', c.bundle, c.id), { status: 1, stderr: /size=1m/ })
    t.same(c.leaks(), nothing)
  })

  t.test('propagation of a mount', async t => {
    const c = container(t, rt)
    const source = join(c.dir, 'shared')
    mkdirSync(source)
    await c.spawn('mount', '-t', 'tmpfs', 'tmpfs', source).done
    await c.spawn('mount', '--make-shared', source).done
    const rows = [
      ['private', []],
      ['rprivate', []],
      ['slave', ['master:']],
      ['rslave', ['master:']],
      ['shared', ['shared:', 'master:']],
      ['rshared', ['shared:', 'master:']],
      ['unbindable', ['unbindable']],
    ] as const
    c.configure({
      linux: { rootfsPropagation: 'rslave' },
      mounts: [
        ...mounts,
        ...rows.map(([option]) => ({ destination: `/mnt/${option}`, source, options: ['rbind', option] })),
      ],
    })
    const points = mountsByPoint(c.ask(askMounts)[0])
    for (const [option, expected] of rows) {
      const seen = points.get(`/mnt/${option}`)?.propagation ?? ['missing']
      t.same(
        seen.map(each => each.replace(/\d+$/, '')),
        expected,
        option,
      )
    }
    await c.spawn('umount', source).done
  })

  t.test('a host’s new mount arrives in a slave, and not in a private', async t => {
    const c = container(t, rt, {
      process: { args: script(['trap', 10], ['ls', '/mnt/slave/x'], ['ls', '/mnt/private/x']) },
    })
    const source = join(c.dir, 'shared')
    mkdirSync(source)
    await c.spawn('mount', '-t', 'tmpfs', 'tmpfs', source).done
    await c.spawn('mount', '--make-shared', source).done
    mkdirSync(join(source, 'x'))
    const made = ['slave', 'private'].map(name => ({
      destination: `/mnt/${name}`,
      source,
      options: ['rbind', `r${name}`],
    }))
    c.configure({ linux: { rootfsPropagation: 'rslave' }, mounts: [...mounts, ...made] })
    const running = c.spawn(...c.line('run', '--bundle', c.bundle, c.id))
    await running.says('trap')
    await c.spawn('mount', '-t', 'tmpfs', 'tmpfs', join(source, 'x')).done
    writeFileSync(join(source, 'x', 'new'), '')
    running.child.kill('SIGUSR1')
    const { stdout } = await running.done
    t.match(stdout, /"\/mnt\/slave\/x","errno":null,"names":\["new"\]/)
    t.match(stdout, /"\/mnt\/private\/x","errno":null,"names":\[\]/)
    await c.spawn('umount', join(source, 'x')).done
    await c.spawn('umount', source).done
  })

  t.test('the mounts of a container never arrive on the host', async t => {
    const c = container(t, rt, { process: { args: script(['wait']) } })
    c.run('--detach')
    t.same(c.leaks().mounts, [])
    t.ok(parseMounts((await c.spawn('cat', `/proc/${c.state().pid}/mountinfo`).done).stdout).length > 5)
  })
})
