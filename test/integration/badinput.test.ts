/** Every way to be wrong: one line that says what and where, status 1, and nothing left behind. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type JsonObject, mounts, namespaces } from '../support/config.js'
import { type Container, container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const config = (c: Container) => join(c.bundle, 'config.json')

/** What makes a good bundle bad, the text that says so, and where it is wrong, which tsrun adds. */
const spoiled: readonly (readonly [
  name: string,
  spoil: (c: Container) => void,
  says: RegExp,
  where?: RegExp,
])[] = [
  ['no config.json', c => rmSync(config(c)), /config\.json.*(no such file|not found)/s],
  [
    'config.json is empty',
    c => writeFileSync(config(c), ''),
    /./,
    /config\.json: invalid JSON: line 1, column 1/,
  ],
  [
    'config.json is cut',
    c => c.rewrite(text => text.slice(0, 300)),
    /./,
    /config\.json: invalid JSON: line \d+/,
  ],
  ['config.json is a list', c => writeFileSync(config(c), '[]'), /./],
  ['config.json has garbage behind', c => c.rewrite(text => `${text}x`), /./],
  ['no rootfs', c => rmSync(c.rootfs, { recursive: true }), /rootfs/],
  ['rootfs is a link to nowhere', c => c.configure({ root: { path: 'link' } }), /link|rootfs/],
]

const bind = { destination: '/mnt', type: 'bind', source: '/nope', options: ['bind'] }
const core = { type: 'RLIMIT_CORE', soft: 1, hard: 1 }
const limits = (...rlimits: readonly JsonObject[]): JsonObject => ({ process: { rlimits } })
const spaces = (type: string): JsonObject => ({ linux: { namespaces: [...namespaces, { type }] } })
const noFile = /\/nope.*no such file or directory/s

/** What makes a good config bad, the text that says so, and the JSON pointer that tsrun adds. */
const patched: readonly (readonly [name: string, patch: JsonObject, says: RegExp, pointer?: string])[] = [
  ['no root', { root: undefined }, /root/i],
  ['an empty root path', { root: { path: '' } }, /./],
  ['no args', { process: { args: [] } }, /args/i, '/process/args'],
  ['a cwd that is relative', { process: { cwd: 'tmp' } }, /cwd/i, '/process/cwd'],
  ['no cwd', { process: { cwd: undefined } }, /cwd/i, '/process'],
  ['another major version', { ociVersion: '2.0.0' }, /version/i, '/ociVersion'],
  ['no version', { ociVersion: undefined }, /version/i],
  ['a string for a number', { process: { user: { uid: 'root' } } }, /uid/i, '/process/user/uid'],
  ['a negative uid', { process: { user: { uid: -1 } } }, /uid/i, '/process/user/uid'],
  ['env without =', { process: { env: ['NAME'] } }, /env/i, '/process/env/0'],
  ['an unknown namespace', spaces('nope'), /nope/, '/linux/namespaces/5'],
  ['a namespace twice', spaces('pid'), /pid/, '/linux/namespaces/5'],
  ['a missing mount source', { mounts: [...mounts, bind] }, noFile, '/mounts/6'],
  ['a mount without a destination', { mounts: [...mounts, { type: 'tmpfs' }] }, /./, '/mounts/6'],
  ['a missing executable', { process: { args: ['/nope'] } }, noFile, '/process/args/0'],
  ['an unknown rlimit', limits({ ...core, type: 'RLIMIT_NOPE' }), /RLIMIT_NOPE/, '/process/rlimits/0'],
  ['an rlimit twice', limits(core, core), /RLIMIT_CORE/, '/process/rlimits/1'],
  ['oomScoreAdj out of range', { process: { oomScoreAdj: 5000 } }, /oom/i, '/process/oomScoreAdj'],
  [
    'a sysctl of the host',
    { linux: { sysctl: { 'vm.swappiness': '1' } } },
    /vm\.swappiness/,
    '/linux/sysctl/',
  ],
]

/** What runc 1.1 accepts, or cannot tell. */
const lenient: readonly string[] = [
  'no root',
  'an empty root path',
  'another major version',
  'no version',
  'env without =',
  'an rlimit twice',
  'a mount without a destination',
  'config.json has garbage behind',
]

