import t from 'tap'
import type { CommandTable } from '../../src/cli/commands.js'
import { emptyInvocation, parse } from '../../src/cli/parse.js'

/** A table with what today's commands do not have yet: lists, options that end at the first positional. */
const table: CommandTable = {
  exec: {
    part: 'rest',
    positionals: ['container-id', 'command...'],
    options: { env: 'list e', tty: 'boolean t', detach: 'boolean d', user: 'integer u' },
    stopAtPositional: true,
  },
}

const read = (line: string, commands?: CommandTable) => {
  const invocation = emptyInvocation()
  parse(line === '' ? [] : line.split(' '), invocation, commands)
  const { command, global, options, positionals } = invocation
  return { command, global, options, positionals }
}
const empty = { global: {}, options: {}, positionals: [] }

const good: Record<string, object> = {
  '': { ...empty, command: undefined },
  '--version': { ...empty, command: undefined, global: { version: true } },
  '-v': { ...empty, command: undefined, global: { version: true } },
  // conmon, containerd-shim, go-runc, as recorded
  '--log-format=json --log /c/oci-log create --bundle /b --pid-file /p --console-socket /s --preserve-fds 2 ID':
    {
      command: 'create',
      global: { 'log-format': 'json', log: '/c/oci-log' },
      options: { bundle: '/b', 'pid-file': '/p', 'console-socket': '/s', 'preserve-fds': 2 },
      positionals: ['ID'],
    },
  '--root /r --log /l --log-format json --systemd-cgroup delete --force ID': {
    command: 'delete',
    global: { root: '/r', log: '/l', 'log-format': 'json', 'systemd-cgroup': true },
    options: { force: true },
    positionals: ['ID'],
  },
  'kill -a ID 9': { ...empty, command: 'kill', options: { all: true }, positionals: ['ID', '9'] },
  'kill --all ID 9': { ...empty, command: 'kill', options: { all: true }, positionals: ['ID', '9'] },
  'run --detach --pid-file F -no-subreaper --bundle B ID': {
    ...empty,
    command: 'run',
    options: { detach: true, 'pid-file': 'F', 'no-subreaper': true, bundle: 'B' },
    positionals: ['ID'],
  },
  // spellings
  '-root=x state a': { ...empty, command: 'state', global: { root: 'x' }, positionals: ['a'] },
  '-root x state a': { ...empty, command: 'state', global: { root: 'x' }, positionals: ['a'] },
  '-sr x state a': {
    ...empty,
    command: 'state',
    global: { root: 'x', 'systemd-cgroup': true },
    positionals: ['a'],
  },
  'run a -d': { ...empty, command: 'run', options: { detach: true }, positionals: ['a'] },
  'run -db x a': { ...empty, command: 'run', options: { detach: true, bundle: 'x' }, positionals: ['a'] },
  'run -dbx a': { ...empty, command: 'run', options: { detach: true, bundle: 'x' }, positionals: ['a'] },
  'run -b=x a': { ...empty, command: 'run', options: { bundle: 'x' }, positionals: ['a'] },
  'run -d=false a': { ...empty, command: 'run', options: { detach: false }, positionals: ['a'] },
  'run --detach=false a': { ...empty, command: 'run', options: { detach: false }, positionals: ['a'] },
  'run --detach false': { ...empty, command: 'run', options: { detach: true }, positionals: ['false'] },
  'run --bundle= a': { ...empty, command: 'run', options: { bundle: '' }, positionals: ['a'] },
  'run --bundle a=b=c a': { ...empty, command: 'run', options: { bundle: 'a=b=c' }, positionals: ['a'] },
  'run --bundle=a=b a': { ...empty, command: 'run', options: { bundle: 'a=b' }, positionals: ['a'] },
  'run --bundle --keep a': { ...empty, command: 'run', options: { bundle: '--keep' }, positionals: ['a'] },
  'run -b x --bundle y a': { ...empty, command: 'run', options: { bundle: 'y' }, positionals: ['a'] },
  'run -keep a': { ...empty, command: 'run', options: { keep: true }, positionals: ['a'] },
  'list -qf json': { ...empty, command: 'list', options: { quiet: true, format: 'json' } },
  'state -- -x': { ...empty, command: 'state', positionals: ['-x'] },
  '-- state x': { ...empty, command: 'state', positionals: ['x'] },
  'state -': { ...empty, command: 'state', positionals: ['-'] },
  'run --preserve-fds 2147483647 a': {
    ...empty,
    command: 'run',
    options: { 'preserve-fds': 2147483647 },
    positionals: ['a'],
  },
  'run --preserve-fds 007 a': {
    ...empty,
    command: 'run',
    options: { 'preserve-fds': 7 },
    positionals: ['a'],
  },
}

