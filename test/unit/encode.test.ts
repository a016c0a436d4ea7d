import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { encodePlan } from '../../src/plan/encode.js'
import { answer, parseFrame, WHOLE_PLAN } from '../../src/plan/frames.js'
import type { Op } from '../../src/plan/op.js'
import { opcodes } from '../../src/plan/opcodes.js'
import { repository } from '../support/payload.js'

const shimHeader = readFileSync(join(repository, 'shim/ops.gen.h'), 'utf8')
const buildId = Number(/BUILD_ID (0x\w+)u/.exec(shimHeader)?.[1])

const encoder = new TextEncoder()
const utf8Write = (text: string, into: Uint8Array, offset: number): number => {
  const bytes = encoder.encode(text)
  into.set(bytes, offset)
  return bytes.length
}
const op = (fields: object): Op => ({ at: '/here', by: 'init', ...fields }) as unknown as Op
const runtime = (value: number): Op => ({ op: 'write_oom_score_adj', at: '/x', by: 'runtime', value })
const encode = (...ops: Op[]) => encodePlan({ ops }, utf8Write)

/** A plan taken apart again: the header's words and the ops with their raw fields. */
function decode(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const header = [0, 4, 8, 12, 16, 20, 24, 28].map(at => view.getUint32(at, true))
  const records = header[4] as number
  const blob = bytes.subarray(32 + records)
  const ops: { index: number; code: number; tolerated: number[]; fields: bigint[] }[] = []
  for (let at = 32; at < 32 + records; ) {
    const count = view.getUint16(at + 6, true)
    ops.push({
      index: view.getUint32(at, true),
      code: view.getUint16(at + 4, true),
      tolerated: [8, 10, 12, 14].map(i => view.getUint16(at + i, true)),
      fields: Array.from({ length: count }, (_, i) => view.getBigUint64(at + 16 + 8 * i, true)),
    })
    at += 16 + 8 * count
  }
  const at = (field: bigint | undefined) => Number((field ?? 0n) & 0xffffffffn)
  const slice = (field: bigint | undefined) =>
    blob.subarray(at(field), at(field) + Number((field ?? 0n) >> 32n))
  return {
    header,
    ops,
    blob,
    slice,
    text: (field: bigint | undefined) => new TextDecoder().decode(slice(field)),
    at,
  }
}

t.test('the header', t => {
  const { bytes } = encode(op({ op: 'setsid' }), op({ op: 'umask', mask: 0o22 }))
  const { header, ops } = decode(bytes)
  t.equal(new TextDecoder().decode(bytes.subarray(0, 4)), 'TSRP')
  t.same(header.slice(1), [buildId, bytes.length, 2, 16 + 24, 0, 0, 0])
  t.same(ops, [
    { index: 0, code: opcodes.setsid.code, tolerated: [0, 0, 0, 0], fields: [] },
    { index: 1, code: opcodes.umask.code, tolerated: [0, 0, 0, 0], fields: [0o22n] },
  ])
  t.end()
})

t.test('fields of every kind', t => {
  const program = Uint8Array.from({ length: 16 }, (_, i) => i)
  const { bytes } = encode(
    op({ op: 'open_namespace', slot: 'ns:ü', path: '/proc/1/ns/net', type: ['network', 'user'] }),
    op({ op: 'setns', slot: 'ns:ü', type: ['network'] }),
    op({
      op: 'fsmount',
      slot: 'b',
      type: 'tmpfs',
      options: ['size=1', '', 'grüße'],
      attrs: ['ro', 'noexec'],
    }),
    op({ op: 'move_mount', slot: 'b', root: 'ns:ü', target: '/x', create: 'like_source', links: 'refuse' }),
    op({ op: 'setgroups', gids: [1, 4294967295] }),
    op({ op: 'capset', effective: 2n ** 64n - 1n, permitted: 2 ** 40, inheritable: 0 }),
    op({ op: 'seccomp', flags: [], program }),
    op({ op: 'supervise', pid: 5, console: 0, tolerate: ['ENOENT', 'EWOULDBLOCK'] }),
  )
  const { header, ops, text, slice, at, blob } = decode(bytes)
  const [open, join, fs, move, groups, caps, seccomp, supervise] = ops.map(({ fields }) => fields)
  t.equal(header[5], 2, 'slots')
  t.same([open?.[0], join?.[0], fs?.[0], move?.[0], move?.[1]], [0n, 0n, 1n, 1n, 0n])
  t.equal(text(open?.[1]), '/proc/1/ns/net')
  t.equal(blob[at(open?.[1]) + 14], 0, 'a NUL follows')
  t.equal(open?.[2], 0x50000000n)
  t.equal(fs?.[2], 2n ** 64n - 1n, 'absent')
  t.equal(text(fs?.[3]), 'size=1\0\0grüße\0')
  t.equal(fs?.[4], 9n)
  t.same(move?.slice(3), [3n, 1n])
  t.equal(at(groups?.[0]) % 4, 0)
  t.same([...slice(groups?.[0])], [1, 0, 0, 0, 255, 255, 255, 255])
  t.same(caps, [2n ** 64n - 1n, 2n ** 40n, 0n])
  t.equal(at(seccomp?.[1]) % 8, 0)
  t.same([...slice(seccomp?.[1])], [...program])
  t.same(supervise, [5n, 0n])
  t.same(ops[7]?.tolerated, [2, 11, 0, 0])
  t.end()
})

