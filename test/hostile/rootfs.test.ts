/**
 * Hostile images by the hundred: every file that a runtime touches in an image, replaced by everything that a file can
 * be, with and without a /dev of its own, a terminal, a user namespace, a read-only root. A canary on the host stays
 * as it is, nothing of it is mounted or read, nothing hangs, and what is refused is refused in one line.
 * A sample by default; all combinations with FULL=1.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { linkSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { type JsonObject, mounts, namespaces } from '../support/config.js'
import { type Container, container } from '../support/container.js'
import { type Canary, canary, strangersIn } from '../support/hostile.js'
import { mountsBelow } from '../support/leaks.js'
import { answersIn, payloadPath, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'

/** The files of an image that are looked at, made, mounted on or hidden. */
const nodes = [
  ...[
    'dev',
    'dev/null',
    'dev/zero',
    'dev/full',
    'dev/random',
    'dev/urandom',
    'dev/tty',
    'dev/pts',
    'dev/pts/ptmx',
  ],
  ...[
    'dev/pts/0',
    'dev/shm',
    'dev/mqueue',
    'dev/console',
    'dev/ptmx',
    'dev/fd',
    'dev/stdin',
    'dev/stdout',
    'dev/stderr',
  ],
  ...[
    'dev/core',
    'dev/listed',
    'dev/listed/deep',
    'proc',
    'proc/self',
    'proc/self/attr',
    'proc/sys',
    'proc/sys/net',
  ],
  ...[
    'proc/keys',
    'proc/kcore',
    'proc/bus',
    'sys',
    'sys/firmware',
    'sys/kernel',
    'sys/fs',
    'sys/fs/cgroup',
    'etc',
    'etc/passwd',
  ],
  ...[
    'etc/group',
    'etc/hostname',
    'etc/masked',
    'etc/readonly',
    'run',
    'run/inner',
    'tmp',
    'mnt',
    'mnt/volume',
    'mnt/file',
  ],
  ...['mnt/deep', 'mnt/deep/tmp', 'work', 'work/deep'],
] as const

type Shape = (path: string, host: Canary) => void
const link =
  (target: (host: Canary) => string): Shape =>
  (path, host) =>
    symlinkSync(target(host), path)
const special =
  (...args: readonly string[]): Shape =>
  path => {
    spawnSync('mknod', [path, ...args])
  }

/** What stands in the place of a file. */
const shapes: Readonly<Record<string, Shape>> = {
  'relative link to a directory': link(host => host.up),
  'absolute link to a directory': link(host => host.path),
  'relative link to a file': link(host => `${host.up}/file`),
  'absolute link to a file': link(host => `${host.path}/null`),
  'link to nothing on the host': link(host => `${host.up}/made`),
  'link through a file': link(host => `${host.path}/file/made`),
  'link to itself': (path: string) => symlinkSync(path.slice(path.lastIndexOf('/') + 1), path),
  'link to the root': link(() => '/'),
  'link to the parent': link(() => '..'),
  'empty-looking link': link(() => './.'),
  'magic link fd': link(() => '/proc/self/fd/3'),
  'magic link cwd': link(() => '/proc/self/cwd'),
  'link to a link that leads out': (path, host) => {
    symlinkSync(host.up, `${path}-out`)
    symlinkSync(`${path.slice(path.lastIndexOf('/') + 1)}-out`, path)
  },
  'magic link root': link(host => `/proc/self/root${host.path}`),
  'magic link to the root of another': link(host => `/proc/1/root${host.path}`),
  'link into procfs': link(() => '/proc/sys/kernel/core_pattern'),
  'hard link': (path, host) => linkSync(join(host.path, 'file'), path),
  fifo: special('p'),
  device: special('c', '1', '5'),
  'block device': special('b', '7', '200'),
  socket: path => {
    const listen = 'use IO::Socket; IO::Socket::UNIX->new(Local=>$ARGV[0],Listen=>1)'
    spawnSync('perl', ['-e', listen, path])
  },
  file: path => writeFileSync(path, 'text'),
  'sparse file': path => {
    spawnSync('truncate', ['-s', '8T', path])
  },
  directory: path => mkdirSync(path),
  nothing: () => {},
}

