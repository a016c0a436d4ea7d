/** A container's terminal in a shell with job control: whose turn it is, and whom the user's terminal belongs to when something ends. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Container, container, type Running, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { payloadPath, script, type Verb } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'

const onTerminal = (...verbs: readonly Verb[]) => ({ process: { terminal: true, args: script(...verbs) } })

/** An interactive shell on a terminal. `types` sends a line; `asks` sends one and waits until the shell has done it. */
const shell = (c: Container) => {
  // readline would set the terminal for itself; what the shell has is what programs left to it.
  const running = c.spawn(payloadPath(), 'pty', '24', '80', 'bash', '--norc', '--noediting', '-i')
  let count = 0
  const types = (line: string) => running.child.stdin?.write(`${line}\n`)
  const asks = async (line: string) => {
    count++
    types(`${line}; echo ask$((0))ed${count}.`)
    await running.says(`ask0ed${count}.`)
  }
  return { running, types, asks, ends: () => ends(running) }
}

const ends = async (running: Running) => {
  running.child.stdin?.write('exit 0\n')
  return running.done
}

const word = (c: Container, name: string) => readFileSync(join(c.dir, name), 'utf8').trim()

/** A command whose process says its pid, and then becomes `line`. */
const named = (c: Container, line: readonly string[]): string =>
  `(echo $BASHPID >${c.dir}/pid; exec ${line.map(text => `'${text}'`).join(' ')})`

const pidOf = (c: Container): number => {
  until(() => {
    try {
      return word(c, 'pid') !== ''
    } catch {
      return false
    }
  })
  return Number(word(c, 'pid'))
}

/** As in ps; empty when there is no such process. */
const stateOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] ?? ''
  } catch {
    return ''
  }
}

