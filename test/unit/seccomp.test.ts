/** The compiler of seccomp profiles by itself; seccomp-oracle.test.ts compares its filters with libseccomp's. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ConfigError } from '../../src/base/errors.js'
import { type CompileOptions, compileSeccomp } from '../../src/lower/seccomp/index.js'
import { print, verdict } from '../../src/lower/seccomp/print.js'
import { nameIndexes, tables } from '../../src/lower/seccomp/syscalls.gen.js'
import type { Seccomp, SeccompArg, SeccompSyscall } from '../../src/spec/types.gen.js'
import { requires } from '../support/requires.js'
import { data, run, words } from '../support/seccomp/bpf.js'
import { audits, columns, numbers } from '../support/seccomp/tables.js'

const native = { arch: 'x86_64' } as const
const docker: Seccomp = JSON.parse(readFileSync('bundles/seccomp-docker/config.json', 'utf8')).linux.seccomp
const all = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'] as const

const allow = (...names: string[]): SeccompSyscall => ({ names, action: 'SCMP_ACT_ALLOW' })
const deny = (...syscalls: SeccompSyscall[]): Seccomp => ({
  defaultAction: 'SCMP_ACT_ERRNO',
  architectures: [...all],
  syscalls,
})

/** What t.throws compares: fields of the error. Its types know those of Error only. */
const error = (fields: Partial<ConfigError>): Error => ({ ...fields, constructor: ConfigError }) as never

/** A profile's verdict on one call as text. */
function ask(profile: Seccomp, abi: string, call: string | number, ...args: bigint[]): string {
  const { program } = compileSeccomp(profile, native)
  const found = typeof call === 'number' ? call : (numbers.get(abi)?.get(call) as number)
  const number = abi === 'x32' ? found + 0x40000000 : found
  return verdict(run(words(program), data({ number, arch: audits[abi] as number, args })))
}

t.test('the tables say what tools/syscalls.tsv says', async t => {
  const names = Object.keys(nameIndexes())
  for (const column of columns) {
    const { base, last, gaps, high, at } = tables[column as keyof typeof tables]
    const found = new Map<string, number>()
    const free = new Set(Array.from({ length: last + 1 }, (_, i) => i))
    names.forEach((name, i) => {
      if (at.charCodeAt(i) === 0) return
      found.set(name, base + at.charCodeAt(i) - 1)
      free.delete(at.charCodeAt(i) - 1)
    })
    for (let i = 0; i < high.length; i += 2)
      found.set(names[high[i + 1] as number] as string, high[i] as number)
    t.same([...found].sort(), [...(numbers.get(column) ?? [])].sort(), column)
    const runs: number[] = []
    for (let i = 0; i < gaps.length; i += 2) {
      for (let j = 0; j < gaps.charCodeAt(i + 1); j++) runs.push(gaps.charCodeAt(i) + j)
    }
    t.same(runs, [...free], `${column}: numbers without a name`)
  }
})

t.test('actions and their data', async t => {
  const rule = (action: SeccompSyscall['action'], errnoRet?: number) => {
    const more = errnoRet === undefined ? {} : { errnoRet }
    return ask(
      { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['kill'], action, ...more }] },
      'x86_64',
      'kill',
    )
  }
  t.equal(rule('SCMP_ACT_KILL'), 'KILL_THREAD')
  t.equal(rule('SCMP_ACT_KILL_THREAD'), 'KILL_THREAD')
  t.equal(rule('SCMP_ACT_KILL_PROCESS'), 'KILL_PROCESS')
  t.equal(rule('SCMP_ACT_TRAP'), 'TRAP')
  t.equal(rule('SCMP_ACT_ERRNO'), 'ERRNO(1)')
  t.equal(rule('SCMP_ACT_ERRNO', 0), 'ERRNO(0)')
  t.equal(rule('SCMP_ACT_ERRNO', 4095), 'ERRNO(4095)')
  t.equal(rule('SCMP_ACT_TRACE'), 'TRACE(1)')
  t.equal(rule('SCMP_ACT_TRACE', 65535), 'TRACE(65535)')
  t.equal(rule('SCMP_ACT_LOG'), 'LOG')
  t.equal(rule('SCMP_ACT_NOTIFY'), 'NOTIFY')
  t.equal(ask({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38 }, 'x86_64', 'kill'), 'ERRNO(38)')
})

