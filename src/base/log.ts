/** What the layers below the command line see of logging; the sink is made in `cli/log.ts`. */
export type Level = 'error' | 'warning' | 'info' | 'debug'

/** Structured facts beside a message: `pointer`, `syscall`, `errno`, `id`. */
export type LogFields = Readonly<Record<string, string | number | boolean>>

export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** What somebody else printed: `info` in a log file, `debug` where people read. */
  note(message: string, fields?: LogFields): void
  /** Whether notes are kept: else nobody need fetch them. */
  readonly notes: boolean
}

/** Drops everything: for tests and for callers that do not care. */
export const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, note() {}, notes: false }
