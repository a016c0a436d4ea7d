/**
 * The engine of the npm form: libc through koffi. Each C function is bound when it is first called, because binding
 * costs more than calling (12 µs against 0.3). koffi's own index.js is passed over: it costs 4 ms, the addon alone 1 ms.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Engine, Memory, Native } from './native.js'
import { type ArgKind, type Prototype, prototypes } from './prototypes.js'

type Callable = (...args: readonly unknown[]) => number
interface Library {
  func(name: string, result: string, args: readonly string[]): Callable
}
interface Koffi {
  load(path: null): Library
  errno(): number
  alloc(type: string, length: number): unknown
  address(pointer: unknown): bigint
  view(pointer: unknown, length: number): ArrayBuffer
}

/** What the entry point knows better than this file. */
export type Overrides = Partial<Engine>

const koffiTypes: Record<ArgKind, string> = {
  int: 'int',
  uint: 'uint',
  long: 'long',
  size: 'size_t',
  str: 'str',
  buf: 'void *',
  ptr: 'uintptr_t',
}

/** `import.meta.url` is a path where the bundler put this file into a CommonJS file. (Loading node:url costs 1 ms.) */
const here = dirname(
  import.meta.url.startsWith('file:')
    ? decodeURIComponent(new URL(import.meta.url).pathname)
    : import.meta.url,
)
const arch = process.arch === 'arm64' ? 'arm64' : 'x64'

/** Makes the engine. Nothing is loaded and no system call is made before the first call. */
export function nodeNative(overrides: Overrides = {}): Native {
  // Without a prototype it is a hash table: a hundred functions would be a hundred hidden classes.
  const native: Record<string, Callable> = Object.create(null)
  Object.defineProperties(native, Object.getOwnPropertyDescriptors(engine))
  Object.assign(native, overrides)
  for (const name in prototypes) {
    const row: Prototype = prototypes[name as keyof typeof prototypes]
    native[name] = (...args) => {
      const bound = bind(name, row)
      native[name] = bound
      return bound(...args)
    }
  }
  return native as unknown as Native
}

let koffi: Koffi | undefined
let libc: Library | undefined
let syscall: Callable | undefined
let environ: readonly string[] | undefined

/** syscall(2), bound once for all that can go that way: koffi passes strings, buffers and numbers alike as `void *`. */
function raw(library: Library, number: number, { errno }: Koffi): Callable {
  syscall ??= library.func('syscall', 'long', ['long', ...Array(6).fill('void *')])
  const call = syscall
  return (a = 0, b = 0, c = 0, d = 0, e = 0, f = 0) => {
    const result = call(number, a, b, c, d, e, f)
    return result === -1 ? -errno() : result
  }
}

function bind(name: string, { args, nr = numberOf(name), c, ret, returnsErrno }: Prototype): Callable {
  koffi ??= loadKoffi()
  libc ??= koffi.load(null)
  const { errno } = koffi
  if (nr !== undefined) {
    const call = raw(libc, typeof nr === 'number' ? nr : nr[arch], koffi)
    return name === 'execve' ? leavingMemory(call, libc, koffi) : call
  }
  const f = libc.func(
    c ?? name,
    ret ?? 'int',
    args.map(kind => koffiTypes[kind]),
  )
  if (returnsErrno === true) return (...values) => -f(...values)
  if (ret === 'uint') return f
  return (...values) => {
    const result = f(...values)
    return result === -1 ? -errno() : result
  }
}

/**
 * The calls of an ordinary run that libc hands to the kernel as they are: their numbers, because each function that koffi
 * binds costs as much as 50 calls.
 */
export const plain = {
  openat: { x64: 257, arm64: 56 },
  close: { x64: 3, arm64: 57 },
  read: { x64: 0, arm64: 63 },
  write: { x64: 1, arm64: 64 },
  fcntl: { x64: 72, arm64: 25 },
  mkdirat: { x64: 258, arm64: 34 },
  unlinkat: { x64: 263, arm64: 35 },
  readlinkat: { x64: 267, arm64: 78 },
  statfs: { x64: 137, arm64: 43 },
  chdir: { x64: 80, arm64: 49 },
  umask: { x64: 95, arm64: 166 },
  memfd_create: { x64: 319, arm64: 279 },
  socketpair: { x64: 53, arm64: 199 },
  sendmsg: { x64: 46, arm64: 211 },
  recvmsg: { x64: 47, arm64: 212 },
  execve: { x64: 59, arm64: 221 },
  waitid: { x64: 247, arm64: 95 },
  kill: { x64: 62, arm64: 129 },
  prctl: { x64: 157, arm64: 167 },
  rt_sigprocmask: { x64: 14, arm64: 135 },
  prlimit: { x64: 302, arm64: 261 },
  getpid: { x64: 39, arm64: 172 },
  getuid: { x64: 102, arm64: 174 },
  geteuid: { x64: 107, arm64: 175 },
  getegid: { x64: 108, arm64: 177 },
  clock_gettime: { x64: 228, arm64: 113 },
} as const satisfies Record<string, Prototype['nr']>

