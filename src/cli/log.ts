/**
 * Where messages go. With `--log` they go to that file, as runc's lines, which containerd and podman read; without, to
 * stderr. The final error is on stderr in any case.
 */
import { UsageError } from '../base/errors.js'
import type { Level, Log, LogFields } from '../base/log.js'
import { formatTime } from '../base/time.js'
import { O, openFile } from '../sys/files.js'
import { native } from '../sys/native.js'
import type { GlobalOptions } from './commands.js'
import { hasColour, printError, writeAll } from './output.js'

const CLOCK_REALTIME = 0

/** Our own levels, and those of callers that know more or spell them otherwise. */
const ranks = { error: 0, warning: 1, info: 2, debug: 3, warn: 1, trace: 3, fatal: 0, panic: 0 } as const

export interface CliLog extends Log {
  /** Logs the error that ends the command, and tells it to a person on stderr where that was not the log already. */
  fail(message: string, fields?: LogFields): void
}

/** Opens what the global options ask for. */
export function openLog(options: GlobalOptions): CliLog {
  const fd = options.log ? openLogFile(options.log) : undefined
  const json = options['log-format'] === 'json'
  const threshold = ranks[options.debug === true ? 'debug' : (options['log-level'] ?? 'info')]
  const ofNotes = fd === undefined ? 'debug' : 'info'
  const emit = (level: Level, message: string, fields: LogFields = {}): void => {
    if (ranks[level] > threshold) return
    if (fd !== undefined)
      writeAll(fd, json ? jsonLine(level, message, fields) : textLine(level, message, fields))
    else if (json) printError(jsonLine(level, message, fields))
    else printError(plainLine(level, message))
  }
  return {
    debug: (message, fields) => emit('debug', message, fields),
    info: (message, fields) => emit('info', message, fields),
    warn: (message, fields) => emit('warning', message, fields),
    error: (message, fields) => emit('error', message, fields),
    note: (message, fields) => emit(ofNotes, message, fields),
    notes: ranks[ofNotes] <= threshold,
    fail(message, fields) {
      emit('error', message, fields)
      if (fd !== undefined) printError(plainLine('error', message))
    },
  }
}

/** crun takes `file:PATH` and two more kinds, which are refused here. */
function openLogFile(option: string): number {
  if (option.startsWith('journald:') || option.startsWith('syslog:')) {
    throw new UsageError(`invalid --log: ${option} (only files are supported)`)
  }
  return openFile(logPath(option), O.WRONLY | O.CREAT | O.APPEND, 0o644)
}

/** The file that the option names. */
export const logPath = (option: string): string => (option.startsWith('file:') ? option.slice(5) : option)

/** `{"level":…,"msg":…,"time":…}` first, as runc writes it; readers ignore the keys after them. */
export function jsonLine(level: Level, message: string, fields: LogFields, time: string = now()): string {
  return `${JSON.stringify({ level, msg: message, time, ...fields })}\n`
}

/** `time="…" level=error msg="…" key=value`. */
export function textLine(level: Level, message: string, fields: LogFields, time: string = now()): string {
  let line = `time="${time}" level=${level} msg=${JSON.stringify(message)}`
  for (const key in fields) line += ` ${key}=${quoted(String(fields[key]))}`
  return `${line}\n`
}

/** For people: `tsrun: message`. */
function plainLine(level: Level, message: string): string {
  const red = level === 'error' ? '31' : level === 'warning' ? '33' : '36'
  const name = hasColour(2) ? `\x1b[1;${red}mtsrun:\x1b[0m` : 'tsrun:'
  const text = oneLine(message)
  return level === 'error' ? `${name} ${text}\n` : `${name} ${level}: ${text}\n`
}

/** Names in a message come from hostile bundles: no control character of theirs reaches the terminal. */
export function oneLine(text: string): string {
  let safe = ''
  for (const char of text) {
    const code = char.charCodeAt(0)
    if (char === '\n') safe += '\\n'
    else if (code < 32 || (code >= 127 && code < 160)) safe += `\\x${code.toString(16).padStart(2, '0')}`
    else safe += char
  }
  return safe
}

function quoted(text: string): string {
  for (const char of text)
    if (char <= ' ' || char === '"' || char === '=' || char > '~') return JSON.stringify(text)
  return text === '' ? '""' : text
}

function now(): string {
  const timespec = new Uint8Array(16)
  native().clock_gettime(CLOCK_REALTIME, timespec)
  const view = new DataView(timespec.buffer)
  const seconds = view.getUint32(0, true) + view.getInt32(4, true) * 4294967296
  return formatTime(seconds, view.getUint32(8, true))
}
