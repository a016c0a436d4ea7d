/** The decoder under ASan and UBSan: corrupted plans, each refused for its reason, and a bounded fuzz loop. */
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseFrame, refusals, WHOLE_PLAN } from '../../src/plan/frames.js'
import { wait } from '../../src/sys/process.js'
import { receive } from '../../src/sys/socket.js'
import { repository } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { container } from './plans.js'
import { encode, helper, host, init, inRoot, scratch, shim, startShim } from './support.js'

const decoder = join(repository, 'build/test/decoder')
const skip = requires('cc')
if (skip === false) execFileSync(join(repository, 'tools/shimtest.sh'), ['decoder', decoder])

/** One op of every field kind, in the order of the constants below. */
const sample = [
  helper({ op: 'open_namespace', slot: 'a', path: host('/proc/1/ns/net'), type: ['network'] }),
  init({ op: 'fsmount', slot: 'b', type: 'tmpfs', options: ['mode=755', '', 'x'], attrs: ['ro'] }),
  init({
    op: 'move_mount',
    slot: 'b',
    root: 'a',
    target: inRoot('/x'),
    create: 'file',
    links: 'refuse',
    tolerate: ['ENOENT'],
  }),
  init({ op: 'setgroups', gids: [1, 2] }),
  init({ op: 'seccomp', flags: ['SECCOMP_FILTER_FLAG_LOG'], program: new Uint8Array(16) }),
  init({ op: 'capset', effective: 1n, permitted: 2n ** 63n, inheritable: 3 }),
  init({ op: 'supervise', pid: 1 }),
]
const good = encode(sample)
const HEADER = 32
const RECORD = 16
/** Where the record of op `n` begins, and its field `f`. */
const record = (n: number): number => {
  let at = HEADER
  for (let i = 0; i < n; i++) at += RECORD + 8 * new DataView(good.buffer).getUint16(at + 6, true)
  return at
}
const field = (n: number, f: number): number => record(n) + RECORD + 8 * f
const blob = HEADER + new DataView(good.buffer).getUint32(16, true)

type Change = readonly [
  name: string,
  refusal: number,
  at: number,
  value: number | bigint,
  size: 1 | 2 | 4 | 8,
]
const [MAGIC, BUILD, LENGTH, CUT, OPCODE, FIELD, TRAILING] = [1, 2, 3, 4, 5, 6, 7]
const all = 0xffffffffffffffffn
const blobLength = good.length - blob
const textAt = (n: number, f: number) => new DataView(good.buffer).getUint32(field(n, f), true)

const changes: readonly Change[] = [
  ['magic', MAGIC, 0, 0x50525355, 4],
  ['build id', BUILD, 4, 0, 4],
  ['a length that is too small', LENGTH, 8, good.length - 1, 4],
  ['a length that is too large', LENGTH, 8, good.length + 1, 4],
  ['more ops than records', CUT, 12, sample.length + 1, 4],
  ['2^32-1 ops', CUT, 12, 0xffffffff, 4],
  ['fewer ops than records', TRAILING, 12, sample.length - 1, 4],
  ['no ops', TRAILING, 12, 0, 4],
  ['records that are no multiple of 8', LENGTH, 16, 4, 4],
  ['records beyond the file', LENGTH, 16, (good.length + 7) & ~7, 4],
  ['records that wrap', LENGTH, 16, 0xfffffff8, 4],
  ['records of nothing', CUT, 16, 0, 4],
  ['too many slots', LENGTH, 20, 257, 4],
  ['too few slots', FIELD, 20, 1, 4],
  ['reserved bytes', LENGTH, 24, 1, 8],
  ['an errno out of range', CUT, record(2) + 8, 4096, 2],
  ['opcode 0', OPCODE, record(0) + 4, 0, 2],
  ['an opcode in a gap', OPCODE, record(0) + 4, 9, 2],
  ['an opcode beyond the table', OPCODE, record(0) + 4, 96, 2],
  ['the largest opcode', OPCODE, record(0) + 4, 65535, 2],
  ['a field too few', OPCODE, record(0) + 6, 2, 2],
  ['a field too many', OPCODE, record(0) + 6, 4, 2],
  ['fields beyond the records', CUT, record(0) + 6, 65535, 2],
  ['a slot out of range', FIELD, field(0, 0), 2, 8],
  ['a slot of all ones', FIELD, field(0, 0), all, 8],
  ['a path beyond the blob', FIELD, field(0, 1), blobLength, 4],
  ['a path that is too long', FIELD, field(0, 1) + 4, blobLength, 4],
  ['a path that wraps', FIELD, field(0, 1), 0xfffffff0, 4],
  ['a length that wraps', FIELD, field(0, 1) + 4, 0xffffffff, 4],
  ['a path without its NUL', FIELD, field(0, 1) + 4, 5, 4],
  ['a path with a NUL inside', FIELD, blob + textAt(0, 1) + 3, 0, 1],
  ['a path that is not absolute', FIELD, blob + textAt(0, 1), 97, 1],
  ['an absent path that is not optional', FIELD, field(0, 1), all, 8],
  ['an unknown flag', FIELD, field(0, 2), 1, 8],
  ['a flag above 32 bits', FIELD, field(0, 2), 1n << 40n, 8],
  ['a list without its last NUL', FIELD, field(1, 3) + 4, 11, 4],
  ['a list beyond the blob', FIELD, field(1, 3) + 4, blobLength + 1, 4],
  ['an absent list', FIELD, field(1, 3), all, 8],
  ['an unknown enum value', FIELD, field(2, 3), 4, 8],
  ['an enum value above 32 bits', FIELD, field(2, 3), (1n << 32n) + 1n, 8],
  ['numbers at an odd place', FIELD, field(3, 0), textAt(3, 0) + 1, 4],
  ['numbers of an odd length', FIELD, field(3, 0) + 4, 7, 4],
  ['numbers beyond the blob', FIELD, field(3, 0) + 4, 0x7ffffffc, 4],
  ['a program at an odd place', FIELD, field(4, 1), textAt(4, 1) - 4, 4],
  ['half an instruction', FIELD, field(4, 1) + 4, 12, 4],
  ['a number above 32 bits', FIELD, field(6, 0), 1n << 32n, 8],
  ['a u32 of all ones that is not optional', FIELD, field(6, 0), all, 8],
]

