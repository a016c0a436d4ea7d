/** What criu says of its failures: in its log, and before it has one on stderr. */
import { HostError } from '../../base/errors.js'
import { tryRead } from '../../sys/files.js'

/** How many lines an error message repeats. */
const MOST = 3
/** What criu says last of all, and of limits that it could not raise, explains nothing. */
const EMPTY: readonly string[] = ['FAILED', 'RLIMIT_NOFILE']

/** The last lines that tell of an error, joined; '' where there are none. */
export function lastErrors(text: string): string {
  const errors: string[] = []
  for (const line of text.split('\n')) if (line.includes('Error (')) errors.push(clean(line))
  const telling = errors.filter(line => !EMPTY.some(word => line.includes(word)))
  return (telling.length > 0 ? telling : errors).slice(-MOST).join('; ')
}

/** `(00.22)     27: Error (criu/x.c:1): words` without the time and the pid, and the NULs that 3.17 writes before it has a log. */
function clean(line: string): string {
  const words = line.slice(line.indexOf('Error (')).replaceAll('\0', '').split(' ')
  return words.filter(word => word !== '').join(' ')
}

/**
 * The same error with criu's own reasons: the last errors of its log and where that is, or what it said before it had one. Engines look
 * for the words `log file: `.
 */
export function explained(error: unknown, log: string | undefined, said = ''): unknown {
  if (!(error instanceof HostError) || !error.message.startsWith('criu failed')) return error
  const logged = log === undefined ? undefined : tryRead(log)
  const reasons = lastErrors(logged ?? said)
  if (reasons !== '') error.message += `: ${reasons}`
  if (logged !== undefined) error.message += ` (log file: ${log})`
  return error
}