const numberOf = (name: string): Prototype['nr'] => (plain as Record<string, Prototype['nr']>)[name]

const PR_SET_DUMPABLE = 4
const CLONE_VM = 0x100
const SIGCHLD = 17
const SIG_SETMASK = 2
const STACK = 16384
/** By when execve(2) has let go of the memory; until then and the 1.6 ms after it somebody holds our stdout, too. */
const MICROSECONDS = 500

/**
 * execve(2) takes the memory of the caller apart before the new program runs: V8's takes 1.6 ms. Whoever else has it does that
 * instead, beside the new program: a child that shares it (CLONE_VM), sleeps until execve is through, and ends. The monitor reaps it.
 */
function leavingMemory(execve: Callable, library: Library, koffi: Koffi): Callable {
  return (...values) => {
    const usleep = library.func('dlsym', 'uintptr_t', ['uintptr_t', 'str'])(0, 'usleep')
    const clone = library.func('clone', 'int', ['uintptr_t', 'uintptr_t', 'int', 'uintptr_t'])
    const stack = alloc(STACK).address
    const numbered = (name: 'prctl' | 'rt_sigprocmask') => raw(library, plain[name][arch], koffi)
    // It has our descriptors, and lives when the container's program does: nobody looks into it.
    numbered('prctl')(PR_SET_DUMPABLE, 0)
    // Node's handler of SIGINT would give a terminal back that the monitor has taken.
    const mask = numbered('rt_sigprocmask')
    const before = new Uint8Array(8)
    mask(SIG_SETMASK, new Uint8Array(8).fill(0xff), before, before.length)
    if (usleep !== 0) clone(usleep, stack - (stack % 16) + STACK - 16, CLONE_VM | SIGCHLD, MICROSECONDS)
    mask(SIG_SETMASK, before, 0, before.length)
    return execve(...values)
  }
}

function loadKoffi(): Koffi {
  const path = findUp(`node_modules/@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`)
  if (path !== undefined) {
    try {
      const addon = { exports: {} }
      process.dlopen(addon, path)
      return addon.exports as Koffi
    } catch {
      // A libc that the prebuilt file does not fit (musl): koffi knows more ways.
    }
  }
  const { createRequire } = process.getBuiltinModule('node:module')
  return createRequire(`${here}/`)('koffi') as Koffi
}

/** The nearest `path` in this file's directory or above. */
function findUp(path: string): string | undefined {
  for (let dir = here; ; dir = dirname(dir)) {
    const file = `${dir === '/' ? '' : dir}/${path}`
    if (existsSync(file)) return file
    if (dir === '/') return undefined
  }
}

function alloc(size: number): Memory {
  koffi ??= loadKoffi()
  const pointer = koffi.alloc('uint8', Math.max(size, 1))
  const bytes = new Uint8Array(koffi.view(pointer, size))
  bytes.fill(0)
  return { address: Number(koffi.address(pointer)), bytes }
}

/** Buffer is there already, where a first TextEncoder costs 0.1 ms. */
function utf8Write(text: string, into: Uint8Array, offset: number): number {
  const room = into.length - offset
  if (offset < 0 || Buffer.byteLength(text) > room)
    throw new RangeError(`utf8Write: ${text.length} characters do not fit`)
  return Buffer.from(into.buffer, into.byteOffset + offset, room).write(text, 'utf8')
}

function utf8Read(bytes: Uint8Array, from: number, to: number): string {
  if (from < 0 || from > to || to > bytes.length) throw new RangeError('utf8Read: out of bounds')
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8')
}

function shim(): Uint8Array {
  const path = findUp('tsrun-shim') ?? findUp('build/tsrun-shim')
  if (path === undefined) throw new Error('the shim is missing: run `make build`')
  return readFileSync(path)
}

const engine: Engine = {
  engine: 'node',
  arch,
  argv: [],
  get environ() {
    environ ??= Object.entries(process.env).map(([name, value]) => `${name}=${value}`)
    return environ
  },
  self: [],
  alloc,
  utf8Write,
  utf8Read,
  shim,
  load(part) {
    throw new Error(`no part ${part}: only the command has parts`)
  },
  exit(code): never {
    // Taking V8 apart costs 1.5 ms, and nobody listens to the end: what is to be written was written by write(2).
    libc?.func('_exit', 'void', ['int'])(code)
    process.exit(code)
  },
}