t.test('ops of the runtime become barriers', t => {
  const { bytes, barriers } = encode(
    runtime(1),
    runtime(2),
    op({ op: 'setsid' }),
    runtime(3),
    op({ op: 'setsid' }),
  )
  t.same(
    decode(bytes).ops.map(({ index, code, fields }) => [index, code, ...fields.map(Number)]),
    [
      [0, opcodes.barrier.code, 0],
      [2, opcodes.setsid.code],
      [3, opcodes.barrier.code, 1],
      [4, opcodes.setsid.code],
    ],
  )
  t.same(barriers, [[runtime(1), runtime(2)], [runtime(3)]])
  t.throws(
    () => encode(op({ op: 'setsid' }), runtime(1)),
    { code: 'ERR_PLAN' },
    'nobody would reach that barrier',
  )
  t.end()
})

t.test('long plans and long strings', t => {
  const long = 'ü'.repeat(70000)
  const ops = Array.from({ length: 2000 }, (_, i) =>
    op({ op: 'sethostname', name: i === 1000 ? long : `name${i}` }),
  )
  const { bytes } = encode(...ops)
  const plan = decode(bytes)
  t.equal(plan.header[2], bytes.length)
  t.equal(plan.text(plan.ops[1000]?.fields[0]), long)
  t.equal(plan.text(plan.ops[1999]?.fields[0]), 'name1999')
  t.end()
})

t.test('what the wire cannot carry', t => {
  const refused = (fields: object, message: RegExp) =>
    t.throws(() => encode(op(fields)), { code: 'ERR_PLAN', message }, String(message))
  refused({ op: 'sethostname', name: 'a\0b' }, /sethostname \(\/here\): .*NUL/)
  refused({ op: 'sethostname' }, /sethostname \(\/here\): /)
  refused({ op: 'open_path', slot: 'x', path: 'relative' }, /"relative" is not absolute/)
  refused({ op: 'setns', slot: 'x', type: [] }, /slot x is used/)
  refused({ op: 'unshare', namespaces: ['nothing'] }, /no such name: nothing/)
  refused({ op: 'unshare', namespaces: ['toString'] }, /no such name/)
  refused({ op: 'umask', mask: -1 }, /-1 is no 32-bit number/)
  refused({ op: 'umask', mask: 2 ** 32 }, /no 32-bit number/)
  refused({ op: 'umask', mask: 1.5 }, /no 32-bit number/)
  refused({ op: 'raise_ambient', mask: 2n ** 64n }, /no unsigned 64-bit number/)
  refused({ op: 'raise_ambient', mask: -1n }, /no unsigned 64-bit number/)
  refused({ op: 'raise_ambient', mask: 2 ** 60 }, /no unsigned 64-bit number/)
  refused({ op: 'seccomp', flags: [], program: new Uint8Array(7) }, /cut off/)
  refused({ op: 'setsid', tolerate: ['ENOTHING'] }, /no errno/)
  refused({ op: 'setsid', tolerate: ['EPERM', 'EPERM', 'EPERM', 'EPERM', 'EPERM'] }, /more than four/)
  const slots = Array.from({ length: 257 }, (_, i) => op({ op: 'open_path', slot: `s${i}`, path: '/' }))
  t.doesNotThrow(() => encode(...slots.slice(1)))
  t.throws(() => encode(...slots), { message: /more than 256 slots/ })
  t.end()
})

t.test('frames', t => {
  const frame = (kind: number, a = 0, b = 0, c = 0, detail: readonly number[] = []) =>
    new Uint8Array([...new Uint8Array(new Int32Array([kind, a, b, c]).buffer), ...detail])
  t.same(parseFrame(frame(1, 4711)), { kind: 'started', pid: 4711 })
  t.same(parseFrame(frame(2, 3)), { kind: 'barrier', n: 3 })
  t.same(parseFrame(frame(3, 1)), { kind: 'fd', tag: 1 })
  t.same(parseFrame(frame(4, -1, 2, 22)), {
    kind: 'failed',
    index: WHOLE_PLAN,
    step: 2,
    errno: 22,
    detail: '',
  })
  const text = (...bytes: number[]) => (parseFrame(frame(4, 0, 0, 0, bytes)) as { detail: string }).detail
  t.equal(text(...encoder.encode('aä€😀z')), 'aä€😀z')
  t.equal(text(0x80, 0x61, 0xc3, 0x61, 0xff, 0xe2, 0x82), '\ufffda\ufffda\ufffd\ufffd', 'cut off or no UTF-8')
  t.same(parseFrame(frame(6, 3, 0, 0, [0x68, 0x69])), { kind: 'said', index: 3, detail: 'hi' })
  t.throws(() => parseFrame(frame(7)), { code: 'ERR_INTERNAL' })
  t.throws(() => parseFrame(frame(1).subarray(1)), { code: 'ERR_INTERNAL' })
  t.throws(() => parseFrame(new Uint8Array(529)), { code: 'ERR_INTERNAL' })
  t.same(answer(7), new Uint8Array([7, 0, 0, 0]))
  t.end()
})
