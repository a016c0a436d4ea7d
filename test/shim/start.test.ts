/** Launch ops played by the real shim in throw-away namespaces. The last steps: terminal, change of root, hooks, the exec fifo. */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { requires } from '../support/requires.js'
import { container } from './plans.js'
import { data, ended, failure, helper, host, init, inRoot, kinds, lines, play, scratch } from './support.js'

const root = requires('root')

t.test('the exec fifo', { skip: root }, t => {
  const rootfs = scratch(t, true)
  const dir = scratch(t)
  const fifo = join(dir, 'exec.fifo')
  execFileSync('mkfifo', [fifo])
  const held = (args: readonly string[], seen: (text: Buffer) => void) => {
    const ops = container(
      rootfs,
      [
        init({ op: 'open_path', slot: 'fifo', path: host(fifo) }),
        init({ op: 'open_fd_directory', slot: 'fds' }),
      ],
      args,
    )
    ops.splice(-1, 0, init({ op: 'wait_start', fifo: 'fifo', fds: 'fds' }))
    const stray = openSync('/etc', 'r')
    const played = play(ops, {
      inherited: [39, 42, 300].map(to => [stray, to]),
      onReady(pid) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
        const open = (fd: string) => readlinkSync(`/proc/${pid}/fd/${fd}`)
        const held = readdirSync(`/proc/${pid}/fd`).filter(fd => Number(fd) > 2)
        // Where /tmp is a mount of its own its name is lost with the old root: only the end of the path counts.
        const tail = new RegExp(`/${basename(dir)}/exec\\.fifo$`)
        t.match(held.map(open).sort(), [/\/\d+\/fd$/, tail], 'nothing else of the host stays open')
        seen(readFileSync(fifo))
      },
    })
    closeSync(stray)
    t.same(kinds(played), ['started'])
    return played
  }
  const good = held(['/payload', 'report'], text => t.equal(text.length, 0, 'exec closes it without a byte'))
  t.same(good.exits, ended)
  t.same(Object.keys((lines(good)[0] as Record<string, object>).fds ?? {}), ['0', '1', '2'])
  writeFileSync(join(rootfs, 'script'), 'no program', { mode: 0o755 })
  const bad = held(['/script'], frame => {
    t.equal(frame.length, 16)
    t.same(
      [0, 4, 8, 12].map(at => frame.readUInt32LE(at)),
      [4, 18, 0, 8],
      'failed, exec, step 0, ENOEXEC',
    )
  })
  t.same(bad.exits, [{ code: 0 }, { code: 1 }])
  t.end()
})

t.test('--no-pivot leaves no unmasked procfs', { skip: root }, t => {
  const rootfs = scratch(t, true)
  const ops = container(rootfs, [], ['/payload', 'cat', '/proc/self/mountinfo', ';', 'report']).map(op =>
    op.op === 'pivot_root' ? init({ op: 'move_root', root: 'root', path: host(rootfs) }) : op,
  )
  const played = play(ops)
  t.equal(failure(played, ops), undefined)
  const proc = (data(played, 'cat')[0] as string)
    .split('\n')
    .filter(line => line.includes(' - proc ') || line.includes(' - sysfs '))
  t.equal(proc.length, 1, proc.join('\n'))
  t.match(lines(played)[1], { cwd: '/' })

  const fifo = join(scratch(t), 'fifo')
  execFileSync('mkfifo', [fifo])
  const at = ops.findIndex(({ op }) => op === 'move_root')
  ops.splice(
    at,
    0,
    init({ op: 'open_path', slot: 'fifo', path: host(fifo) }),
    init({ op: 'open_fd_directory', slot: 'fds' }),
  )
  ops.splice(-1, 0, init({ op: 'wait_start', fifo: 'fifo', fds: 'fds' }))
  play(ops, {
    onReady(pid) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
      const links = readdirSync(`/proc/${pid}/fd`).map(fd => readlinkSync(`/proc/${pid}/fd/${fd}`))
      t.ok(
        links.includes(`/${pid}/fd`),
        'the mount of the host’s procfs is detached, it has no parent any more',
      )
      readFileSync(fifo)
    },
  })
  t.end()
})