function changed([, , at, value, size]: Change): Uint8Array {
  const bytes = good.slice()
  const view = new DataView(bytes.buffer)
  if (size === 8) view.setBigUint64(at, BigInt(value), true)
  else if (size === 4) view.setUint32(at, Number(value), true)
  else if (size === 2) view.setUint16(at, Number(value), true)
  else view.setUint8(at, Number(value))
  return bytes
}

/** A file of `u32 length, bytes, …`. */
function casesFile(path: string, cases: readonly Uint8Array[]): string {
  const parts = cases.flatMap(bytes => [new Uint8Array(new Uint32Array([bytes.length]).buffer), bytes])
  writeFileSync(path, Buffer.concat(parts))
  return path
}

t.test('every corrupted plan is refused for its reason', { skip }, t => {
  const cases = [good, ...changes.map(changed)]
  const file = casesFile(join(scratch(t), 'cases'), cases)
  const verdicts = execFileSync(decoder, ['cases', file], { encoding: 'utf8' }).trim().split('\n').map(Number)
  t.equal(verdicts[0], -1, 'the sample is good')
  changes.forEach(([name, refusal], i) => {
    t.equal(verdicts[i + 1], refusal, `${name}: ${refusals[refusal]}`)
  })
  t.end()
})

t.test('a plan that is cut off at any byte is refused, with either length in its header', { skip }, t => {
  const cases: Uint8Array[] = []
  for (let length = 0; length < good.length; length++) {
    const cut = good.slice(0, length)
    const told = good.slice(0, length)
    if (length >= 12) new DataView(told.buffer).setUint32(8, length, true)
    cases.push(cut, told)
  }
  const file = casesFile(join(scratch(t), 'cases'), cases)
  const verdicts = execFileSync(decoder, ['cases', file], { encoding: 'utf8' }).trim().split('\n').map(Number)
  t.equal(verdicts.length, cases.length)
  t.notOk(verdicts.slice(0, -16).includes(-1), 'padding at the end of the blob may be missing, nothing else')
  t.end()
})

t.test('fuzzing from a fixed seed finds nothing', { skip }, t => {
  const large = encode(
    container(
      '/rootfs',
      sample.slice(1, -1).map(op => ({ ...op, slot: 'b', root: 'b' })),
      ['/bin/sh'],
    ),
  )
  const file = casesFile(join(scratch(t), 'cases'), [good, large])
  const rounds = process.env.TSRUN_FUZZ_ROUNDS ?? '150000'
  t.comment(execFileSync(decoder, ['fuzz', rounds, file], { encoding: 'utf8' }))
  t.end()
})

t.test('the shim itself: check says yes or no, launch does nothing', t => {
  const run = (verb: string, bytes: Uint8Array) => {
    const output = openSync('/dev/null', 'w')
    const [pid, socket] = startShim(verb, bytes, output)
    closeSync(output)
    const message = receive(socket)
    const frame = message.bytes.length > 0 ? parseFrame(message.bytes) : undefined
    return [wait({ pid }), frame]
  }
  t.match(run('check', good), [{ code: 0 }, undefined])
  const bad = changed(changes[0] as Change)
  const refused = [{ code: 1 }, { kind: 'failed', index: WHOLE_PLAN, step: MAGIC, errno: 74 }]
  t.match(run('check', bad), refused)
  t.match(run('launch', bad), refused)
  t.match(run('check', new Uint8Array(0)), [
    { code: 1 },
    { kind: 'failed', index: WHOLE_PLAN, step: 0, errno: 27 },
  ])
  t.end()
})

const sanitized = process.env.TSRUN_SANITIZE === '1' && 'the sanitized one is made otherwise'
t.test('the executable', { skip: sanitized }, t => {
  const elf = readFileSync(shim)
  t.ok(elf.length < 150 * 1024, `${elf.length} bytes`)
  const headers = execFileSync('readelf', ['-lW', shim], { encoding: 'utf8' })
  t.notMatch(headers, /DYNAMIC|INTERP/)
  t.match(headers, /GNU_STACK .* RW /)
  t.notMatch(headers, /LOAD .* RWE /)
  t.match(headers, /EXEC \(Executable file\)/)
  t.end()
})

t.test('the generated files are fresh', t => {
  t.doesNotThrow(() =>
    execFileSync(process.execPath, [join(repository, 'tools/ops.mjs'), '--check'], { env: {} }),
  )
  t.end()
})
