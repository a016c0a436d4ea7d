/** The messages of criu's RPC, byte by byte, and what is told of criu's log. */
import t from 'tap'
import { HostError } from '../../src/base/errors.js'
import { explained, lastErrors } from '../../src/launch/criu/log.js'
import { messages } from '../../src/launch/criu/messages.js'
import { decode, encode } from '../../src/launch/criu/wire.js'
import { install } from '../../src/sys/native.js'
import { nodeNative } from '../../src/sys/node.js'

install(nodeNative())

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

t.test('requests, as protoc writes them', async t => {
  t.equal(hex(encode('request', { type: 10 })), '080a')
  t.equal(hex(encode('request', { type: 6, notifySuccess: true })), '08061801')
  const options = { pid: 300, shellJob: false, logFile: 'ä', emptyNs: 0x40000000 }
  t.equal(
    hex(encode('request', { type: 1, options })),
    `0801 1210 10ac02 3800 5202c3a4 b002 8080808004`.replaceAll(' ', ''),
    'varints of several bytes, UTF-8, a length before a message',
  )
  const externalMounts = [
    { key: '/a', value: '/b' },
    { key: '/c', value: '' },
  ]
  t.equal(hex(encode('options', { externalMounts })), 'ba01080a022f6112022f62ba01060a022f631200')
  t.equal(hex(encode('options', { external: [] })), '')
  const long = encode('options', { root: 'x'.repeat(300) })
  t.equal(hex(long.subarray(0, 3)), '6aac02')
  t.throws(() => encode('options', { pid: -1 }), /criu's pid cannot be -1/)
  t.throws(() => encode('options', { pid: 0.5 }), /cannot be/)
})

t.test('responses', async t => {
  t.same(decode('response', bytes('0806 1001 2a0c 0a0a c3a473742d64756d7021')), {
    type: 6,
    success: true,
    notification: { script: 'äst-dump!' },
  })
  t.same(decode('response', bytes('3807')), { errno: 7 })
  t.same(decode('response', bytes('38ffffffffffffffffff01')), { errno: -1 }, 'a negative int32 is ten bytes')
  t.same(decode('response', bytes('080108020806')), { type: 6 }, 'the last one counts')
  t.same(
    decode('response', bytes('0801 a00601 ad0601020304 a9060102030405060708 a206020000')),
    { type: 1 },
    'unknown fields are skipped',
  )
})

t.test('what is broken', async t => {
  for (const text of [
    '08',
    '0880',
    '08ffffffffffffffffffffff01',
    '2a05 0a',
    '2affffffffffffffffff01',
    '0a0101',
    '0b',
    'ad060102',
    '2a020a05',
  ])
    t.throws(() => decode('response', bytes(text)), { message: /criu's answer cannot be read/ }, text)
})

t.test('every message can be read as it was written', async t => {
  const sample = (kind: string): unknown => {
    if (kind === 'int') return 77
    if (kind === 'bool') return true
    if (kind === 'text') return 'wörds'
    return full(kind as keyof typeof messages)
  }
  const full = (name: keyof typeof messages): object =>
    Object.fromEntries(
      Object.entries(messages[name]).map(([field, row]) => {
        const kind = (row as string).split(' ')[1] ?? ''
        return [
          field,
          kind.endsWith('*') ? [sample(kind.slice(0, -1)), sample(kind.slice(0, -1))] : sample(kind),
        ]
      }),
    )
  for (const name of Object.keys(messages) as (keyof typeof messages)[]) {
    const numbers = Object.values(messages[name]).map(row => (row as string).split(' ')[0])
    t.equal(new Set(numbers).size, numbers.length, `${name}: no number twice`)
    t.same(decode(name, encode(name, full(name))), full(name), name)
  }
})

t.test('the errors of a log', async t => {
  const log = [
    "(00.07) Error (criu/util.c:1533): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted",
    '(00.15)      1: Error (criu/a.c:1):   one',
    '(00.15) Warn  (criu/a.c:1): nothing',
    '(00.15) Error (criu/a.c:2): two',
    '(00.15) Error (criu/a.c:3): three',
    '(00.15) Error (criu/a.c:4): four',
    '(00.22) Error (criu/cr-dump.c:2111): Dumping FAILED.',
  ]
  t.equal(
    lastErrors(log.join('\n')),
    'Error (criu/a.c:2): two; Error (criu/a.c:3): three; Error (criu/a.c:4): four',
  )
  t.equal(lastErrors(log[6] as string), 'Error (criu/cr-dump.c:2111): Dumping FAILED.', 'better than nothing')
  t.equal(lastErrors(''), '')
  const failed = () => new HostError('criu failed: type DUMP errno 3')
  t.equal(
    (explained(failed(), '/nowhere', log[1]) as Error).message,
    `${failed().message}: Error (criu/a.c:1): one`,
  )
  t.equal((explained(new HostError('other'), undefined, log[1]) as Error).message, 'other')
})