const shapeCount = Object.keys(shapes).length

/** The circumstances: bits of a number. */
const circumstances = { dev: 1, terminal: 2, userns: 4, readonly: 8 } as const
const names = Object.keys(circumstances) as (keyof typeof circumstances)[]
const describe = (bits: number): string =>
  names.filter(name => (bits & circumstances[name]) !== 0).join(' ') || 'plain'

const map = [{ containerID: 0, hostID: 0, size: 65_536 }]

const configOf = (c: Container, bits: number): JsonObject => {
  const has = (name: keyof typeof circumstances) => (bits & circumstances[name]) !== 0
  const own = mounts.filter(({ destination }) => has('dev') || !String(destination).startsWith('/dev'))
  const volume = { type: 'bind', options: ['bind'] }
  return {
    root: { path: 'rootfs', readonly: has('readonly') },
    mounts: [
      ...own,
      ...(has('terminal') && !has('dev') ? mounts.filter(({ type }) => type === 'devpts') : []),
      { ...volume, destination: '/mnt/volume', source: join(c.dir, 'volume') },
      { ...volume, destination: '/mnt/file', source: join(c.dir, 'volume', 'file') },
      { destination: '/mnt/deep/tmp', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] },
      { destination: '/run', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup', 'size=1m'] },
    ],
    process: {
      terminal: has('terminal'),
      cwd: '/work/deep',
      args: script(['report'], ['cat', '/etc/passwd'], ['cat', '/mnt/file'], ['cat', '/proc/self/mountinfo']),
    },
    linux: {
      namespaces: [...namespaces, ...(has('userns') ? [{ type: 'user' }] : [])],
      uidMappings: has('userns') ? map : undefined,
      gidMappings: has('userns') ? map : undefined,
      devices: has('userns')
        ? []
        : [{ path: '/dev/listed/deep', type: 'c', major: 1, minor: 3, uid: 5, gid: 5 }],
      maskedPaths: ['/proc/keys', '/proc/kcore', '/sys/firmware', '/etc/masked'],
      readonlyPaths: ['/proc/sys', '/proc/bus', '/etc/readonly'],
    },
  }
}

const parents = [
  'bin',
  'dev',
  'dev/pts',
  'etc',
  'mnt',
  'mnt/deep',
  'proc',
  'run',
  'sys',
  'sys/fs',
  'tmp',
  'work',
]

/** The rootfs anew, with one node of that shape. */
const build = (c: Container, host: Canary, node: string, shape: Shape): void => {
  rmSync(c.rootfs, { recursive: true, force: true })
  mkdirSync(c.rootfs)
  for (const path of parents) if (!`${path}/`.startsWith(`${node}/`)) mkdirSync(join(c.rootfs, path))
  linkSync(join(c.dir, 'payload'), join(c.rootfs, 'bin', 'payload'))
  mkdirSync(dirname(join(c.rootfs, node)), { recursive: true })
  shape(join(c.rootfs, node), host)
}

const execute = (c: Container, terminal: boolean): SpawnSyncReturns<string> => {
  const line = c.line('run', '--bundle', c.bundle, c.id)
  const argv = terminal ? [payloadPath(), 'pty', '24', '80', ...line] : line
  return spawnSync(argv[0] ?? '', argv.slice(1), {
    cwd: c.bundle,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
    env: { PATH: process.env.PATH, TSRUN_TEST_TAG: c.id },
  })
}

/** Nodes that a user namespace gets from the host by their names. */
const deviceNodes = ['/null', '/zero', '/full', '/random', '/urandom', '/tty']

