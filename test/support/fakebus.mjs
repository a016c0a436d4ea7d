// A bus with a systemd that behaves as told: node fakebus.mjs SOCKET MODE. Says `ready`, then a line of JSON for each call that it gets.
// It knows the wire by itself, so that the tests of the client do not test it against its own mistakes.
//
//   good     every job is done; the signal comes before the answer
//   split    the same, a byte at a time
//   failed   jobs end as "failed"
//   exists   there is such a unit, with two processes
//   refuse   access is denied
//   reject   the client is not accepted
//   close    closes the connection after the first message
//   garbage  answers with bytes that are no message
//   long     announces a message of 1 GiB
//   hang     accepts, and never says anything
import { createServer } from 'node:net'

const [path, mode] = process.argv.slice(2)
const JOB = '/org/freedesktop/systemd1/job/7'

const padded = (buffer, to) => Buffer.concat([buffer, Buffer.alloc((to - (buffer.length % to)) % to)])
const u32 = number => {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(number)
  return buffer
}
const text = value => Buffer.concat([u32(Buffer.byteLength(value)), Buffer.from(`${value}\0`)])
const signature = value => Buffer.from([value.length, ...Buffer.from(value), 0])

const message = (type, fields, types, body) => {
  let list = Buffer.alloc(0)
  const all = types === '' ? fields : [...fields, [8, 'g', signature(types)]]
  for (const [code, kind, value] of all) {
    let entry = padded(list, 8)
    entry = Buffer.concat([entry, Buffer.from([code]), signature(kind)])
    list = Buffer.concat([kind === 'g' ? entry : padded(entry, 4), value])
  }
  const fixed = Buffer.concat([
    Buffer.from(['l'.charCodeAt(0), type, 0, 1]),
    u32(body.length),
    u32(99),
    u32(list.length),
  ])
  return Buffer.concat([padded(Buffer.concat([fixed, list]), 8), body])
}

const reply = (serial, types, body) => message(2, [[5, 'u', u32(serial)]], types, body)
const error = (serial, name, words) =>
  message(
    3,
    [
      [4, 's', text(name)],
      [5, 'u', u32(serial)],
    ],
    's',
    text(words),
  )
const jobRemoved = result => {
  const parts = [u32(7), text(JOB), text('unit'), text(result)]
  const body = parts.reduce((all, part) => Buffer.concat([padded(all, 4), part]), Buffer.alloc(0))
  const fields = [
    [1, 'o', text('/org/freedesktop/systemd1')],
    [2, 's', text('org.freedesktop.systemd1.Manager')],
    [3, 's', text('JobRemoved')],
  ]
  return message(4, fields, 'uoss', body)
}

/** Serial, member and length of the message at the beginning. */
const parse = buffer => {
  if (buffer.length < 16) return undefined
  const fieldsLength = buffer.readUInt32LE(12)
  const length = 16 + ((fieldsLength + 7) & ~7) + buffer.readUInt32LE(4)
  if (buffer.length < length) return undefined
  let member = ''
  for (let at = 16; at < 16 + fieldsLength; ) {
    at = (at + 7) & ~7
    const code = buffer[at]
    const kind = String.fromCharCode(buffer[at + 2])
    if (kind === 'g') {
      at += 4 + 1 + buffer[at + 4] + 1
      continue
    }
    const size = buffer.readUInt32LE(at + 4)
    if (code === 3) member = buffer.toString('utf8', at + 8, at + 8 + size)
    at += 8 + (kind === 'u' ? 0 : size + 1)
  }
  return {
    serial: buffer.readUInt32LE(8),
    flags: buffer[2],
    member,
    length,
    body: buffer.subarray(length - buffer.readUInt32LE(4), length),
  }
}

const jobs = ['StartTransientUnit', 'StopUnit']

const answer = ({ serial, member }) => {
  if (mode === 'garbage') return Buffer.from('this is no message of a bus at all')
  if (mode === 'long') return Buffer.concat([Buffer.from([108, 2, 0, 1]), u32(1 << 30), u32(1), u32(0)])
  if (mode === 'refuse') return error(serial, 'org.freedesktop.DBus.Error.AccessDenied', 'Permission denied')
  if (mode === 'exists' && member === 'StartTransientUnit')
    return error(serial, 'org.freedesktop.systemd1.UnitExists', 'Unit x.scope already exists.')
  if (member === 'GetUnitProcesses') {
    const one = Buffer.concat([text('/x'), Buffer.alloc(1), u32(5), text('sh')])
    const two = padded(one, 8)
    return reply(serial, 'a(sus)', Buffer.concat([u32(two.length + one.length), Buffer.alloc(4), two, one]))
  }
  if (!jobs.includes(member)) return reply(serial, '', Buffer.alloc(0))
  return Buffer.concat([jobRemoved(mode === 'failed' ? 'failed' : 'done'), reply(serial, 'o', text(JOB))])
}

const server = createServer(socket => {
  let buffer = Buffer.alloc(0)
  let begun = false
  socket.on('error', () => {})
  socket.on('data', data => {
    if (mode === 'hang') return
    buffer = Buffer.concat([buffer, data])
    while (!begun) {
      const end = buffer.indexOf('\r\n')
      if (end < 0) return
      const line = buffer.toString('latin1', 0, end)
      buffer = buffer.subarray(end + 2)
      if (mode === 'reject') socket.write('REJECTED EXTERNAL\r\n')
      else if (line === '\0AUTH EXTERNAL') socket.write('DATA\r\n')
      else if (line === 'DATA') socket.write('OK 0123456789abcdef0123456789abcdef\r\n')
      else if (line === 'BEGIN') begun = true
    }
    for (let call = parse(buffer); call !== undefined; call = parse(buffer)) {
      buffer = buffer.subarray(call.length)
      console.log(JSON.stringify({ member: call.member, body: call.body.toString('hex') }))
      if (mode === 'close') return socket.destroy()
      if ((call.flags & 1) === 1) continue
      const bytes = answer(call)
      if (mode !== 'split') socket.write(bytes)
      else for (const byte of bytes) socket.write(Buffer.from([byte]))
    }
  })
})
server.listen(path, () => console.log('ready'))
