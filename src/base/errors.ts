/**
 * The one family of errors (DESIGN: errors and logs). Every error that a user can meet is one of these; an
 * `InternalError` is a bug of ours. Codes are literal strings, so that callers can switch on them.
 * Messages are lower case, without a final full stop, and name what was being done, on what, and what to do.
 */
export class TsrunError extends Error {
  /** Prepends what was being done: `wrap("create \"web\"")` turns `X` into `create "web": X`. */
  wrap(context: string): this {
    this.message = `${context}: ${this.message}`
    return this
  }
}

/** The bundle or the command line asks for something that is invalid. */
export class ConfigError extends TsrunError {
  readonly code = 'ERR_CONFIG'
  /** JSON pointer of the field (`/mounts/3/destination`), or '' for the whole document. */
  readonly pointer: string
  /** The rule that was broken, a stable kebab-case name (`hostname-needs-uts`). */
  readonly rule: string
  constructor(pointer: string, rule: string, message: string) {
    super(pointer === '' ? message : `${pointer}: ${message}`)
    this.pointer = pointer
    this.rule = rule
  }
}

/** Names of what can be wrong with a container's state. */
export type StateCode =
  | 'not-found'
  | 'exists'
  | 'invalid-id'
  | 'not-running'
  | 'not-created'
  | 'not-stopped'
  | 'paused'
  | 'not-paused'
  | 'stopped'
  | 'corrupt'
  | 'no-output'

/** The container is not in the state that the command needs. The texts are API (engines match on them). */
export class StateError extends TsrunError {
  readonly code = 'ERR_STATE'
  readonly reason: StateCode
  constructor(reason: StateCode, message: string) {
    super(message)
    this.reason = reason
  }
}

/** This machine lacks something that is needed. The message says what mends it. */
export class HostError extends TsrunError {
  readonly code = 'ERR_HOST'
}

/** The command line is wrong: exit after a usage text. */
export class UsageError extends TsrunError {
  readonly code = 'ERR_USAGE'
}

/** A system call failed. Reads like strace: `openat2("/x", O_PATH): ENOENT, no such file or directory`. */
export class SyscallError extends TsrunError {
  readonly code = 'ERR_SYSCALL'
  readonly syscall: string
  /** Positive errno number. */
  readonly errno: number
  /** Its name (`ENOENT`). */
  readonly errnoName: string
  constructor(syscall: string, errno: number, errnoName: string, message: string) {
    super(message)
    this.syscall = syscall
    this.errno = errno
    this.errnoName = errnoName
  }
}

/** A plan breaks an ordering rule: a bug in lowering, found before anything ran. */
export class PlanError extends TsrunError {
  readonly code = 'ERR_PLAN'
}

/** A bug of ours. */
export class InternalError extends TsrunError {
  readonly code = 'ERR_INTERNAL'
}

/** Compile-time proof that a switch is exhaustive. */
export function assertNever(value: never): never {
  throw new InternalError(`unexpected value ${JSON.stringify(value)}`)
}