t.test('flags', async t => {
  const flags = (list?: Seccomp['flags']) => {
    const more = list === undefined ? {} : { flags: list }
    return compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', ...more }, native).flags
  }
  t.same(flags(), ['SECCOMP_FILTER_FLAG_SPEC_ALLOW'], 'absent')
  t.same(flags([]), [], 'none')
  t.same(flags(['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG']), ['SECCOMP_FILTER_FLAG_LOG'])
  t.throws(
    () => flags(['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV']),
    error({ pointer: '/linux/seccomp/flags/0' }),
  )
})

t.test('architectures', async t => {
  const only = { ...deny(allow('getpid')), architectures: ['SCMP_ARCH_X86'] } as Seccomp
  t.equal(ask(only, 'x86', 'getpid'), 'ALLOW')
  t.equal(ask(only, 'x86_64', 'getpid'), 'ALLOW', 'the native one is always there')
  t.equal(ask(only, 'x32', 'getpid'), 'KILL_THREAD', 'x32 is not')
  t.equal(ask(only, 'aarch64', 'getpid'), 'KILL_THREAD')
  t.equal(ask(deny(allow('getpid')), 'x32', 'getpid'), 'ALLOW')
  for (const name of ['SCMP_ARCH_S390X', 'SCMP_ARCH_SH'] as const) {
    const profile: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86', name] }
    t.throws(
      () => compileSeccomp(profile, native),
      error({ pointer: '/linux/seccomp/architectures/1' }),
      name,
    )
  }
  const arm = compileSeccomp(deny(allow('getpid')), { arch: 'aarch64' }).program
  const call = { number: 172, arch: audits.aarch64 as number, args: [] }
  t.equal(verdict(run(words(arm), data(call))), 'ALLOW')
})

t.test('names that no architecture has are skipped and told', async t => {
  const { unknown } = compileSeccomp(
    deny(allow('getpid', 'no_such', '', 'get pid', 'no_such', 'pid')),
    native,
  )
  t.same(unknown, ['no_such', '', 'get pid', 'pid'])
  t.same(compileSeccomp(deny(allow('set_tls', 's390_sthyi')), native).unknown, ['s390_sthyi'])
  t.same(compileSeccomp(docker, native).unknown, [])
})

t.test('calls newer than the whole profile get ENOSYS', async t => {
  const profile = deny(allow('getpid', 'openat2'), { names: ['clone3'], action: 'SCMP_ACT_ERRNO' })
  t.equal(ask(profile, 'x86_64', 'openat2'), 'ALLOW')
  t.equal(ask(profile, 'x86_64', 'fsopen'), 'ERRNO(1)', 'older')
  t.equal(ask(profile, 'x86_64', 'faccessat2'), 'ERRNO(38)', 'newer')
  t.equal(ask(profile, 'x86', 'mseal'), 'ERRNO(38)')
  t.equal(ask(profile, 'x32', 'mseal'), 'ERRNO(38)')
  t.equal(ask(profile, 'x32', 'writev'), 'ERRNO(38)', 'x32 has numbers of its own')
  t.equal(ask(profile, 'x86_64', 100000), 'ERRNO(38)')
  t.equal(ask(profile, 'x86_64', 0x80000000), 'ERRNO(38)')
  t.equal(ask({ ...profile, architectures: ['SCMP_ARCH_X86_64'] }, 'x86_64', 0x40000001), 'KILL_THREAD')
  const skip = { ...profile, architectures: ['SCMP_ARCH_X86_64'] } as Seccomp
  t.equal(ask(skip, 'x86_64', 0xffffffff), 'ERRNO(1)', 'number -1 is how tracers skip a call')
  for (const [defaultAction, expected] of [
    ['SCMP_ACT_KILL', 'ERRNO(38)'],
    ['SCMP_ACT_KILL_PROCESS', 'ERRNO(38)'],
    ['SCMP_ACT_TRAP', 'ERRNO(38)'],
    ['SCMP_ACT_ALLOW', 'ALLOW'],
    ['SCMP_ACT_LOG', 'LOG'],
    ['SCMP_ACT_TRACE', 'TRACE(1)'],
  ] as const) {
    t.equal(ask({ ...profile, defaultAction }, 'x86_64', 'mseal'), expected, defaultAction)
  }
  const named: Seccomp = deny(allow('getpid'), { names: ['mseal'], action: 'SCMP_ACT_ERRNO' })
  t.equal(ask(named, 'x86_64', 'cachestat'), 'ERRNO(1)', 'a rule with the default action counts as a name')
  t.equal(ask(deny(allow('read')), 'x86_64', 'write'), 'ERRNO(1)', 'number 0 alone does not')
  t.equal(ask(deny(allow('socket')), 'x86', 'sendmsg'), 'ERRNO(1)', 'nor what socketcall does too')
  const off: CompileOptions = { newCalls: false }
  const { program } = compileSeccomp(profile, native, off)
  t.equal(
    verdict(run(words(program), data({ number: 462, arch: audits.x86_64 as number, args: [] }))),
    'ERRNO(1)',
  )
})

