import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { HostError } from '../../src/base/errors.js'
import { socketsOf } from '../../src/launch/dbus/address.js'
import { ask, awaitSignal, connect, deadlineIn, isLate } from '../../src/launch/dbus/connection.js'
import { marshal, unmarshal, type Value } from '../../src/launch/dbus/marshal.js'
import { decodeMessage, encodeMessage, METHOD_CALL, messageLength } from '../../src/launch/dbus/message.js'
import { install } from '../../src/sys/native.js'
import { nodeNative } from '../../src/sys/node.js'

install(nodeNative())

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

/** Worked out by hand from the specification. */
const worked: readonly (readonly [string, readonly Value[], string])[] = [
  ['y', [255], 'ff'],
  ['b', [true], '01000000'],
  ['yu', [1, 2], '01 000000 02000000'],
  ['i', [-2], 'feffffff'],
  ['yt', [1, 2n ** 64n - 1n], '01 00000000000000 ffffffffffffffff'],
  ['x', [-1n], 'ffffffffffffffff'],
  ['s', ['äb'], '03000000 c3a462 00'],
  ['ss', ['a', 'b'], '01000000 6100 0000 01000000 6200'],
  ['g', ['a(sv)'], '05 6128737629 00'],
  ['v', [{ signature: 't', value: 5n }], '01 74 00 0000000000 0500000000000000'],
  ['ay', [new Uint8Array([1, 2])], '02000000 0102'],
  ['as', [[]], '00000000'],
  ['a(st)', [[]], '00000000 00000000'],
  ['a(st)', [[['a', 1n]]], '10000000 00000000 01000000 6100 0000 0100000000000000'],
  ['au', [[7]], '04000000 07000000'],
]

t.test('values on the wire, both ways', async t => {
  for (const [signature, values, text] of worked) {
    t.equal(hex(marshal(signature, values)), text.replaceAll(' ', ''), signature)
    t.same(unmarshal(signature, bytes(text)), values, signature)
  }
})

t.test('what a bus may not say', async t => {
  const bad: readonly (readonly [string, string, string])[] = [
    ['u', '010000', 'too short'],
    ['u', '0100000000', 'too long'],
    ['b', '02000000', 'no boolean'],
    ['yu', '01 000100 02000000', 'padding'],
    ['s', '02000000 6100 00', 'a NUL inside'],
    ['s', '01000000 6161', 'no NUL at the end'],
    ['s', 'ffffffff 6161', 'a string beyond the end'],
    ['as', 'ffffffff', 'an array beyond the end'],
    ['as', '05000000 01000000 61', 'half an element'],
    ['ay', '03000000 0102', 'half of the bytes'],
    ['g', '02 2829 00', 'never read as a type'],
    ['v', '02 7474 00 0000000000000000', 'two types'],
    ['v', '00 00', 'no type'],
    ['v', '02 2829 00 00000000', 'an empty struct'],
    ['v', '01 6b 00 00', 'an unknown type'],
    ['(', '00', 'an open struct'],
    ['a', '00000000', 'an array of nothing'],
  ]
  for (const [signature, text, why] of bad) {
    if (signature === 'g') t.same(unmarshal(signature, bytes(text)), ['()'], why)
    else t.throws(() => unmarshal(signature, bytes(text)), { code: 'ERR_HOST' }, why)
  }
  const deep = `${'a'.repeat(80)}y`
  t.throws(() => unmarshal(deep, new Uint8Array(400)), { code: 'ERR_HOST' }, 'nested')
  const variants = Buffer.concat([
    ...Array.from({ length: 100 }, () => Buffer.from('017600', 'hex')),
    bytes('01790001'),
  ])
  t.throws(() => unmarshal('v', new Uint8Array(variants)), { code: 'ERR_HOST' }, 'variants in variants')
})

const call = {
  type: METHOD_CALL,
  flags: 0,
  serial: 3,
  path: '/a',
  interface: 'b.c',
  member: 'D',
  destination: 'e.f',
  signature: 's',
  body: marshal('s', ['text']),
}

t.test('messages', async t => {
  const whole = encodeMessage(call)
  t.equal(messageLength(whole), whole.length)
  t.equal(whole.length % 4, 1, 'its body is not padded')
  t.same({ ...decodeMessage(whole) }, call)
  t.equal(messageLength(whole.subarray(0, 15)), undefined)
  t.throws(() => messageLength(bytes(`42${'00'.repeat(15)}`)), /byte order/)
  t.throws(() => messageLength(bytes(`6c020002${'00'.repeat(12)}`)), /version 2/)
  t.throws(() => messageLength(bytes(`6c020001${'ffffff7f'}${'00'.repeat(8)}`)), /too long/)
})

