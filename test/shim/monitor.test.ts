/** The monitor of a foreground container: it is what `tsrun run` becomes. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { Op } from '../../src/plan/op.js'
import { payloadPath } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { encode, host, monitor, scratch, shim, tool } from './support.js'

const skip = requires('cc')
const foreground = skip === false ? tool('foreground') : ''
/** Of `pid` in the first op: behind the header and the head of its record. */
const PID_OFFSET = '48'

interface Options {
  readonly tty?: boolean
  readonly more?: readonly Op[]
  /** Run on a terminal of this many rows and columns. */
  readonly terminal?: readonly [number, number]
  readonly around?: (command: string) => string
}

function start(
  t: Tap,
  command: readonly string[],
  { tty = false, more = [], terminal }: Options = {},
): ChildProcess {
  const plan = join(scratch(t), 'plan')
  const supervise = monitor({ op: 'supervise', pid: 1, ...(tty && { console: 20 }) })
  writeFileSync(plan, encode([supervise, ...more, monitor({ op: 'exit_like_init' })]))
  const args = [plan, PID_OFFSET, tty ? '1' : '0', shim, ...command]
  if (terminal === undefined) return spawn(foreground, args)
  return spawn(payloadPath(), ['pty', ...terminal.map(String), foreground, ...args])
}
interface Tap {
  teardown(f: () => void): void
}

interface Ended {
  readonly code: number | null
  readonly output: string
}
function end(child: ChildProcess): Promise<Ended> {
  let output = ''
  child.stdout?.on('data', data => {
    output += data
  })
  child.stderr?.on('data', data => {
    output += data
  })
  return new Promise(resolve => child.on('close', code => resolve({ code, output })))
}
const run = (...args: Parameters<typeof start>) => end(start(...args))
const sh = (script: string) => ['sh', '-c', script]
const said = (child: ChildProcess, text: string) =>
  new Promise<void>(resolve =>
    child.stdout?.on('data', data => {
      if (String(data).includes(text)) resolve()
    }),
  )

t.test('ends like init', { skip }, async t => {
  t.same(await run(t, sh('echo out; echo err >&2; exit 7')), { code: 7, output: 'out\nerr\n' })
  t.same((await run(t, sh('kill -9 $$'))).code, 137)
  t.same((await run(t, ['true'])).code, 0)
})

t.test('passes signals on', { skip }, async t => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGTSTP', 'SIGCONT', 'SIGQUIT'] as const) {
    const child = start(t, [
      payloadPath(),
      'trap',
      String(
        { SIGTERM: 15, SIGINT: 2, SIGHUP: 1, SIGUSR1: 10, SIGTSTP: 20, SIGCONT: 18, SIGQUIT: 3 }[signal],
      ),
    ])
    const ended = end(child)
    await said(child, 'trap')
    child.kill(signal)
    const { code, output } = await ended
    t.equal(code, 0, `${signal} ${output}`)
  }
})

t.test('reaps what is re-parented to it, and is small', { skip }, async t => {
  const child = start(t, sh('(sleep 0.1 & sleep 0.1 &); echo ready; sleep 1'))
  const ended = end(child)
  await said(child, 'ready')
  await new Promise(resolve => setTimeout(resolve, 500))
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')
  t.equal(children.length, 1, 'only init is left')
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  const size = Number(/VmRSS:\s*(\d+)/.exec(status)?.[1])
  t.ok(size <= (process.env.TSRUN_SANITIZE === '1' ? 20000 : 300), `${size} kB resident`)
  t.equal((await ended).code, 0)
})