/** What is wrong after one image; empty when nothing is. */
const judge = (c: Container, host: Canary, before: string, shape: string, done: SpawnSyncReturns<string>) => {
  const wrong: string[] = []
  const text = `${done.stdout}${done.stderr}`
  if (done.error !== undefined || done.status === null) wrong.push(`it hangs: ${done.error?.message}`)
  if (host.snapshot() !== before) wrong.push('the canary changed')
  if (shape !== 'hard link' && text.includes(host.secret)) wrong.push('a file of the host was read')
  const info = answersIn(text).find(({ path }) => path === '/proc/self/mountinfo')
  const allowed = [join(c.dir, 'volume'), ...deviceNodes]
  if (info?.errno === null)
    for (const { point, root } of strangersIn(c, info.data, allowed))
      wrong.push(`${root} is mounted at ${point}`)
  const words = text
    .split('\n')
    .filter(line => !line.includes('{"verb"') && !line.startsWith('tsrun: warning') && line.trim() !== '')
  if (done.status !== 0 && words.length !== 1) wrong.push(`not one line: ${JSON.stringify(text)}`)
  return wrong
}

/** Numbers of the combinations that are tried: each node in each shape once, the circumstances in turn. */
const picked = (rt: Runtime): { node: string; shape: string; bits: number }[] => {
  const all: { node: string; shape: string; bits: number }[] = []
  let turn = 0
  for (const node of nodes)
    for (const shape of Object.keys(shapes))
      for (let bits = 0; bits < 16; bits++) {
        // 7 has no divisor with 16: over the shapes of a node all circumstances come.
        if (process.env.FULL !== undefined || bits === (turn * 7) % 16) all.push({ node, shape, bits })
        if (bits === 15) turn++
      }
  if (process.env.FULL !== undefined) return all
  // 31 has no divisor with the number of shapes, and thirds of neighbours differ.
  return rt.name === 'static'
    ? all.filter((_, i) => (i + Math.floor(i / shapeCount)) % 3 === 0)
    : all.filter((_, i) => i % 31 === 0)
}

const tryAll = (t: Test, rt: Runtime): void => {
  const host = canary(t)
  const c = container(t, rt)
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8')
  mkdirSync(join(c.dir, 'volume'))
  writeFileSync(join(c.dir, 'volume', 'file'), 'volume')
  linkSync(join(c.rootfs, 'bin', 'payload'), join(c.dir, 'payload'))
  let ran = 0
  let refused = 0
  for (const { node, shape, bits } of picked(rt)) {
    const what = `${node}: ${shape} (${describe(bits)})`
    build(c, host, node, shapes[shape] as Shape)
    c.configure(configOf(c, bits))
    const before = host.snapshot()
    const done = execute(c, (bits & circumstances.terminal) !== 0)
    if (done.status === 0) ran++
    else refused++
    const wrong = judge(c, host, before, shape, done)
    if (wrong.length > 0) t.fail(what, { wrong })
    if (done.status !== 0) c.call('delete', '--force', c.id)
  }
  t.comment(`${ran} images ran, ${refused} were refused`)
  t.ok(ran > refused, `${ran} images ran, ${refused} were refused`)
  t.same(mountsBelow(host.path), [], 'nothing is mounted on the host')
  t.equal(readFileSync('/proc/sys/kernel/core_pattern', 'utf8'), pattern)
}

forms(t, requires('root', 'cc', 'userns'), (t, rt) => {
  t.test('every node, every shape', { skip: rt.lacks('tsrun') }, t => {
    tryAll(t, rt)
    t.end()
  })

  t.test('a password file without end does not keep create waiting', { skip: rt.lacks('tsrun') }, t => {
    const c = container(t, rt)
    spawnSync('truncate', ['-s', '8T', join(c.rootfs, 'etc', 'passwd')])
    t.ok(c.report().env.includes('HOME=/'))
    t.end()
  })
})