t.test('several rules for one call', async t => {
  const when = (action: SeccompSyscall['action'], ...args: SeccompArg[]) => ({
    names: ['prctl'],
    action,
    args,
  })
  const equal = (index: number, value: number): SeccompArg => ({ index, value, op: 'SCMP_CMP_EQ' })
  const above: SeccompArg = { index: 0, value: 3, op: 'SCMP_CMP_GT' }
  const two = deny(when('SCMP_ACT_ALLOW', equal(0, 1)), when('SCMP_ACT_ALLOW', equal(0, 7)))
  t.same(
    [0n, 1n, 7n, 0x100000001n].map(x => ask(two, 'x86_64', 'prctl', x)),
    ['ERRNO(1)', 'ALLOW', 'ALLOW', 'ERRNO(1)'],
  )
  const plain = deny(when('SCMP_ACT_LOG', equal(0, 1)), allow('prctl'), {
    names: ['prctl'],
    action: 'SCMP_ACT_TRAP',
  })
  t.equal(ask(plain, 'x86_64', 'prctl', 1n), 'ALLOW', 'the first one without conditions wins')
  const both = deny(when('SCMP_ACT_ALLOW', equal(0, 1), equal(1, 2)))
  t.equal(ask(both, 'x86_64', 'prctl', 1n, 2n), 'ALLOW')
  t.equal(ask(both, 'x86_64', 'prctl', 1n, 3n), 'ERRNO(1)', 'all conditions of a rule must hold')
  const doubled = deny(when('SCMP_ACT_ALLOW', equal(0, 1), equal(0, 2), equal(1, 9)))
  t.equal(ask(doubled, 'x86_64', 'prctl', 2n), 'ALLOW', 'but one is enough when two look at one argument')
  t.equal(ask(doubled, 'x86_64', 'prctl', 5n, 9n), 'ALLOW')
  const narrow = deny(
    when('SCMP_ACT_ALLOW', above),
    when('SCMP_ACT_LOG', equal(0, 9)),
    when('SCMP_ACT_TRAP', equal(1, 1)),
  )
  t.equal(ask(narrow, 'x86_64', 'prctl', 8n), 'ALLOW')
  t.equal(ask(narrow, 'x86_64', 'prctl', 9n), 'LOG', 'equality before order')
  t.equal(ask(narrow, 'x86_64', 'prctl', 9n, 1n), 'TRAP', 'later arguments first')
  const same = deny(when('SCMP_ACT_ALLOW', equal(0, 1)), when('SCMP_ACT_ALLOW', equal(0, 1)))
  t.equal(ask(same, 'x86_64', 'prctl', 1n), 'ALLOW')
})

t.test('64-bit values are exact', async t => {
  const value = 0xfffffffffffffffen
  const profile = deny({
    names: ['prctl'],
    action: 'SCMP_ACT_ALLOW',
    args: [{ index: 5, op: 'SCMP_CMP_GE', value }],
  })
  const verdicts = [value - 1n, value, value + 1n].map(x =>
    ask(profile, 'x86_64', 'prctl', 0n, 0n, 0n, 0n, 0n, x),
  )
  t.same(verdicts, ['ERRNO(1)', 'ALLOW', 'ALLOW'])
})

/** Rules on every call, so many that they do not lie within reach of one jump. */
function large(count: number): Seccomp {
  const names = [...(numbers.get('x86_64')?.keys() ?? [])]
  const syscalls = Array.from({ length: count }, (_, i) => {
    const args: SeccompArg[] = [{ index: i % 6, op: 'SCMP_CMP_EQ', value: BigInt(i) * 0x100000001n }]
    return { names: [names[i % names.length] as string], action: 'SCMP_ACT_ALLOW' as const, args }
  })
  return { defaultAction: 'SCMP_ACT_ERRNO', syscalls }
}