/** A signal to somebody who may have ended of the one before. */
const tell = (pid: number, name: NodeJS.Signals) => {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Nobody can, what stops a process, and what Go and C tell themselves (runc, the payload's pty). */
const rest = ['SIGKILL', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGPROF', 'SIGPIPE']

/** Both commands that relay a terminal, each with a container for it. */
const commands = ['run', 'exec'] as const
const relaying = (t: Test, rt: Runtime, command: (typeof commands)[number], ...verbs: readonly Verb[]) => {
  if (command === 'run') {
    const c = container(t, rt, onTerminal(...verbs))
    return { c, line: c.line('run', '--bundle', c.bundle, c.id) }
  }
  const c = container(t, rt, { process: { args: script(['wait']) } })
  t.equal(c.run('--detach').status, 0)
  return { c, line: c.line('exec', '--tty', c.id, ...script(...verbs)) }
}

/** Ends what the command waits for; what is typed then is the shell's. */
const finish = (command: (typeof commands)[number], c: Container, pid: number) => {
  if (command === 'run') c.kill('KILL')
  else
    for (const other of JSON.parse(c.call('ps', '--format', 'json', c.id).stdout) as number[])
      if (other !== c.state().pid) process.kill(other, 'SIGKILL')
  c.ended(pid)
}

forms(t, requires('root', 'cc', 'busybox'), (t, rt) => {
  for (const command of commands) {
    t.test(`${command}: stopped, the terminal is the shell’s; continued, the container’s`, async t => {
      const { c, line } = relaying(t, rt, command, ['echo', 'ready'], ['copy'])
      const { running, types, asks, ends } = shell(c)
      await asks(`stty -g >${c.dir}/before`)
      types(named(c, line))
      await running.says('ready\r')
      const pid = pidOf(c)
      for (const round of [1, 2]) {
        process.kill(pid, 'SIGSTOP')
        t.ok(
          until(() => stateOf(pid) === 'T'),
          'it is stopped',
        )
        await asks(`stty -g >${c.dir}/stopped`)
        t.equal(word(c, 'stopped'), word(c, 'before'), `the shell has its terminal, ${round}`)
        types('fg')
        t.ok(
          until(() => stateOf(pid) !== 'T'),
          'it goes on',
        )
        running.child.stdin?.write(`round${round}\r`)
        await running.says(`round${round}`)
      }
      finish(command, c, pid)
      await asks(`stty -g >${c.dir}/after`)
      t.equal(word(c, 'after'), word(c, 'before'))
      t.equal((await ends()).status, 0)
    })

    t.test(`${command} in the background waits for its turn`, { skip: rt.lacks('tsrun') }, async t => {
      const { c, line } = relaying(t, rt, command, ['echo', 'ready'], ['copy'])
      const { running, types, asks, ends } = shell(c)
      await asks(`stty tostop; stty -g >${c.dir}/before`)
      types(`${named(c, line)} &`)
      const pid = pidOf(c)
      t.ok(
        until(() => stateOf(pid) === 'T'),
        'it is stopped instead of taking the terminal',
      )
      await asks(`stty -g >${c.dir}/stopped`)
      t.equal(word(c, 'stopped'), word(c, 'before'), 'which stays the shell’s')
      await asks('bg')
      t.ok(
        until(() => stateOf(pid) === 'T'),
        'bg gives no terminal',
      )
      types('fg')
      await running.says('ready\r')
      running.child.stdin?.write('typed\r')
      await running.says('typed')
      finish(command, c, pid)
      await asks(`stty -g >${c.dir}/after`)
      t.equal(word(c, 'after'), word(c, 'before'))
      t.equal((await ends()).status, 0)
    })

    t.test(`${command}: no signal ends it before the terminal is back`, async t => {
      const { c, line } = relaying(t, rt, command, ['echo', 'ready'], ['wait'])
      const { running, types, asks, ends } = shell(c)
      await asks(`stty -g >${c.dir}/before`)
      types(named(c, line))
      await running.says('ready\r')
      const pid = pidOf(c)
      for (const name of Object.keys(constants.signals) as NodeJS.Signals[])
        if (!rest.includes(name)) tell(pid, name)
      if (command === 'run') t.equal(c.state().status, 'running', 'init has no handlers')
      else c.ended(pid)
      if (command === 'run') finish(command, c, pid)
      await asks(`stty -g >${c.dir}/after`)
      t.equal(word(c, 'after'), word(c, 'before'))
      t.equal((await ends()).status, 0)
    })
  }

  t.test('a program that cannot be executed after all', async t => {
    const c = container(t, rt, { process: { terminal: true, args: ['/bin/data'] } })
    writeFileSync(join(c.rootfs, 'bin', 'data'), 'data', { mode: 0o755 })
    const { asks, ends } = shell(c)
    await asks(`stty -g >${c.dir}/before`)
    await asks(`${c.line('run', '--bundle', c.bundle, c.id).join(' ')}`)
    await asks(`stty -g >${c.dir}/after`)
    t.equal(word(c, 'after'), word(c, 'before'))
    const { stdout } = await ends()
    t.match(stdout, /exec format error/)
    t.same(c.leaks(), nothing)
  })

  t.test('a poststart hook that fails', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt, { ...onTerminal(['wait']), hooks: { poststart: [{ path: '/bin/false' }] } })
    const { asks, ends } = shell(c)
    await asks(`stty -g >${c.dir}/before`)
    await asks(`${c.line('run', '--bundle', c.bundle, c.id).join(' ')}`)
    await asks(`stty -g >${c.dir}/after`)
    t.equal(word(c, 'after'), word(c, 'before'))
    t.match((await ends()).stdout, /poststart hook \/bin\/false: exit status 1/)
    t.same(c.leaks(), nothing)
  })

  t.test('a terminal that is gone: the container goes on, and nobody is busy', async t => {
    const c = container(t, rt, onTerminal(['echo', 'ready'], ['wait']))
    const line = c.line('run', '--bundle', c.bundle, c.id)
    const running = c.spawn(payloadPath(), 'pty', '24', '80', 'bash', '-c', `${named(c, line)}; :`)
    await running.says('ready\r')
    const pid = pidOf(c)
    running.child.kill('SIGKILL')
    await new Promise(done => setTimeout(done, 200))
    t.equal(c.state().status, 'running')
    const ticks = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ').slice(13, 15).map(Number)
    const before = ticks()
    await new Promise(done => setTimeout(done, 1000))
    t.ok((ticks()[0] ?? 0) + (ticks()[1] ?? 0) - (before[0] ?? 0) - (before[1] ?? 0) < 10, 'it waits')
    t.equal(c.kill('KILL').status, 0)
    t.ok(until(() => JSON.stringify(c.leaks()) === JSON.stringify(nothing)))
  })

  t.test('more than a terminal holds, from a pipe', { skip: rt.lacks('tsrun') }, async t => {
    const args = ['/bin/busybox', 'sh', '-c', 'stty -echo; echo ready; busybox cat >/tmp/typed; exit 3']
    const c = container(t, rt, { process: { terminal: true, args } })
    copyFileSync('/bin/busybox', join(c.rootfs, 'bin', 'busybox'))
    const running = c.spawn(...c.line('run', '--bundle', c.bundle, c.id))
    await running.says('ready')
    const lines = Array.from({ length: 50_000 }, (_, i) => `${i} ${'z'.repeat(i % 100)}\n`).join('')
    running.child.stdin?.end(`${lines}\x04`)
    t.equal((await running.done).status, 3)
    t.equal(readFileSync(join(c.rootfs, 'tmp', 'typed'), 'utf8'), lines)
  })
})
