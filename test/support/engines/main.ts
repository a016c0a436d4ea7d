/**
 * A program for test/unit/engines.test.ts that uses every member of the engine and prints what it saw, one line each;
 * both engines must print the same.
 */
import { UsageError } from '../../../src/base/errors.js'
import { type Native, native } from '../../../src/sys/native.js'

export function main(): number {
  const n = native()
  const say = (what: string, value: unknown): void => {
    const bytes = new Uint8Array(4096)
    const length = n.utf8Write(`${JSON.stringify([what, value])}\n`, bytes, 0)
    n.write(1, bytes.subarray(0, length), length)
  }
  for (const [what, probe] of Object.entries(probes)) {
    try {
      say(what, probe(n))
    } catch (error) {
      say(what, `threw ${error instanceof Error ? error.constructor === RangeError : error}`)
    }
  }
  return 7
}

const text = (n: Native, ...bytes: number[]): string => n.utf8Read(new Uint8Array(bytes), 0, bytes.length)
const written = (n: Native, what: string): readonly number[] => {
  const into = new Uint8Array(16)
  return [n.utf8Write(what, into, 1), ...into]
}

const probes: Record<string, (n: Native) => unknown> = {
  argv: n => n.argv,
  environ: n => n.environ,
  self: n => n.self.length > 0,
  'missing file': n => n.open('/nope', 0, 0),
  'bad descriptor': n => n.close(-1),
  'unsigned result': n => n.geteuid(),
  'long result': n => n.read(-1, new Uint8Array(4), 4),
  'raw system call': n => [n.statx(-100, '/', 0, 0x7ff, new Uint8Array(256)), n.pidfd_open(-1, 0)],
  'raw buffer': n => {
    const path = new Uint8Array(64)
    const length = n.getcwd(path, 64)
    return n.utf8Read(path, 0, length - 1)
  },
  'buffer at an offset': n => {
    const bytes = new Uint8Array(16)
    const fds = bytes.subarray(8)
    const result = n.pipe2(fds, 0o2000000)
    const [read = -1, , , , write = -1] = fds
    const sent = n.write(write, new Uint8Array([104, 105]), 2)
    const got = n.read(read, bytes, 8)
    n.close(read)
    n.close(write)
    return [result, sent, got, bytes[0], bytes[1], read > 2]
  },
  'null buffer': n => n.prlimit(0, 7, null, null),
  'flags beyond 31 bits': n => n.open('/nope', 0x80000000 | 0, 0xffffffff),
  'errno as result': n => {
    const memory = n.alloc(64)
    return n.posix_spawn(memory.bytes, '/nope/x', null, null, memory.address + 8, memory.address + 8)
  },
  alloc: n => {
    const { address, bytes } = n.alloc(40)
    const other = n.alloc(1)
    return [address % 8, bytes.length, bytes.every(byte => byte === 0), other.address !== address]
  },
  'name of the kernel': n => {
    const { bytes } = n.alloc(400)
    return [n.uname(bytes), n.utf8Read(bytes, 0, 5)]
  },
  'write ascii': n => written(n, 'abc'),
  'write wide': n => written(n, 'é€😀'),
  'write half a pair': n => [written(n, 'a\ud800'), written(n, '\udc00b'), written(n, '\ud83d\ude00\ude00')],
  'write full': n => written(n, '123456789012345'),
  'write too much': n => written(n, '1234567890123456'),
  'write wide too much': n => written(n, '€€€€€€'),
  'write out of bounds': n => n.utf8Write('', new Uint8Array(4), 5),
  'read wide': n => text(n, 0x61, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80),
  'read damaged': n =>
    text(n, 0x61, 0xff, 0xe2, 0x82, 0x61, 0xed, 0xa0, 0x80, 0xc0, 0x80, 0xf4, 0x90, 0x80, 0x80, 0xc3),
  'read a byte order mark': n => text(n, 0xef, 0xbb, 0xbf, 0x61).length,
  'read out of bounds': n => n.utf8Read(new Uint8Array(4), 2, 5),
  'a name with half a pair': n => n.openat(-100, '/\ud800', 0, 0),
  shim: n => [n.shim().length, n.shim()[0], n.shim()[3]],
  'a part': n => (n.load('create') as { answer: () => string }).answer(),
  'a part that is loaded twice': n => {
    const first = n.load('create')
    return first === n.load('create')
  },
  'a class of the boot bundle': n => {
    const part = n.load('create') as { refuse: () => void }
    try {
      part.refuse()
    } catch (error) {
      return error instanceof UsageError && error.message
    }
    return 'nothing thrown'
  },
  'a cold part, and its use of another': n => (n.load('rest') as { cold: () => unknown }).cold(),
  'an unknown part': n => {
    try {
      return n.load('nope')
    } catch {
      return 'threw'
    }
  },
}
