/** Linux signal numbers of x86_64 and aarch64, as signal(7) names them without `SIG`. Aliases come last. */
export const signals = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
  IOT: 6,
  CLD: 17,
  POLL: 29,
} as const satisfies Record<string, number>

/** glibc's and musl's real-time range: the C libraries keep 32 to 34 for themselves. */
const firstRealTime = 34
const lastRealTime = 64

/**
 * A signal's number from what people and engines write: `9`, `KILL`, `SIGKILL`, `sigkill`, `RTMIN+3`, `SIGRTMAX-1`.
 * 0 is allowed: it only asks whether the process is there. Returns undefined when there is no such signal.
 */
export function parseSignal(text: string): number | undefined {
  const number = digits(text)
  if (number !== undefined) return number <= lastRealTime ? number : undefined
  // Letters of other alphabets have capitals among ours: \u0131 has I, \u017f has S.
  for (const char of text) if (char > 'z') return undefined
  const upper = text.toUpperCase()
  const name = upper.startsWith('SIG') ? upper.slice(3) : upper
  if (name.startsWith('RTMIN')) return realTime(firstRealTime, name.slice(5), '+')
  if (name.startsWith('RTMAX')) return realTime(lastRealTime, name.slice(5), '-')
  return Object.hasOwn(signals, name) ? signals[name as keyof typeof signals] : undefined
}

/** The usual name with `SIG`, or the bare number where there is none. */
export function signalName(number: number): string {
  for (const name in signals) if (signals[name as keyof typeof signals] === number) return `SIG${name}`
  if (number >= firstRealTime && number <= lastRealTime) {
    return number === firstRealTime ? 'SIGRTMIN' : `SIGRTMIN+${number - firstRealTime}`
  }
  return String(number)
}

function realTime(base: number, rest: string, sign: '+' | '-'): number | undefined {
  if (rest === '') return base
  const distance = rest[0] === sign ? digits(rest.slice(1)) : undefined
  if (distance === undefined) return undefined
  const number = sign === '+' ? base + distance : base - distance
  return number >= firstRealTime && number <= lastRealTime ? number : undefined
}

/** Decimal digits only, at most three of them. */
function digits(text: string): number | undefined {
  if (text.length === 0 || text.length > 3) return undefined
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 48 || code > 57) return undefined
  }
  return Number(text)
}