t.test('damaged messages are errors, or other messages', async t => {
  const whole = encodeMessage(call)
  let refused = 0
  for (let at = 0; at < whole.length; at++) {
    for (const value of [0, 1, 7, 127, 255]) {
      const damaged = whole.slice()
      damaged[at] = value
      try {
        const length = messageLength(damaged)
        if (length === undefined || length > damaged.length) continue
        const { signature = '', body } = decodeMessage(damaged.slice(0, length))
        unmarshal(signature, body)
      } catch (error) {
        refused++
        if (!(error instanceof HostError)) t.fail(`byte ${at} as ${value}: ${(error as Error).stack}`)
      }
    }
  }
  t.ok(refused > 100, `${refused} refused`)
})

t.test('addresses', async t => {
  t.same(socketsOf('unix:path=/run/user/1000/bus'), ['/run/user/1000/bus'])
  t.same(socketsOf('unix:path=/a%20b,guid=00;tcp:host=x;unix:abstract=c'), ['/a b', '@c'])
  for (const none of ['', 'unix:', 'unix:path=', 'unix:path=%zz', 'unix:path=%00', 'launchd:env=X'])
    t.same(socketsOf(none), [], none)
})

const dir = mkdtempSync(join(tmpdir(), 'tsrun-dbus-'))
t.teardown(() => rmSync(dir, { recursive: true }))
let counter = 0

/** A bus in another process: the client blocks this one. */
const bus = async (t: Test, mode: string): Promise<string> => {
  const path = join(dir, `${counter++}`)
  const program = fileURLToPath(new URL('../support/fakebus.mjs', import.meta.url))
  const child = spawn(process.execPath, [program, path, mode], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  await once(child.stdout, 'data')
  return path
}

const start = {
  destination: 'org.freedesktop.systemd1',
  path: '/org/freedesktop/systemd1',
  interface: 'org.freedesktop.systemd1.Manager',
  member: 'StartTransientUnit',
}

for (const mode of ['good', 'split']) {
  t.test(`calls, answers and signals: ${mode}`, async t => {
    const path = await bus(t, mode)
    const deadline = deadlineIn(10_000)
    const connection = connect({ path, bus: true }, [], deadline)
    const [job, pong] = ask(connection, [start, { ...start, member: 'Ping' }], deadline)
    t.same(job, { signature: 'o', values: ['/org/freedesktop/systemd1/job/7'] })
    t.same(pong, { signature: '', values: [] })
    t.same(
      awaitSignal(
        connection,
        'JobRemoved',
        'uoss',
        values => values[1] === '/org/freedesktop/systemd1/job/7',
        deadline,
      ),
      [7, '/org/freedesktop/systemd1/job/7', 'unit', 'done'],
    )
  })
}

t.test('errors of the other side', async t => {
  const deadline = deadlineIn(10_000)
  const connection = connect({ path: await bus(t, 'refuse'), bus: true }, [], deadline)
  t.same(ask(connection, [start], deadline), [
    { error: 'org.freedesktop.DBus.Error.AccessDenied', message: 'Permission denied' },
  ])
  for (const [mode, message] of [
    ['reject', /does not accept us/],
    ['close', /closed the connection|EPIPE|ECONNRESET/],
    ['garbage', /byte order/],
    ['long', /too long/],
  ] as const) {
    const other = connect({ path: await bus(t, mode), bus: true }, [], deadline)
    t.throws(() => ask(other, [start], deadline), message, mode)
  }
  t.throws(() => connect({ path: join(dir, 'none'), bus: true }, [], deadline), {
    code: 'ERR_SYSCALL',
    errnoName: 'ENOENT',
  })
})

t.test('a deadline', async t => {
  const path = await bus(t, 'hang')
  const begin = performance.now()
  try {
    const deadline = deadlineIn(300)
    ask(connect({ path, bus: true }, [], deadline), [start], deadline)
    t.fail('it hung')
  } catch (error) {
    t.ok(isLate(error))
  }
  const took = performance.now() - begin
  t.ok(took >= 290 && took < 5000, `${took} ms`)
})
