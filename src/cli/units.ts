/** Sizes and times as people write them, and whole numbers of 64 bits. Nothing is guessed. */
import { UsageError } from '../base/errors.js'
import type { Int64 } from '../base/int64.js'

const wrong = (text: string, option: string, want: string): UsageError =>
  new UsageError(`invalid value "${text}" for ${option}: use ${want}`)

/** The digits at `from`, with one point among them where `fraction` allows it; returns where they end. */
function digitsEnd(text: string, from: number, fraction: boolean): number {
  let at = from
  let points = fraction ? 1 : 0
  for (; at < text.length; at++) {
    const char = text[at] as string
    if (char === '.' && at > from && points-- > 0) continue
    if (char < '0' || char > '9') break
  }
  return at
}

const LEAST = -(2n ** 63n)
const MOST = 2n ** 63n - 1n

/** A whole number of 64 bits. Throws UsageError. */
export function parseInt64(text: string, option: string): Int64 {
  const from = text.startsWith('-') ? 1 : 0
  if (from === text.length || digitsEnd(text, from, false) !== text.length || text.length > 20) {
    throw wrong(text, option, 'a whole number')
  }
  const value = BigInt(text)
  if (value < LEAST || value > MOST) throw wrong(text, option, 'a whole number of 64 bits')
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

const sizes = 'bkmgtp'
const tails: readonly string[] = ['', 'b', 'B', 'ib', 'iB', 'IB']

/** Bytes: `1048576`, `512k`, `1.5G`, `64MiB`; -1 for no limit. Throws UsageError. */
export function parseSize(text: string, option: string): Int64 {
  if (text === '-1') return -1
  const end = digitsEnd(text, 0, true)
  const unit = text.slice(end).trim()
  // Not by toLowerCase of the whole: the sign of kelvin would become a k.
  const first = unit[0] ?? 'b'
  const power = sizes.indexOf(first <= 'Z' ? first.toLowerCase() : first)
  const known = power >= 0 && tails.indexOf(unit.slice(1)) >= 0 && (power > 0 || unit.length <= 1)
  if (end === 0 || !known) throw wrong(text, option, 'a size like 512k, 64m or 1.5g, or -1 for no limit')
  const digits = text.slice(0, end)
  if (!digits.includes('.')) return parseInt64(`${BigInt(digits) * 1024n ** BigInt(power)}`, option)
  const bytes = Math.floor(Number(digits) * 1024 ** power)
  if (!Number.isSafeInteger(bytes)) throw wrong(text, option, 'a size below 8P where it has a fraction')
  return bytes
}

const times: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Milliseconds of a Go duration: `500ms`, `1.5s`, `1m30s`. At least 1. Throws UsageError. */
export function parseDuration(text: string, option: string): number {
  let total = 0
  for (let at = 0; at < text.length; ) {
    const end = digitsEnd(text, at, true)
    let unitEnd = end
    while (unitEnd < text.length && (text[unitEnd] as string) >= 'a') unitEnd++
    const unit = times[text.slice(end, unitEnd)]
    if (end === at || unit === undefined) throw wrong(text, option, 'a time like 500ms, 10s or 1m30s')
    total += Number(text.slice(at, end)) * unit
    at = unitEnd
  }
  if (total < 1 || total > 2 ** 31 - 1)
    throw wrong(text, option, 'a time of at least 1ms, like 500ms, 10s or 1m')
  return Math.floor(total)
}