t.test('releases init, and hands a failure back', { skip }, async t => {
  const dir = scratch(t)
  const fifo = join(dir, 'fifo')
  const plan = join(dir, 'plan')
  const play = (script: string, ...more: readonly Op[]): Promise<Ended> => {
    if (!existsSync(fifo)) execFileSync('mkfifo', [fifo])
    const release = monitor({
      op: 'release',
      pid: 1,
      fifo: host(fifo),
      says: 1,
      args: ['/bin/sh', '-c', 'echo "$A $1"; exit 9', 'sh'],
      env: ['A=told'],
    })
    const rest = [monitor({ op: 'supervise', pid: 1 }), monitor({ op: 'exit_like_init' })]
    writeFileSync(plan, encode([release, ...more, ...rest]))
    return end(spawn(foreground, [plan, PID_OFFSET, '0', shim, ...sh(script)]))
  }
  t.same(await play(`exec 7>${fifo}; exec 7>&-; exit 5`), { code: 5, output: '' })
  t.notOk(existsSync(fifo), 'the fifo is gone')
  t.same(await play(`printf frame >${fifo}; sleep 9`), { code: 9, output: 'told init:6672616d65\n' })
  t.same(await play('exit 3'), { code: 9, output: 'told init:\n' }, 'a silent death')
  const hook = monitor({
    op: 'run_hook',
    path: '/bin/false',
    args: ['false'],
    env: [],
    timeout: 0,
    before: '',
    after: '',
  })
  const { code, output } = await play(`exec 7>${fifo}; exec 7>&-; exec sleep 9`, hook)
  t.equal(code, 9)
  t.match(output, /^told monitor:04000000010000000400000001000000\n$/, 'a hook before supervise')
})

t.test('tidies up, missing things included', { skip }, async t => {
  const dir = scratch(t)
  writeFileSync(join(dir, 'file'), '')
  mkdirSync(join(dir, 'directory'))
  mkdirSync(join(dir, 'cgroup'))
  const path = (name: string) => host(join(dir, name))
  const more = ['file', 'directory', 'cgroup', 'missing'].flatMap(name => [
    monitor({ op: 'remove_file', path: path(name === 'file' ? name : 'missing') }),
    monitor({ op: 'remove_directory', path: path(name === 'directory' ? name : 'missing') }),
    monitor({ op: 'remove_cgroup', path: path(name === 'cgroup' ? name : 'missing') }),
  ])
  const hook = monitor({
    op: 'run_hook',
    path: '/bin/sh',
    args: ['sh', '-c', `cat > ${dir}/hook`],
    env: [],
    timeout: 5,
    before: '{"pid":',
    after: '}',
  })
  const rescue = monitor({
    op: 'clean_up_after_failure',
    args: ['/bin/sh', '-c', `echo $A > ${dir}/rescue`],
    env: ['A=b'],
  })
  t.same(await run(t, sh('exit 3'), { more: [...more, hook, rescue] }), { code: 3, output: '' })
  t.same(
    ['file', 'directory', 'cgroup', 'rescue'].map(name => existsSync(join(dir, name))),
    [false, false, false, false],
  )
  t.equal(readFileSync(join(dir, 'hook'), 'utf8'), '{"pid":}', 'the shim puts no pid there')
  const full = monitor({ op: 'remove_directory', path: host(dir) })
  t.same(await run(t, sh('exit 3'), { more: [full, rescue] }), { code: 3, output: '' })
  t.equal(readFileSync(join(dir, 'rescue'), 'utf8'), 'b\n')
})

t.test('reports kills for memory', { skip }, async t => {
  const dir = scratch(t)
  const file = join(dir, 'events')
  const report = monitor({
    op: 'report_oom',
    file: host(file),
    args: ['/bin/sh', '-c', `echo $A >> ${dir}/told`],
    env: ['A=b'],
  })
  const told = async (content: string | undefined) => {
    if (content !== undefined) writeFileSync(file, content)
    t.same(await run(t, sh('exit 3'), { more: [report] }), { code: 3, output: '' }, content ?? 'none')
    return existsSync(join(dir, 'told'))
  }
  t.notOk(await told(undefined), 'no file')
  for (const none of [
    '',
    'oom_kill 0\n',
    'oom_kill',
    'low 5\noom 3\noom_kill 0\noom_group_kill 4\n',
    'xoom_kill 2\n',
  ])
    t.notOk(await told(none), none)
  t.ok(await told('oom_kill_disable 0\nunder_oom 0\noom_kill 12'))
})

