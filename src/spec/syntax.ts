/** Where a text stops being JSON, in the words of an editor. Loaded only after JSON.parse refused the text. */
export interface SyntaxProblem {
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
  /** What was found there and what could have been. */
  readonly message: string
}

const SPACE = ' \t\n\r'
const DIGITS = '0123456789'

function found(text: string, at: number): string {
  const code = text.codePointAt(at)
  if (code === undefined) return 'found the end of the text'
  if (code < 0x20 || code === 0x7f || code === 0xfeff) {
    return `found the character U+${code.toString(16).toUpperCase().padStart(4, '0')}`
  }
  return `found ${String.fromCodePoint(code)}`
}

class Stop {
  readonly at: number
  readonly expected: string
  constructor(at: number, expected: string) {
    this.at = at
    this.expected = expected
  }
}

function skip(text: string, at: number, chars: string): number {
  let i = at
  while (i < text.length && chars.includes(text.charAt(i))) i++
  return i
}

/** Index behind the string that starts at `at`. */
function string(text: string, at: number): number {
  for (let i = at + 1; ; i++) {
    const char = text.charAt(i)
    if (char === '"') return i + 1
    if (char === '') throw new Stop(i, 'a quote that ends the string')
    if (char < ' ') throw new Stop(i, 'an escape like \\n, or the end of the string')
    if (char !== '\\') continue
    i++
    if (text.charAt(i) === 'u') {
      const end = skip(text.slice(0, i + 5), i + 1, `${DIGITS}abcdefABCDEF`)
      if (end !== i + 5) throw new Stop(end, 'four hexadecimal digits after \\u')
      i += 4
    } else if (i >= text.length || !'"\\/bfnrt'.includes(text.charAt(i))) {
      throw new Stop(i, 'one of " \\ / b f n r t u after the backslash')
    }
  }
}

/** Index behind the number that starts at `at`. */
function number(text: string, at: number): number {
  const digits = (from: number): number => {
    const to = skip(text, from, DIGITS)
    if (to === from) throw new Stop(from, 'a digit')
    return to
  }
  const first = text.charAt(at) === '-' ? at + 1 : at
  let i = text.charAt(first) === '0' ? first + 1 : digits(first)
  if (text.charAt(i) === '.') i = digits(i + 1)
  if ('eE'.includes(text.charAt(i)) && i < text.length) {
    i = digits('+-'.includes(text.charAt(i + 1)) && i + 1 < text.length ? i + 2 : i + 1)
  }
  return i
}

/** Index behind the string, number or word that starts at `at`. */
function scalar(text: string, at: number): number {
  const char = text.charAt(at)
  if (char === '"') return string(text, at)
  if (char !== '' && `-${DIGITS}`.includes(char)) return number(text, at)
  for (const word of ['true', 'false', 'null']) if (text.startsWith(word, at)) return at + word.length
  throw new Stop(at, 'a value')
}

/** Index behind `"name" :`, and behind the space after it. */
function name(text: string, at: number): number {
  if (text.charAt(at) !== '"') throw new Stop(at, 'a property name in double quotes')
  const colon = skip(text, string(text, at), SPACE)
  if (text.charAt(colon) !== ':') throw new Stop(colon, "':' after the property name")
  return skip(text, colon + 1, SPACE)
}

/** Throws a Stop at the first place where no JSON text goes on like this. */
function scan(text: string): void {
  const open: string[] = []
  let i = skip(text, 0, SPACE)
  for (;;) {
    const char = text.charAt(i)
    if (char === '{' || char === '[') {
      const close = char === '{' ? '}' : ']'
      i = skip(text, i + 1, SPACE)
      if (text.charAt(i) !== close) {
        open.push(close)
        if (close === '}') i = name(text, i)
        continue
      }
      i++
    } else {
      i = scalar(text, i)
    }
    // A value has ended: so may the lists and objects around it.
    for (;;) {
      i = skip(text, i, SPACE)
      const close = open[open.length - 1]
      if (close === undefined) {
        if (i < text.length) throw new Stop(i, 'the end of the text')
        return
      }
      if (text.charAt(i) === ',') {
        i = skip(text, i + 1, SPACE)
        if (close === '}') i = name(text, i)
        break
      }
      if (text.charAt(i) !== close) throw new Stop(i, `',' or '${close}'`)
      open.pop()
      i++
    }
  }
}

/** Finds what is wrong with a text; undefined when it is JSON. */
export function syntaxProblem(text: string): SyntaxProblem | undefined {
  try {
    scan(text)
  } catch (stop) {
    if (!(stop instanceof Stop)) throw stop
    const before = text.slice(0, stop.at).split('\n')
    return {
      line: before.length,
      column: (before[before.length - 1] ?? '').length + 1,
      message: `expected ${stop.expected}, ${found(text, stop.at)}`,
    }
  }
  return undefined
}