t.test('a console of the container’s own devpts', { skip: root }, t => {
  const rootfs = scratch(t, true)
  const directory = { root: 'root', create: 'directory', links: 'in_root' } as const
  // Where the rootfs lies may be mounted with nodev, as Debian 13 mounts /tmp.
  const dev = [
    init({ op: 'fsmount', slot: 'dev', type: 'tmpfs', options: [], attrs: ['nosuid'] }),
    init({ op: 'move_mount', slot: 'dev', target: inRoot('/dev'), ...directory }),
  ]
  const pts = [
    init({
      op: 'fsmount',
      slot: 'pts',
      type: 'devpts',
      options: ['newinstance', 'ptmxmode=0666', 'mode=0620'],
      attrs: ['nosuid', 'noexec'],
    }),
    init({ op: 'move_mount', slot: 'pts', target: inRoot('/dev/pts'), ...directory }),
  ]
  const tty = {
    op: 'mknod',
    root: 'root',
    path: inRoot('/dev/tty'),
    type: 'char',
    major: 5,
    minor: 0,
  } as const
  pts.push(init({ ...tty, mode: 0o666, uid: 0, gid: 0 }))
  const open = init({ op: 'open_console', slot: 'tty', root: 'root', rows: 24, columns: 99, console: 1 })
  const steps = [...pts, open, init({ op: 'use_console', slot: 'tty' })]
  const words = ['/payload', 'report', ';', 'stat', '/dev/console']
  const ops = container(rootfs, steps, words)
  const played = play(container(rootfs, [...dev, ...steps], words))
  t.same(kinds(played), ['started', 'fd'])
  t.same(played.exits, ended)
  const master = played.fds[0] as number
  const text = Buffer.alloc(8192)
  const size = readSync(master, text)
  closeSync(master)
  const report = JSON.parse(text.toString('utf8', 0, size).split('\n')[0] ?? '')
  t.match(report, { controllingTerminal: 1, tty: [{ rows: 24, cols: 99 }, { rows: 24 }, { rows: 24 }] })
  execFileSync('rm', ['-rf', join(rootfs, 'dev/console')])
  execFileSync('ln', ['-s', '/etc/made', join(rootfs, 'dev/console')])
  const bad = play(ops)
  t.equal(failure(bad, ops), 'open_console: create /dev/console: 40')
  t.notOk(existsSync(join(rootfs, 'etc/made')))
  const none = container(rootfs, [open], ['/payload'])
  t.equal(failure(play(none), none), 'open_console: fstatfs: 6', 'no devpts there')
  t.end()
})

t.test('hooks', { skip: root }, t => {
  const rootfs = scratch(t, true)
  const dir = scratch(t)
  const hook = (script: string, timeout = 0) =>
    init({
      op: 'run_hook',
      path: '/bin/sh',
      args: ['hook', '-c', script],
      env: ['X=y'],
      timeout,
      before: '{"pid":',
      after: '}',
    })
  const good = play(
    container(
      rootfs,
      [hook(`cat > ${dir}/state; env >> ${dir}/state; ls /proc/self/fd | wc -l >> ${dir}/state`)],
      ['/payload'],
    ),
  )
  t.same(good.failed, undefined)
  t.match(readFileSync(join(dir, 'state'), 'utf8'), /^\{"pid":1\}PWD=\/\S*\nX=y\n4\n|^\{"pid":1\}X=y\n/)
  const fails = (script: string, timeout = 0) => {
    const ops = container(rootfs, [hook(script, timeout)], ['/payload'])
    const played = play(ops)
    return `${failure(played, ops)} ${played.failed?.detail}`.trim()
  }
  t.equal(fails('echo out; echo err >&2; exit 3'), 'run_hook: exit status: 3 out\nerr')
  t.equal(fails('kill -9 $$'), 'run_hook: signal: 9')
  t.equal(fails('sleep 100 & sleep 100', 1), 'run_hook: timeout: 110')
  const late = `sleep 100 & echo $! > ${dir}/late; wait`
  const outside = [
    helper({
      op: 'run_hook',
      path: '/bin/sh',
      args: ['sh', '-c', late],
      env: [],
      timeout: 1,
      before: '',
      after: '',
    }),
  ]
  t.equal(failure(play(outside), outside), 'run_hook: timeout: 110')
  const child = `/proc/${readFileSync(join(dir, 'late'), 'utf8').trim()}/stat`
  const gone = (): boolean => !existsSync(child) || readFileSync(child, 'utf8').split(' ')[2] === 'Z'
  // It was killed, but is not dead before it runs once more.
  for (let tries = 0; tries < 200 && !gone(); tries++) execFileSync('sleep', ['0.01'])
  t.ok(gone(), 'its children are gone too')
  t.equal(
    fails('i=0; while [ $i -lt 200 ]; do echo 123456789; i=$((i+1)); done; false').length,
    'run_hook: exit status: 1 '.length + 399,
  )
  const missing = container(
    rootfs,
    [init({ op: 'run_hook', path: '/no/hook', args: [], env: [], timeout: 0, before: '', after: '' })],
    ['/payload'],
  )
  t.equal(failure(play(missing), missing), 'run_hook: exec: 2')
  t.end()
})
