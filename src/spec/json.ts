/**
 * 64-bit integers of JSON. JSON.parse rounds what is beyond 2^53 (RLIM_INFINITY is 2^64-1), and a parser of our own would
 * cost milliseconds in QuickJS. So JSON.parse reads the text, the validator notices a 64-bit field beyond 2^53, and only
 * then the digits are looked up in the text.
 */

/** Fewest digits of an integer beyond 2^53. */
const LONG = 16

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

/** Index of the quote that closes the string whose opening quote is at `open`. */
function closingQuote(text: string, open: number): number {
  for (let quote = text.indexOf('"', open + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let slash = quote - 1
    while (text.charCodeAt(slash) === 92) slash--
    if ((quote - slash) % 2 === 1) return quote
  }
  return text.length
}

/**
 * Puts every integer literal of 16 digits or more in quotes; the result parses to the same tree with strings in their
 * place. Fractions and exponents are left alone.
 */
function quoteLongIntegers(text: string): string {
  let out = ''
  let copied = 0
  let string = text.indexOf('"')
  // A run of 16 digits covers a multiple of 16, so looking at each 16th character finds them all.
  for (let at = 0; at < text.length; at += LONG) {
    if (!isDigit(text.charCodeAt(at))) continue
    let from = at
    while (from > 0 && isDigit(text.charCodeAt(from - 1))) from--
    let to = at + 1
    while (isDigit(text.charCodeAt(to))) to++
    if (to - from < LONG) continue
    at = to - (to % LONG)
    while (string !== -1 && string < from) {
      const end = closingQuote(text, string)
      if (end >= from) break
      string = text.indexOf('"', end + 1)
    }
    if (string !== -1 && string < from) continue
    const before = text.charAt(from - 1)
    const after = text.charAt(to)
    if ('.eE+'.includes(before) || '.eE'.includes(after)) continue
    if (before === '-') {
      // An exponent's sign: 1e-0000000000000001.
      if (from > 1 && 'eE'.includes(text.charAt(from - 2))) continue
      from--
    }
    out += `${text.slice(copied, from)}"${text.slice(from, to)}"`
    copied = to
  }
  return out + text.slice(copied)
}

/** Replaces the numbers of `value` that `quoted` has as strings: the same tree, parsed from the quoted text. */
function takeExact(value: unknown, quoted: unknown): unknown {
  if (typeof value === 'number') {
    return typeof quoted !== 'string' || Number.isSafeInteger(value) ? value : BigInt(quoted)
  }
  if (typeof value === 'object' && value !== null) {
    const into = value as Record<string, unknown>
    const from = quoted as Record<string, unknown>
    for (const key of Object.keys(into)) {
      const old = into[key]
      if (typeof old === 'number' || typeof old === 'object') {
        const exact = takeExact(old, from[key])
        if (exact !== old) into[key] = exact
      }
    }
  }
  return value
}

/**
 * Puts exact integers into `value`, which JSON.parse made of `text`: integers beyond 2^53 become bigint.
 * Numbers written with a fraction or an exponent stay as they are.
 */
export function exactIntegers(value: unknown, text: string): unknown {
  const quoted = quoteLongIntegers(text)
  if (quoted.length === text.length) return value
  return takeExact(value, JSON.parse(quoted))
}

/** JSON of a document whose integers may be bigint: all of them are written as numbers. */
export function exactJson(value: unknown): string {
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const parts: string[] = []
  if (Array.isArray(value)) {
    for (const item of value) parts.push(exactJson(item))
    return `[${parts.join(',')}]`
  }
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key]
    if (item !== undefined) parts.push(`${JSON.stringify(key)}:${exactJson(item)}`)
  }
  return `{${parts.join(',')}}`
}
