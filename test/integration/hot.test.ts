/**
 * What ordinary commands load: nothing that tools/split.mjs moved away because ordinary commands do not call it. When this fails,
 * `node tools/profile.mjs` as root writes the list of what they do not call again.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import t from 'tap'
import { mounts } from '../support/config.js'
import { type Container, container } from '../support/container.js'
import { repository, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { type Runtime, runtimes } from '../support/runtime.js'

const npm = runtimes().find(({ name }) => name === 'npm')
const skip = npm === undefined ? 'the npm form shows what is loaded' : requires('root', 'cc')

/** Runs a command, and tells which parts were read. What reads them is replaced before the program starts. */
const watch = (c: Container, around: readonly string[] = []) => {
  const log = join(c.dir, 'loaded')
  const hook = join(c.dir, 'hook.cjs')
  writeFileSync(
    hook,
    `const fs = require('fs'), { appendFileSync, readFileSync, openSync } = fs
     const told = call => (path, ...how) => {
       if (/^\\w+\\.(v8|cjs)$/.test(String(path).replace(${JSON.stringify(join(repository, 'dist/'))}, '')))
         appendFileSync(${JSON.stringify(log)}, path + '\\n')
       return call(path, ...how)
     }
     fs.readFileSync = told(readFileSync)
     fs.openSync = told(openSync)`,
  )
  const program = join(repository, 'dist/tsrun.cjs')
  return (args: readonly string[]) => {
    rmSync(log, { force: true })
    const words = ['-r', hook, program, ...args]
    // Not with pipes, which the container would hold open.
    const [file = '', ...line] = [...around, process.execPath, ...words]
    const { status } = spawnSync(file, line, { stdio: 'ignore' })
    const text = existsSync(log) ? readFileSync(log, 'utf8') : ''
    // tsrun.cjs itself is read by Node. Without a cache that V8 takes, a part is looked for twice.
    const parts = text.split('\n').filter(path => path !== '' && path !== program)
    return { status, parts: [...new Set(parts.map(path => basename(path, extname(path))))] }
  }
}

t.test('ordinary commands load no rare part', { skip }, t => {
  const c = container(t, npm as Runtime, { process: { args: script(['wait']) } })
  const watched = watch(c)
  const loads = (expected: readonly string[], ...args: readonly string[]) =>
    t.same(watched(args), { status: 0, parts: expected }, args.join(' '))
  const root = ['--root', c.stateRoot]

  loads(['boot', 'create'], ...root, 'create', '--bundle', c.bundle, c.id)
  loads(['boot', 'lifecycle'], ...root, 'start', c.id)
  loads(['boot', 'lifecycle'], ...root, 'state', c.id)
  // It shares the code that makes processes with create.
  loads(['boot', 'exec', 'create'], ...root, 'exec', c.id, '/bin/payload', 'exit', '0')
  loads(['boot', 'lifecycle'], ...root, 'kill', c.id, 'KILL')
  c.call('delete', '--force', c.id)
  c.configure({ process: { args: script(['exit', 0]) } })
  loads(['boot', 'create'], ...root, 'run', '--bundle', c.bundle, c.id)
  loads(['boot', 'create'], 'run', '--bundle', c.bundle, c.id)
  t.end()
})

t.test('nor do those of engines', { skip }, t => {
  const c = container(t, npm as Runtime, { process: { args: script(['wait']) } })
  const hook = { path: '/bin/true', args: ['true'] }
  const options = ['rbind', 'rprivate', 'ro']
  const mount = { destination: '/etc/hostname', type: 'bind', source: '/etc/hostname', options }
  c.configure({ hooks: { prestart: [hook] }, mounts: [...mounts, mount] })
  const watched = watch(c)
  const engine = ['--root', c.stateRoot, '--log', join(c.dir, 'log'), '--log-format', 'json']
  const loads = (expected: readonly string[], ...args: readonly string[]) =>
    t.same(watched([...engine, ...args]), { status: 0, parts: expected }, args.join(' '))
  const pidFile = ['--pid-file', join(c.dir, 'pid')]
  const process = join(c.dir, 'process.json')
  writeFileSync(process, JSON.stringify({ args: script(['exit', 0]), cwd: '/', env: ['PATH=/bin'] }))

  loads(['boot', 'create'], 'create', '--bundle', c.bundle, ...pidFile, c.id)
  loads(['boot', 'lifecycle'], 'start', c.id)
  loads(['boot', 'exec', 'create'], 'exec', '--process', process, '--detach', ...pidFile, c.id)
  loads(['boot', 'lifecycle'], 'kill', c.id, '9')
  loads(['boot', 'lifecycle'], 'kill', '--all', c.id, '9')
  loads(['boot', 'lifecycle'], 'delete', '--force', c.id)
  t.end()
})

t.test('nor where there is only cgroup v2', { skip: skip || requires('cgroup1') }, async t => {
  const c = container(t, npm as Runtime, { process: { args: script(['exit', 0]) } })
  const view = 'umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup /sys/fs/cgroup && exec "$@"'
  const watched = watch(c, ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', view, 'sh'])
  const args = ['--root', c.stateRoot, 'run', '--bundle', c.bundle, c.id]
  t.same(watched(args), { status: 0, parts: ['boot', 'create'] })
})

t.test('with systemd its parts alone', { skip: skip || requires('systemd') }, async t => {
  const c = container(t, npm as Runtime, { process: { args: script(['exit', 0]) } })
  c.configure({ linux: { cgroupsPath: `tsrun-hot.slice:hot:${c.id}` } })
  const args = ['--root', c.stateRoot, '--systemd-cgroup', 'run', '--bundle', c.bundle, c.id]
  const { status, parts } = watch(c)(args)
  t.same({ status, parts: [...parts].sort() }, { status: 0, parts: ['boot', 'create', 'systemd', 'unit'] })
})
