/**
 * What a careless caller has open, in its environment and in its memory does not reach a container: not its process,
 * not what exec starts, not its hooks, not what waits for start.
 */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type Container, container, type Result } from '../support/container.js'
import { strangers } from '../support/hostile.js'
import { answersIn, payloadPath, type Report, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const SECRET = 'word-of-the-caller'

/** Runs a command of the runtime with directories and files of the host open, and a secret in the environment. */
const carelessly = (c: Container, ...args: readonly string[]): Promise<Result> => {
  const open = 'exec 3</ 4</proc/1 5</etc/passwd 6</sys/fs/cgroup 7</root 9</; export SECRET="$0"; exec "$@"'
  return c.spawn('sh', '-c', open, SECRET, ...c.line(...args)).done
}

const numbers = (report: Report): string[] => Object.keys(report.fds)
const parse = (text: string): Report =>
  answersIn(text).find(({ verb }) => verb === 'report') as unknown as Report

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('the process', async t => {
    const c = container(t, rt, { process: { args: script(['report']) } })
    for (const flags of [[], ['--no-pivot'], ['--keep']]) {
      if (flags[0] === '--keep' && rt.lacks('tsrun')) continue
      const { status, stdout, stderr } = await carelessly(c, 'run', '--bundle', c.bundle, ...flags, c.id)
      t.equal(status, 0, stderr)
      t.same(numbers(parse(stdout)), ['0', '1', '2'])
      t.notMatch(stdout, SECRET)
      c.del('--force')
    }
  })

  t.test('with --preserve-fds, those and no more', async t => {
    const c = container(t, rt, { process: { args: script(['report']) } })
    const { stdout } = await carelessly(c, 'run', '--bundle', c.bundle, '--preserve-fds', '1', c.id)
    t.same(numbers(parse(stdout)), ['0', '1', '2', '3'])
  })

  t.test('what exec starts', async t => {
    const c = container(t, rt, { process: { args: script(['wait']) } })
    c.run('--detach')
    const { status, stdout } = await carelessly(c, 'exec', c.id, ...script(['report']))
    t.equal(status, 0)
    t.same(numbers(parse(stdout)), ['0', '1', '2'])
    t.notMatch(stdout, SECRET)
  })

  t.test('hooks', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt)
    const out = join(c.dir, 'out-of-hooks')
    mkdirSync(out)
    const hook = (kind: string, path: string, file: string) => ({
      [kind]: [{ path, args: ['payload', 'hook', kind, file, ';', 'report'], env: ['OWN=1'] }],
    })
    const kinds = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop']
    c.configure({
      hooks: {
        ...Object.assign({}, ...kinds.map(kind => hook(kind, payloadPath(), join(out, kind)))),
        ...hook('startContainer', '/bin/payload', '/tmp/startContainer'),
      },
    })
    const { status, stderr } = await carelessly(c, 'run', '--bundle', c.bundle, c.id)
    t.equal(status, 0, stderr)
    for (const file of [...kinds.map(kind => join(out, kind)), join(c.rootfs, 'tmp', 'startContainer')]) {
      const text = readFileSync(file, 'utf8')
      t.same(numbers(parse(text)), ['0', '1', '2'], file)
      t.notMatch(text, SECRET, 'the environment is the hook’s own')
    }
  })

  t.test('what waits for start', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt, { process: { args: script(['wait']), user: { uid: 1000, gid: 1000 } } })
    const silent = ['sh', '-c', '"$@" </dev/null >/dev/null 2>&1', 'sh']
    const open = 'exec 3</ 4</proc/1 5</etc/passwd 6</sys/fs/cgroup; export SECRET="$0"; exec "$@"'
    await c.spawn(...silent, 'sh', '-c', open, SECRET, ...c.line('create', '--bundle', c.bundle, c.id)).done
    const { pid } = c.state()
    const fds = readdirSync(`/proc/${pid}/fd`).map(fd => readlinkSync(`/proc/${pid}/fd/${fd}`))
    const rest = fds.filter(target => target !== '/dev/null').map(target => target.replace(/^.*\//, ''))
    t.same(rest.sort(), ['exec.fifo', 'fd'], `the fifo, and the directory through which it is opened: ${fds}`)
    t.equal(readFileSync(`/proc/${pid}/environ`, 'utf8'), '')
    t.notMatch(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), SECRET)
    t.equal(statSync(`/proc/${pid}/mem`).uid, 0, 'not dumpable: its files in procfs belong to root')
    t.equal(readlinkSync(`/proc/${pid}/cwd`), readlinkSync(`/proc/${pid}/root`), 'it stands in its own root')
    t.same(strangers(c, pid), [], 'no mount of the host')
  })
})
