import type { Calls } from './prototypes.js'

/** Memory with a stable address, for C structures that hold pointers (msghdr, argv). Never freed. */
export interface Memory {
  readonly address: number
  readonly bytes: Uint8Array
}

/** What an engine provides besides the table of C functions. */
export interface Engine {
  readonly engine: 'node' | 'quickjs'
  readonly arch: 'x64' | 'arm64'
  /** Arguments after the program's name. */
  readonly argv: readonly string[]
  /** The environment as `NAME=value` strings. In the npm form without NODE_*: `shim/npm/launch.c` takes them away. */
  readonly environ: readonly string[]
  /** argv of the process that runs `tsrun` again: [interpreter, …, script] or [path of the static binary]. */
  readonly self: readonly string[]
  /**
   * The soft RLIMIT_NOFILE of whoever started tsrun, where the engine changed its own (Node raises it to the hard one);
   * Infinity for RLIM_INFINITY. Absent: the process's own limit is the caller's.
   */
  readonly callerNofile?: number
  /** How many descriptors from 3 on the caller left open, where the engine has opened some of its own. */
  readonly callerFds?: number
  /** Zeroed memory that neither moves nor is freed. */
  alloc(size: number): Memory
  /** Writes `text` as UTF-8 at `offset` and returns the number of bytes (no NUL added). Throws when it does not fit. */
  utf8Write(text: string, into: Uint8Array, offset: number): number
  /** Decodes bytes [from, to); invalid UTF-8 becomes U+FFFD. */
  utf8Read(bytes: Uint8Array, from: number, to: number): string
  /** The bytes of the shim executable (an ELF file). */
  shim(): Uint8Array
  /** Evaluates a lazily loaded part of the program (`create`, `rest` …) and returns its exports. */
  load(part: string): unknown
  /** Ends the process at once. */
  exit(code: number): never
}

export type Native = Calls & Engine

let current: Native | undefined

/** Called once by the entry point of each form, before anything else. */
export function install(native: Native): void {
  current = native
}

/** The engine's door to the kernel. */
export function native(): Native {
  if (current === undefined) throw new Error('sys: no engine was installed')
  return current
}
