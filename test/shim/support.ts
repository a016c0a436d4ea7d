/** Plays hand-made plans with the real shim, without the rest of the runtime. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodePlan } from '../../src/plan/encode.js'
import { answer, type FailedFrame, type Frame, parseFrame } from '../../src/plan/frames.js'
import type { Actor, HostPath, InRootPath, Op, ShimOp } from '../../src/plan/op.js'
import { type OpName, opcodes } from '../../src/plan/opcodes.js'
import { install, native } from '../../src/sys/native.js'
import { nodeNative } from '../../src/sys/node.js'
import { type Exit, spawn, wait } from '../../src/sys/process.js'
import { packetPair, receive, send } from '../../src/sys/socket.js'
import { payloadPath, repository } from '../support/payload.js'

install(nodeNative())

/** `TSRUN_SANITIZE=1`: the same tests with ASan and UBSan in the shim. */
const sanitize = process.env.TSRUN_SANITIZE === '1'
export const shim = join(repository, 'build', sanitize ? 'test/shim-asan' : 'tsrun-shim')
if (sanitize) execFileSync(join(repository, 'tools/shimtest.sh'), ['shim', shim])
else execFileSync(join(repository, 'tools/shim.sh'), [shim])

export const host = (path: string): HostPath => path as HostPath
export const inRoot = (path: string): InRootPath => path as InRootPath

type Fields<O> = O extends ShimOp ? Omit<O, 'by' | 'at'> : never
/** `helper({ op: 'unshare', … })`: an op without the words that only people read. */
const by =
  (actor: Actor) =>
  (op: Fields<ShimOp>): Op =>
    ({ at: 'test', by: actor, ...op }) as Op
export const helper = by('helper')
export const init = by('init')
export const monitor = by('monitor')

export interface Played {
  readonly frames: Frame[]
  readonly failed: FailedFrame | undefined
  /** Of the helper, then of init. */
  readonly exits: (Exit | undefined)[]
  /** What was printed on stdout and stderr. */
  readonly output: string
  readonly fds: number[]
}

export interface PlayOptions {
  /** Called at each barrier with its number, and the pid of init or of the helper. False: hang up. */
  readonly onBarrier?: (n: number, pid: number) => boolean | undefined
  /** Called when init has closed the socket. */
  readonly onReady?: (pid: number) => void
  readonly preserved?: readonly (readonly [number, number])[]
  /** More descriptors that the caller forgot to close. */
  readonly inherited?: readonly (readonly [number, number])[]
  /** A program (and its arguments) that is to run the shim. */
  readonly wrapper?: readonly string[]
  readonly program?: string
}

const decoder = new TextDecoder()

export function encode(ops: readonly Op[]): Uint8Array {
  return encodePlan({ ops }, native().utf8Write).bytes
}

/** Builds a helper program of these tests. */
export function tool(name: string): string {
  const out = join(repository, 'build/test', name)
  mkdirSync(join(repository, 'build/test'), { recursive: true })
  execFileSync('cc', ['-O2', '-o', `${out}.${process.pid}`, join(repository, 'test/shim', `${name}.c`)])
  renameSync(`${out}.${process.pid}`, out)
  return out
}

/** A directory that is removed after the test, with `payload` in it when it is a rootfs. */
export function scratch(t: { teardown(f: () => void): void }, rootfs = false): string {
  const dir = mkdtempSync(join(tmpdir(), 'tsrun-shim-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  if (rootfs) {
    chmodSync(dir, 0o755)
    for (const name of ['proc', 'sys', 'dev', 'tmp', 'etc']) mkdirSync(join(dir, name))
    copyFileSync(payloadPath(), join(dir, 'payload'))
  }
  return dir
}

/** Starts the shim on raw plan bytes. Returns its pid and our end of the report socket. */
export function startShim(
  verb: string,
  bytes: Uint8Array,
  output: number,
  options: PlayOptions = {},
): [number, number] {
  const dir = mkdtempSync(join(tmpdir(), 'tsrun-plan-'))
  const file = join(dir, 'plan')
  writeFileSync(file, bytes)
  const plan = openSync(file, 'r')
  rmSync(dir, { recursive: true })
  const [ours, theirs] = packetPair()
  const input = openSync('/dev/null', 'r')
  const preserved = options.preserved ?? []
  const program = options.program ?? shim
  const argv = [...(options.wrapper ?? []), program, verb, '40', '41', `${preserved.length}`]
  const fds: [number, number][] = [
    [plan, 40],
    [theirs, 41],
    [input, 0],
    [output, 1],
    [output, 2],
  ]
  for (const [from, to] of [...preserved, ...(options.inherited ?? [])]) fds.push([from, to])
  const pid = spawn(argv[0] as string, { argv, env: [], fds })
  for (const fd of [plan, input]) closeSync(fd)
  native().close(theirs)
  return [pid, ours]
}

export function play(ops: readonly Op[], options: PlayOptions = {}): Played {
  const bytes = encode(ops)
  const dir = mkdtempSync(join(tmpdir(), 'tsrun-out-'))
  const output = openSync(join(dir, 'output'), 'w')
  const [child, ours] = startShim('launch', bytes, output, options)
  closeSync(output)
  const frames: Frame[] = []
  const fds: number[] = []
  let pid = child
  try {
    for (;;) {
      const message = receive(ours)
      if (message.bytes.length === 0) {
        options.onReady?.(pid)
        break
      }
      const frame = parseFrame(message.bytes)
      frames.push(frame)
      if (message.fd !== undefined) fds.push(message.fd)
      if (frame.kind === 'started') pid = frame.pid
      if (frame.kind === 'barrier') {
        if (options.onBarrier?.(frame.n, pid) === false) break
        send(ours, answer(frame.n))
      }
    }
  } catch (error) {
    process.kill(pid, 'SIGKILL')
    throw error
  } finally {
    native().close(ours)
  }
  const exits = [wait({ pid: child })]
  if (pid !== child) exits.push(wait({ pid }))
  const text = decoder.decode(readFileSync(join(dir, 'output')))
  rmSync(dir, { recursive: true })
  const failed = frames.find((frame): frame is FailedFrame => frame.kind === 'failed')
  return { frames, failed, exits, output: text, fds }
}

/** The JSON lines that the payload printed. */
export function lines(played: Played): Record<string, unknown>[] {
  return played.output
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as Record<string, unknown>)
}

/** How the helper and init end when all is well. */
export const ended = [{ code: 0 }, { code: 0 }]
export const kinds = (played: Played): string[] => played.frames.map(frame => frame.kind)

/** `move_mount: create target: 2`, so that a test says what it means; undefined for no failure. */
export function failure({ failed }: Played, ops: readonly Op[]): string | undefined {
  if (failed === undefined) return undefined
  const op = ops[failed.index]?.op as OpName
  return `${op}: ${opcodes[op].steps[failed.step]}: ${failed.errno}`
}

/** What a verb of the payload read. */
export const data = (played: Played, verb: string): unknown[] =>
  lines(played)
    .filter(line => line.verb === verb)
    .map(line => line.data)