t.test('a count that is gone is looked for when init was killed', { skip }, async t => {
  for (const [end, tells] of [
    ['exit 1', false],
    ['exit 137', true],
    ['kill -9 $$', true],
    ['kill -15 $$', false],
  ] as const) {
    const dir = scratch(t)
    const args = ['/bin/sh', '-c', `> ${dir}/told`]
    await run(t, sh(end), {
      more: [monitor({ op: 'report_oom', file: host(join(dir, 'none')), args, env: [] })],
    })
    t.equal(existsSync(join(dir, 'told')), tells, end)
  }
})

t.test('has systemd stop a unit: its cgroup that goes is the answer', { skip }, async t => {
  const dir = scratch(t)
  const cgroup = join(dir, 'cgroup')
  const path = join(dir, 'socket')
  const rescued = () => existsSync(join(dir, 'rescue'))
  const stop = async (how: string, answer: (socket: Socket) => void) => {
    let got = ''
    const server = createServer(socket => {
      socket.on('error', () => {})
      socket.on('data', data => {
        got += data
        answer(socket)
      })
    })
    if (how !== 'nobody listens') await new Promise<void>(done => server.listen(path, done))
    mkdirSync(cgroup, { recursive: true })
    if (how === 'gone already') rmdirSync(cgroup)
    rmSync(join(dir, 'rescue'), { force: true })
    const begin = Date.now()
    const message = new TextEncoder().encode('hi stop it -----')
    const more = [
      monitor({ op: 'stop_unit', cgroup: host(cgroup), socket: host(path), message, first: 3, length: 10 }),
      monitor({ op: 'clean_up_after_failure', args: ['/bin/sh', '-c', `> ${dir}/rescue`], env: [] }),
    ]
    t.same(await run(t, sh('exit 3'), { more }), { code: 3, output: '' }, how)
    await new Promise(done => server.close(done))
    return { got, rescued: rescued(), took: Date.now() - begin }
  }
  let words = 0
  const remove = (socket: Socket) => {
    socket.write('words')
    if (++words === 2) setTimeout(() => rmdirSync(cgroup), 50)
  }
  t.match(await stop('told', remove), { got: 'hi stop it', rescued: false })
  t.match(await stop('gone already', () => {}), { got: '', rescued: false })
  t.match(await stop('nobody listens', () => {}), { rescued: true })
  t.match(await stop('hung up', socket => socket.destroy()), { rescued: true })
  const { rescued: late, took } = await stop('hangs', () => {})
  t.ok(late && took >= 1000 && took < 4000, `after a second: ${took} ms`)
})

t.test('waits for a busy cgroup, one second at most', { skip: requires('root', 'cgroup1') }, async t => {
  const cgroup = `/sys/fs/cgroup/pids/tsrun-test-${process.pid}`
  mkdirSync(join(cgroup, 'below'), { recursive: true })
  t.teardown(() => execFileSync('rmdir', [cgroup]))
  setTimeout(() => execFileSync('rmdir', [join(cgroup, 'below')]), 400)
  const more = [monitor({ op: 'remove_cgroup', path: host(cgroup) })]
  t.equal((await run(t, ['true'], { more })).code, 0)
  t.notOk(existsSync(cgroup), 'gone once it was free')
  mkdirSync(join(cgroup, 'below'), { recursive: true })
  const dir = scratch(t)
  const rescue = monitor({
    op: 'clean_up_after_failure',
    args: ['/bin/sh', '-c', `> ${dir}/rescue`],
    env: [],
  })
  const before = Date.now()
  await run(t, ['true'], { more: [...more, ...more, ...more, ...more, rescue] })
  t.ok(Date.now() - before < 3000, 'not for ever, and once')
  t.ok(existsSync(join(dir, 'rescue')))
  execFileSync('rmdir', [join(cgroup, 'below')])
})