t.test('far jumps, and the kernel’s limit', async t => {
  const profile = large(700)
  const program = compileSeccomp(profile, native).program
  t.ok(program.length / 8 > 2000 && program.length / 8 <= 4096, `${program.length / 8} instructions`)
  for (const [i, { names, args = [] }] of (profile.syscalls ?? []).entries()) {
    const number = numbers.get('x86_64')?.get(names[0] as string) as number
    const actual = [0n, 0n, 0n, 0n, 0n, 0n].map(() => 0x7fff00000000n)
    const at = args[0] as SeccompArg
    actual[at.index] = BigInt(at.value)
    const result = (args: bigint[]) =>
      run(words(program), data({ number, arch: audits.x86_64 as number, args }))
    if (verdict(result(actual)) !== 'ALLOW') t.fail(`rule ${i}`)
    actual[at.index] = BigInt(at.value) + 0x500000000n
    if (verdict(result(actual)) !== 'ERRNO(1)') t.fail(`rule ${i}, other value`)
  }
  t.throws(() => compileSeccomp(large(3000), native), error({ rule: 'seccomp-size' }))
})

t.test('rules that meet in many ways stay small', async t => {
  const comparisons = ['SCMP_CMP_LT', 'SCMP_CMP_NE', 'SCMP_CMP_GT'] as const
  const syscalls = Array.from({ length: 40 }, (_, i): SeccompSyscall => {
    const arg = (index: number): SeccompArg => {
      const value = BigInt((i * 37 + index) % 101) * 0x123456789n
      return { index, op: comparisons[(i + index) % 3] as SeccompArg['op'], value }
    }
    return { names: ['prctl'], action: 'SCMP_ACT_ALLOW', args: [0, 1, 2, 3, 4, 5].map(arg) }
  })
  const { program } = compileSeccomp({ defaultAction: 'SCMP_ACT_ERRNO', syscalls }, native)
  t.ok(program.length / 8 < 2000, `${program.length / 8} instructions`)
})

t.test('Docker’s shape is short, and prints', async t => {
  const { program } = compileSeccomp(docker, native)
  t.ok(program.length / 8 <= 341, `${program.length / 8} instructions`)
  const text = print(program).trimEnd().split('\n')
  t.equal(text.length, program.length / 8)
  t.match(text.slice(0, 3), [
    /^ {3}0 {2}A = arch$/,
    /^ {3}1 {2}if \(A == 0xc000003e\) goto \d+$/,
    /^ {3}2 {2}if \(A == 0x40000003\) goto \d+$/,
  ])
  t.notMatch(text.join('\n'), /\?/, 'every instruction has a text')
  t.match(text.at(-1), /^ 2\d\d {2}return /)
})

t.test('the kernel takes it', { skip: requires('cc') }, async t => {
  const arch = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
  const number = (name: string) => numbers.get(arch)?.get(name)
  const loader = join(t.testdir(), 'load')
  execFileSync('cc', ['-O1', '-Wall', '-Wextra', '-o', loader, 'test/support/seccomp/load.c'])
  const load = (profile: Seccomp, ...calls: string[]) => {
    const { program } = compileSeccomp(profile, { arch })
    const { stdout, stderr } = spawnSync(loader, ['0', ...calls], { input: program, encoding: 'utf8' })
    t.equal(stderr, '')
    return stdout.trim().split('\n').map(Number)
  }
  const query = 0xffffffff
  t.match(
    load(
      docker,
      `${number('getpid')}`,
      `${number('personality')},${query}`,
      `${number('personality')},1`,
      `${number('socket')},40,1,0`,
      '435',
      `${number('reboot')}`,
      '462',
      '100000',
    ),
    [Number, Number, -1, -1, -38, -1, Number, -38],
    'getpid, personality (query; other), socket(AF_VSOCK), clone3, reboot, mseal, a new call',
  )
  const many: Seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: large(700).syscalls?.map(rule => ({ ...rule, action: 'SCMP_ACT_ERRNO', errnoRet: 77 })) ?? [],
  }
  const prctl = many.syscalls?.find(({ names }) => names[0] === 'prctl')?.args?.[0] as SeccompArg
  const args = [0, 0, 0, 0, 0, 0].map((_, i) => (i === prctl.index ? prctl.value : 1))
  t.same(load(many, `${number('prctl')},${args}`), [-77], 'a long one')
})