forms(t, requires('root', 'cc'), (t, rt) => {
  const expectFailure = (t: Test, c: Container, says: RegExp, pointer?: string | RegExp): void => {
    for (const command of ['create', 'run'] as const) {
      const done = c[command]()
      t.match(done, { status: 1, stderr: says }, command)
      t.same(c.leaks(), nothing, `nothing is left after ${command}`)
      if (rt.lacks('pointers') !== false) continue
      t.equal(done.stderr.trim().split('\n').length, 1, `one line: ${done.stderr}`)
      t.match(done.stderr, new RegExp(`(create|run) "${c.id}": `), 'what was done, and on what')
      if (pointer !== undefined) t.match(done.stderr, pointer, 'where in the config')
    }
  }
  const skip = (name: string) => (lenient.includes(name) ? rt.lacks('config-rules') : false)

  for (const [name, spoil, says, where] of spoiled)
    t.test(name, { skip: skip(name) }, async t => {
      const c = container(t, rt)
      spoil(c)
      expectFailure(t, c, says, where)
    })

  for (const [name, patch, says, pointer] of patched)
    t.test(name, { skip: skip(name) }, async t => {
      expectFailure(t, container(t, rt, patch), says, pointer)
    })

  t.test('hints', { skip: rt.lacks('pointers') }, async t => {
    const c = container(t, rt)
    const says = (hint: RegExp, ...args: string[]) => t.match(c.call(...args), { status: 1, stderr: hint })
    says(/: unknown signal "SIGKIL"; did you mean SIGKILL\?\n/, 'kill', c.id, 'SIGKIL')
    says(/: unknown signal "term1"; did you mean SIGTERM\?\n/, 'kill', c.id, 'term1')
    says(/: unknown signal "65" \(use a name like TERM, or a number up to 64\)\n/, 'kill', c.id, '65')
    says(/: no help for "xyzxyz" \(tsrun --help lists the commands\)\n/, 'help', 'xyzxyz')
    says(/: write a config: open\("\/nope\/config.json"\): ENOENT/, 'spec', '--bundle', '/nope')
    rmSync(config(c))
    says(/: read the config: open\(.*ENOENT, .* \(tsrun spec writes one; --bundle names/, 'create', c.id)
  })

  t.test('a state root that cannot be written', async t => {
    const c = container(t, rt)
    writeFileSync(join(c.dir, 'file'), '')
    const roots = [join(c.dir, 'file'), join(c.dir, 'file', 'below'), '/proc/nowhere']
    for (const root of rt.lacks('config-rules') === false ? [...roots, '/'] : roots)
      for (const command of ['create', 'run']) {
        const [runtime = '', ...options] = rt.argv
        const { status, stderr } = await c.spawn(
          runtime,
          ...options,
          '--root',
          root,
          command,
          '--bundle',
          c.bundle,
          c.id,
        ).done
        t.equal(status, 1, `${command} --root ${root}`)
        t.not(stderr, '')
        t.same(c.leaks(), nothing)
      }
  })

  t.test('a bundle that is not there', async t => {
    const c = container(t, rt)
    t.match(c.create('--bundle', '/nowhere'), { status: 1, stderr: /\/nowhere/ })
    t.same(c.leaks(), nothing)
  })

  t.test(
    'a config without an end',
    { skip: rt.lacks('tsrun') && 'runc finds out at the first byte' },
    async t => {
      const c = container(t, rt)
      t.match(c.create('--config', '/dev/zero'), {
        status: 1,
        stderr: /config: .*\/dev\/zero.*EFBIG, file too large/,
      })
      t.equal(c.run('--detach').status, 0)
      const line = c.line('update', '--resources', '-', c.id).join(' ')
      const { status, stderr } = await c.spawn('sh', '-c', `${line} < /dev/zero`).done
      t.match({ status, stderr }, { status: 1, stderr: /standard input.*EFBIG/ })
      c.del('--force')
      t.same(c.leaks(), nothing)
    },
  )

  t.test('a root that is no mount point', async t => {
    const c = container(t, rt)
    const there = join(c.dir, 'chroot')
    const line = c.line('run', '--bundle', c.bundle, c.id)
    // Each directory of / is a mount, the new root is none.
    const script = `mount --make-rprivate / && for dir in /*; do test ! -d $dir -o -L $dir || {
      mkdir -p ${there}$dir && mount --rbind $dir ${there}$dir; }; done
      cp -P /bin /lib* ${there} 2> ${there}.errors; exec chroot ${there} "$@"`
    const { status, stderr } = await c.spawn('unshare', '-m', 'sh', '-c', script, 'sh', ...line).done
    t.equal(status, 1)
    t.match(
      stderr,
      rt.lacks('pointers') === false ? /\/ is no mount point, as in a chroot/ : /invalid argument/,
    )
    t.same(c.leaks(), nothing)
  })

  t.test('unknown properties are not an error', async t => {
    const c = container(t, rt, {
      nobodyKnows: { this: 1 },
      linux: { norThis: true },
      windows: {},
      process: { new: [] },
    })
    t.equal(c.run().status, 0)
  })

  t.test('a failed create does not take the id', async t => {
    const c = container(t, rt, { process: { args: ['/nope'] } })
    t.equal(c.create().status, 1)
    c.configure({ process: { args: ['/bin/payload', 'exit', '3'] } })
    t.equal(c.run().status, 3)
  })

  t.test('a failed second create does not harm the first', async t => {
    const c = container(t, rt, { process: { args: ['/bin/payload', 'wait'] } })
    c.run('--detach')
    const before = c.state()
    t.equal(c.create().status, 1)
    t.equal(c.run().status, 1)
    t.same(c.state(), before)
  })
})