t.test('a terminal', { skip }, async t => {
  const terminal = [31, 97] as const
  t.test('nothing of a large output is lost', async t => {
    const script = 'sleep 0.1; head -c 2000000 /dev/zero | tr "\\0" x; echo; echo end'
    for (const options of [{ tty: true }, { tty: true, terminal }]) {
      const { code, output } = await run(t, sh(script), options)
      t.equal(code, 0)
      const newline = 'terminal' in options ? '\r\n' : '\n'
      t.equal(output.length, 2000000 + 3 + 2 * newline.length)
      t.ok(output.endsWith(`x${newline}end${newline}`))
    }
  })
  t.test('size, and its change', async t => {
    const child = start(t, sh('sleep 0.2; stty size; tty >/dev/null && echo tty; sleep 0.7; stty size'), {
      tty: true,
      terminal,
    })
    const ended = end(child)
    await said(child, 'tty')
    child.kill('SIGUSR1')
    t.same(await ended, { code: 0, output: '31 97\r\ntty\r\n37 117\r\n' })
  })
  t.test('input', async t => {
    const child = start(t, sh('sleep 0.2; stty -echo; echo go; read line; echo "got $line"'), {
      tty: true,
      terminal,
    })
    const ended = end(child)
    await said(child, 'go')
    child.stdin?.write('hello\r')
    t.match(await ended, { code: 0, output: /go\r\ngot hello\r\n$/ })
    const interrupted = start(
      t,
      sh('trap "echo trapped; exit 4" INT; echo go; while :; do sleep 0.1; done'),
      { tty: true, terminal },
    )
    const stopped = end(interrupted)
    await said(interrupted, 'go')
    interrupted.stdin?.write('\x03')
    t.match(await stopped, { code: 4, output: /trapped/ }, 'control-C goes to the container')
  })
  t.test('the user’s terminal is as it was', async t => {
    const plan = join(scratch(t), 'plan')
    writeFileSync(
      plan,
      encode([monitor({ op: 'supervise', pid: 1, console: 20 }), monitor({ op: 'exit_like_init' })]),
    )
    const script = `stty -g; ${foreground} ${plan} ${PID_OFFSET} 1 ${shim} true; stty -g; ${foreground} ${plan} ${PID_OFFSET} 1 ${shim} sleep 9 & sleep 0.3; stty -g; kill -9 $(pgrep -x -P $! sleep); wait; stty -g`
    const { output } = await end(spawn(payloadPath(), ['pty', '9', '9', 'sh', '-c', script]))
    const states = output.trim().split(/\s+/)
    t.equal(states.length, 4, output)
    t.equal(states[1], states[0])
    t.equal(states[3], states[0])
  })
  t.test('job control', async t => {
    const plan = join(scratch(t), 'plan')
    writeFileSync(
      plan,
      encode([monitor({ op: 'supervise', pid: 1, console: 20 }), monitor({ op: 'exit_like_init' })]),
    )
    const script = [
      `${foreground} ${plan} ${PID_OFFSET} 1 ${shim} sh -c 'read line; echo "got $line"' &`,
      'sleep 0.4; jobs; stty -a | grep -o ".icanon"',
      'fg >/dev/null; jobs; echo left',
    ]
    const child = spawn(payloadPath(), ['pty', '9', '9', 'bash', '-mc', script.join('\n')])
    const ended = end(child)
    await said(child, 'icanon')
    setTimeout(() => child.stdin?.write('hello\r'), 400)
    const { output } = await ended
    t.match(output, /Stopped/, 'a background job does not take the terminal')
    t.match(output, /^ icanon|[^-]icanon/m, 'which stays the shell’s')
    t.match(output, /got hello\r\nleft/, 'and goes on in the foreground')
  })
  t.test('no stdin, or none any more', async t => {
    const child = start(t, sh('sleep 0.2; echo still here'), { tty: true })
    child.stdin?.end()
    t.same(await end(child), { code: 0, output: 'still here\n' })
  })
  t.test('stdout gone', async t => {
    const child = start(t, sh('sleep 0.2; head -c 200000 /dev/zero; exit 5'), { tty: true })
    child.stdout?.destroy()
    const code = await new Promise(resolve => child.on('exit', resolve))
    t.equal(code, 5, 'the container goes on')
  })
  t.test('a slave that is closed for a while', async t => {
    const script = 'tty=$(tty); exec </dev/null >/dev/null 2>&1; sleep 0.3; echo back > $tty'
    t.same(await run(t, sh(script), { tty: true }), { code: 0, output: 'back\n' })
  })
})
