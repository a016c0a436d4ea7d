/**
 * A container that has made a trap of itself before somebody enters it: its terminals, its password file, its /proc and its
 * programs are something else by then. `exec` works or ends with one line, soon, and the host is as it was.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Container, container, until } from '../support/container.js'
import { canary, linkTo } from '../support/hostile.js'
import { answersIn, payloadPath, script, type Verb } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'

const mayMount = ['CAP_SYS_ADMIN', 'CAP_MKNOD', 'CAP_DAC_OVERRIDE']

/** What the container does to itself. */
const traps: Readonly<Record<string, readonly Verb[]>> = {
  'a tmpfs over its terminals': [['mount', 'tmpfs', '/dev/pts']],
  'a tmpfs over its terminals, with a fifo for ptmx': [
    ['mount', 'tmpfs', '/dev/pts'],
    ['mknod', '/dev/pts/ptmx', 'p', 0, 0],
  ],
  'a tmpfs over its terminals, with another device for ptmx': [
    ['mount', 'tmpfs', '/dev/pts'],
    ['mknod', '/dev/pts/ptmx', 'c', 1, 5],
  ],
  'a tmpfs over /dev': [['mount', 'tmpfs', '/dev']],
  'a tmpfs over /proc': [['mount', 'tmpfs', '/proc']],
  'a tmpfs over /proc, with files like those of procfs': [
    ['mount', 'tmpfs', '/proc'],
    ['mkdir', '/proc/self'],
    ['mkdir', '/proc/self/fd'],
    ['mkdir', '/proc/self/attr'],
    ['write', '/proc/self/attr/exec', 'x'],
  ],
  'a tmpfs over all of it': [['mount', 'tmpfs', '/']],
  'a tmpfs over /sys and /tmp': [
    ['mount', 'tmpfs', '/sys'],
    ['mount', 'tmpfs', '/tmp'],
  ],
}

const enter = (c: Container, terminal: boolean, ...args: readonly string[]) => {
  const line = c.line('exec', ...(terminal ? ['--tty'] : []), c.id, ...args)
  const argv = terminal ? [payloadPath(), 'pty', '24', '80', ...line] : line
  return spawnSync(argv[0] ?? '', argv.slice(1), {
    cwd: c.bundle,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 10_000,
    killSignal: 'SIGKILL',
    env: { PATH: process.env.PATH, TSRUN_TEST_TAG: c.id },
  })
}

/** Ended by itself, and with what the program said or one line. */
const isClear = (t: Test, what: string, done: ReturnType<typeof enter>): void => {
  t.not(done.status, null, `${what}: it ends`)
  const words = `${done.stdout}${done.stderr}`
    .split('\n')
    .filter(text => text.trim() !== '' && !text.includes('"verb"'))
  if (done.status !== 0 && words.length !== 1) t.same(words, ['one line'], what)
}

const sprung = (t: Test, rt: Runtime, what: string, verbs: readonly Verb[]): void => {
  const host = canary(t)
  const sets = { bounding: mayMount, effective: mayMount, permitted: mayMount }
  const c = container(t, rt, {
    process: { capabilities: sets, args: script(...verbs, ['echo', 'done'], ['wait']) },
  })
  t.equal(c.run('--detach').status, 0)
  t.ok(
    until(() => c.output().includes('done')),
    `the trap is set: ${answersIn(c.output()).map(({ errno }) => errno)}`,
  )
  const before = host.snapshot()
  for (const terminal of [false, true])
    isClear(t, `${what}, ${terminal}`, enter(c, terminal, ...script(['true'])))
  t.equal(host.snapshot(), before)
}

forms(t, requires('root', 'cc'), (t, rt) => {
  const skip = rt.lacks('tsrun')
  for (const [what, verbs] of Object.entries(traps))
    t.test(what, { skip }, t => {
      sprung(t, rt, what, verbs)
      t.end()
    })

  t.test('files of the image that exec looks at', { skip }, t => {
    const host = canary(t)
    const c = container(t, rt, { process: { args: script(['wait']) } })
    c.run('--detach')
    const before = host.snapshot()
    const places: readonly (readonly [string, (path: string) => unknown])[] = [
      ['a fifo', path => spawnSync('mknod', [path, 'p'])],
      ['a directory', path => mkdirSync(path)],
      ['a loop', path => symlinkSync(path.slice(path.lastIndexOf('/') + 1), path)],
      ['a file of the host', path => linkTo(c, path.slice(c.rootfs.length + 1), `${host.up}/file`)],
      ['a magic link', path => symlinkSync('/proc/self/fd/3', path)],
      ['a device', path => spawnSync('mknod', [path, 'c', '1', '5'])],
      ['garbage', path => writeFileSync(path, Buffer.alloc(100_000, 0xff), { mode: 0o755 })],
      ['half a line', path => writeFileSync(path, `${'x:'.repeat(9000)}\nroot:x:0:0:`, { mode: 0o755 })],
    ]
    for (const [what, make] of places)
      for (const path of ['etc/passwd', 'bin/prog', 'etc/group']) {
        rmSync(join(c.rootfs, path), { recursive: true, force: true })
        make(join(c.rootfs, path))
        const program = path === 'bin/prog' ? ['/bin/prog'] : script(['report'])
        const done = enter(c, false, ...program)
        isClear(t, `${path} is ${what}`, done)
        if (path === 'bin/prog') t.not(done.status, 0, `${path} is ${what}: refused`)
        else t.equal(done.status, 0, `${path} is ${what}: ${done.stderr}`)
        t.notMatch(`${done.stdout}${done.stderr}`, host.secret)
        rmSync(join(c.rootfs, path), { recursive: true, force: true })
      }
    t.equal(host.snapshot(), before)
    t.end()
  })
})
