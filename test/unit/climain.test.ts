import t from 'tap'
import { HostError, SyscallError } from '../../src/base/errors.js'
import { jsonLine, oneLine, textLine } from '../../src/cli/log.js'
import { main } from '../../src/cli/main.js'
import { handlers, helpText } from '../../src/cli/parts/help.js'
import type { Request } from '../../src/cli/parts/part.js'
import { install, type Native } from '../../src/sys/native.js'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
  readonly log: string
}

interface Setting {
  readonly environ?: readonly string[]
  readonly terminal?: boolean
  /** What the handler of `state` does. */
  readonly state?: (request: Request) => number
  /** Result of write to standard output. */
  readonly write?: (length: number) => number
}

/** Runs a command line on an engine of paper. */
function run(line: string, { environ = [], terminal = false, state, write }: Setting = {}): Outcome {
  const texts: Record<number, string> = { 1: '', 2: '', 9: '' }
  const fake: Partial<Native> = {
    engine: 'node',
    arch: 'x64',
    argv: line === '' ? [] : line.split(' '),
    environ,
    load: part => (part === 'help' ? { handlers, helpText } : { handlers: { state } }),
    open: path => (path === '/log' ? 9 : -13),
    isatty: () => (terminal ? 1 : 0),
    ioctl: () => -25,
    write: (fd, bytes, length) => {
      if (fd === 1 && write !== undefined) return write(length)
      texts[fd] += decoder.decode((bytes as Uint8Array).subarray(0, length))
      return length
    },
    poll: () => 0,
    utf8Write: (text, into, offset) => {
      const bytes = encoder.encode(text)
      into.set(bytes, offset)
      return bytes.length
    },
    clock_gettime: (_, into) => {
      const view = new DataView((into as Uint8Array).buffer)
      view.setBigUint64(0, 1795239286n, true)
      view.setUint32(8, 5000000, true)
      return 0
    },
  }
  install(fake as Native)
  const code = main()
  return { code, out: texts[1] as string, err: texts[2] as string, log: texts[9] as string }
}

const throwing = (error: unknown) => ({
  state: () => {
    throw error
  },
})
const missing = new HostError('state "x": container does not exist')

t.test('--version prints the lines that docker and go-runc read', t => {
  const { code, out, err } = run('--version')
  t.strictSame([code, err], [0, ''])
  t.match(out, /^tsrun version \S+\ncommit: \S+\nspec: 1\.3\.0\nengine: node x64\n$/)
  t.equal(run('-v').out, out)
  t.end()
})

t.test('help', t => {
  const whole = run('')
  t.match(whole, { code: 0, err: '' })
  t.match(whole.out, 'tsrun create <container-id>')
  t.equal(run('--help').out, whole.out)
  t.equal(run('help').out, whole.out)
  const create = run('create --help').out
  t.match(create, '-b, --bundle DIR')
  t.match(create, 'Examples:')
  t.equal(run('help create').out, create)
  t.equal(run('create -h').out, create)
  t.match(run('help crate'), { code: 1, err: 'tsrun: no help for "crate"; did you mean "create"?\n' })
  for (const line of whole.out.split('\n').concat(create.split('\n'))) t.ok(line.length <= 80, line)
  t.end()
})

t.test('usage errors', t => {
  const wrong = run('create')
  t.match(wrong, { code: 1, err: 'tsrun: "create" requires exactly 1 argument(s)\n' })
  t.match(wrong.out, /^Incorrect Usage\.\n\nUsage: tsrun \[global options\] create/)
  t.match(run('crate'), { code: 1, out: '', err: 'tsrun: unknown command "crate"; did you mean "create"?\n' })
  t.match(run('--log-format xml state x'), { code: 1, err: 'tsrun: invalid log-format: xml ' })
  const logged = run('--log /log --log-format json create')
  t.equal(JSON.parse(logged.log).msg, '"create" requires exactly 1 argument(s)')
  t.match(logged.err, 'tsrun: "create" requires exactly 1 argument(s)\n')
  t.end()
})