const bad: Record<string, string> = {
  exce: 'unknown command "exce"; did you mean "exec"?',
  crate: 'unknown command "crate"; did you mean "create"?',
  toString: 'unknown command "toString"; the commands are ',
  '--rot x state a': 'unknown option --rot; did you mean --root?',
  '--foo': 'unknown option --foo',
  '--root': 'flag needs an argument: --root',
  '--log-format xml state a': 'invalid log-format: xml (use one of text, json)',
  '--log-format text|json state a': 'invalid log-format: text|json (use one of text, json)',
  'run --detach=yes a': 'invalid value "yes" for --detach: use true or false',
  'run --detatch a': 'unknown option --detatch of "run"; did you mean --detach?',
  'run --constructor a': 'unknown option --constructor of "run"',
  'run -dx a': 'unknown option -dx of "run"',
  'run -detatch a': 'unknown option -detatch of "run"; did you mean --detach?',
  'run -d --root x a': '--root is a global option: it goes before "run"',
  'kill -9 a': 'unknown option -9 of "kill"',
  create: '"create" requires exactly 1 argument(s)',
  'create a b': '"create" requires exactly 1 argument(s)',
  'list a': '"list" requires exactly 0 argument(s)',
  kill: '"kill" requires a minimum of 1 argument(s)',
  'kill a b c': '"kill" requires a maximum of 2 argument(s)',
}
for (const integer of [
  '',
  '-1',
  '+1',
  '0x10',
  '1e3',
  '1.0',
  ' 1',
  '1 ',
  '2147483648',
  '99999999999999999999',
  '１',
]) {
  bad[`run --preserve-fds=${integer.replaceAll(' ', '\u00a0')} a`] = 'invalid value "'
}

for (const [line, expected] of Object.entries(good)) t.strictSame(read(line), expected, line)
for (const [line, message] of Object.entries(bad)) {
  t.throws(() => read(line), { code: 'ERR_USAGE' }, line)
  try {
    read(line)
  } catch (error) {
    const got = (error as Error).message
    t.ok(got.startsWith(message), `${line}: ${got}`)
  }
}

t.strictSame(read('exec -e A=1,2 --env B=2 -u 1 c ls -t -e C', table).options, {
  env: ['A=1,2', 'B=2'],
  user: 1,
})
t.strictSame(read('exec -t c ls -t', table).positionals, ['c', 'ls', '-t'])
t.strictSame(
  read('exec c -- ls', table).positionals,
  ['c', '--', 'ls'],
  'after the first positional nothing is ours',
)

t.test('--help needs no positionals and is known everywhere', t => {
  for (const line of ['create --help', 'create -h', 'create a b c -h', 'kill -?', '--help create']) {
    const invocation = emptyInvocation()
    parse(line.split(' '), invocation)
    t.ok(invocation.help || invocation.global.help === true, line)
  }
  t.end()
})

t.test('an error leaves what was understood', t => {
  const invocation = emptyInvocation()
  t.throws(() => parse(['--log', 'l', 'run', '--foo'], invocation))
  t.strictSame([invocation.command, invocation.global], ['run', { log: 'l' }])
  t.end()
})
