/** Launch ops played by the real shim in throw-away namespaces. Who the program runs as, and where its HOME is. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { requires } from '../support/requires.js'
import { container } from './plans.js'
import { failure, init, lines, play, scratch } from './support.js'

const root = requires('root')

t.test('identity', { skip: root }, t => {
  const rootfs = scratch(t, true)
  writeFileSync(join(rootfs, 'etc/passwd'), '1000:x:0:0::/wrong:\nuser:x:1000:1000:U,,:/home/user:/bin/sh')
  mkdirSync(join(rootfs, 'home'), { mode: 0o700 })
  const ops = container(rootfs, [], ['payload', 'report'])
  const at = ops.findIndex(op => op.op === 'chdir')
  const late = [
    init({ op: 'setdomainname', name: 'domain' }),
    init({ op: 'umask', mask: 0o27 }),
    init({ op: 'join_session_keyring', name: '_ses.test' }),
    init({ op: 'loopback_up' }),
    init({ op: 'set_no_new_privs' }),
    init({ op: 'drop_bounding', keep: 0x2400n, last: 40 }),
    init({ op: 'keep_capabilities' }),
    init({ op: 'setgroups', gids: [5, 6, 4294967294] }),
    init({ op: 'chdir', path: '/home', retry: 0, tolerate: ['EACCES'] }),
    init({ op: 'setresgid', gid: 1000 }),
    init({ op: 'setresuid', uid: 1000 }),
    init({ op: 'capset', effective: 0x400, permitted: 0x2400, inheritable: 0x400n }),
    init({ op: 'raise_ambient', mask: 0x400 }),
    init({ op: 'chdir', path: '/nowhere', retry: 1 }),
    // ret errno 38 for getppid, allow the rest
    init({ op: 'seccomp', flags: [], program: filter() }),
  ]
  ops.splice(at, 1, ...late)
  const played = play(ops.map(op => (op.op === 'find_home' ? { ...op, uid: 1000 } : op)))
  t.equal(failure(played, ops), undefined)
  const [report] = lines(played)
  t.match(report, {
    cwd: '/home',
    env: ['A=b', 'HOME=/home/user'],
    uid: [1000, 1000, 1000],
    gid: [1000, 1000, 1000],
    groups: [5, 6, 4294967294],
    umask: 0o27,
    caps: {
      effective: /0400$/,
      permitted: /0400$/,
      inheritable: /0400$/,
      bounding: '0000000000002400',
      ambient: /0400$/,
    },
    noNewPrivs: 1,
    seccomp: 2,
    domainname: 'domain',
    keyringName: /_ses.test/,
    loopbackUp: 1,
  })
  t.end()
})

/** BPF: getppid (110 or 173) answers ENOSYS. */
function filter(): Uint8Array {
  const number = process.arch === 'arm64' ? 173 : 110
  const program = [
    [0x20, 0, 0, 0],
    [0x15, 0, 1, number],
    [0x06, 0, 0, 0x50026],
    [0x06, 0, 0, 0x7fff0000],
  ]
  const bytes = new Uint8Array(program.length * 8)
  const view = new DataView(bytes.buffer)
  program.forEach(([code, jt, jf, k], i) => {
    view.setUint16(i * 8, code as number, true)
    bytes[i * 8 + 2] = jt as number
    bytes[i * 8 + 3] = jf as number
    view.setUint32(i * 8 + 4, k as number, true)
  })
  return bytes
}

t.test('a passwd that is no file', { skip: root }, t => {
  const rootfs = scratch(t, true)
  const passwd = join(rootfs, 'etc/passwd')
  for (const make of [
    ['mknod', passwd, 'c', '1', '5'],
    ['mkfifo', passwd],
    ['mkdir', passwd],
    ['ln', '-s', '/proc/self/fd/0', passwd],
  ]) {
    execFileSync(make[0] as string, make.slice(1))
    const played = play(container(rootfs, [], ['/payload', 'report']))
    t.match(lines(played)[0], { env: ['A=b', 'HOME=/'] }, make.join(' '))
    execFileSync('rm', ['-r', passwd])
  }
  const long = `${'x'.repeat(5000)}:x:0:0::/wrong:\n`
  writeFileSync(
    passwd,
    `${long}root:x:0\n:::::\nroot:x:00:0:\nroot:x:0x0:0::/wrong:\n${long}root:x:0:0::/root:/bin/sh\n${long}`,
  )
  t.match(
    lines(play(container(rootfs, [], ['/payload', 'report'])))[0],
    { env: ['A=b', 'HOME=/root'] },
    'lines that are no entries',
  )
  t.end()
})