t.test('an error goes to stderr, and to the log', t => {
  const text = 'tsrun: state "x": container does not exist\n'
  t.strictSame(run('state x', throwing(missing)), { code: 1, out: '', err: text, log: '' })
  const logged = run('--log /log --log-format json state x', throwing(missing))
  t.strictSame([logged.code, logged.err], [1, text])
  const line = JSON.parse(logged.log)
  t.strictSame(line, {
    level: 'error',
    msg: 'state "x": container does not exist',
    time: '2026-11-21T05:34:46.005Z',
    code: 'ERR_HOST',
  })
  t.match(
    run('--log /log state x', throwing(missing)).log,
    /^time="2026-11-21T05:34:46.005Z" level=error msg="state /,
  )
  t.equal(JSON.parse(run('--log-format json state x', throwing(missing)).err).level, 'error')
  t.match(run('--log /no state x'), { code: 1, err: 'tsrun: open("/no"): EACCES, permission denied\n' })
  t.end()
})

t.test('an error tells machines what it is', t => {
  const error = new SyscallError('fsmount', 28, 'ENOSPC', 'no')
  const line = JSON.parse(run('--log /log --log-format json state x', throwing(error)).log)
  t.match(line, { code: 'ERR_SYSCALL', syscall: 'fsmount', errno: 28, errnoName: 'ENOSPC' })
  for (const bug of [new TypeError('x of undefined'), 'thrown text', undefined]) {
    const { err, log, code } = run('--log /log --log-format json state x', throwing(bug))
    t.equal(code, 1)
    t.match(err, 'tsrun: internal error: ')
    t.match(JSON.parse(log), { code: 'ERR_INTERNAL' })
  }
  t.end()
})

t.test('levels', t => {
  const talk = (request: Request) => {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) request.log[level](`a ${level}`)
    return 0
  }
  const lines = (options: string) => {
    const { err } = run(`${options}state x`, { state: talk })
    return err.split('\n').filter(line => line !== '')
  }
  const all = ['tsrun: debug: a debug', 'tsrun: info: a info', 'tsrun: warning: a warn', 'tsrun: a error']
  t.strictSame(lines(''), all.slice(1))
  t.strictSame(lines('--debug '), all)
  t.strictSame(lines('--log-level trace '), all)
  t.strictSame(lines('--log-level warn '), all.slice(2))
  t.strictSame(lines('--log-level error '), all.slice(3))
  t.strictSame(lines('--log /log '), [], 'with a log nothing but the last error is on stderr')
  t.strictSame(lines('--log= '), all.slice(1), 'an empty name is none')
  t.end()
})

t.test('colours only on a terminal that wants them', t => {
  const colour = '\x1b[1;31mtsrun:'
  t.match(run('state x', { ...throwing(missing), terminal: true }).err, colour)
  t.notMatch(run('state x', { ...throwing(missing), terminal: true, environ: ['NO_COLOR=1'] }).err, '\x1b')
  t.notMatch(run('state x', { ...throwing(missing), terminal: true, environ: ['TERM=dumb'] }).err, '\x1b')
  t.match(run('state x', { ...throwing(missing), terminal: true, environ: ['NO_COLOR='] }).err, colour)
  t.end()
})

t.test("the exit code is the handler's", t => {
  t.equal(run('state x', { state: () => 130 }).code, 130)
  t.end()
})

t.test('standard output that fails', t => {
  t.match(run('--version', { write: () => -32 }), { code: 0, err: '' }, 'a closed pipe is no error')
  t.match(run('--version', { write: () => -28 }), { code: 1, err: 'ENOSPC' })
  let calls = 0
  t.match(run('--version', { write: length => [-4, -11, 3, length][calls++] as number }), {
    code: 0,
    err: '',
  })
  t.equal(calls, 4, 'interrupted, full, partial, done')
  t.end()
})

t.test('completion', t => {
  for (const shell of ['bash', 'zsh', 'fish'])
    t.match(run(`completion ${shell}`).out, '--console-socket'.slice(2))
  t.match(run('completion csh'), { code: 1, err: 'tsrun: no completion for "csh": use bash, zsh, fish\n' })
  t.end()
})

t.test('log lines', t => {
  t.equal(
    jsonLine('error', 'a "b"\n', { pointer: '/mounts/3', errno: 2 }, 'T'),
    '{"level":"error","msg":"a \\"b\\"\\n","time":"T","pointer":"/mounts/3","errno":2}\n',
  )
  t.equal(
    textLine('warning', 'a "b"', { pointer: '/mounts/3', rule: 'a b', empty: '' }, 'T'),
    'time="T" level=warning msg="a \\"b\\"" pointer=/mounts/3 rule="a b" empty=""\n',
  )
  t.equal(oneLine('a\x1b[31mb\nc\x7f\u009b é'), 'a\\x1b[31mb\\nc\\x7f\\x9b é')
  t.end()
})
