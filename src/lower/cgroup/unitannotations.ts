/** Annotations `org.systemd.property.NAME`, which engines and users give for the container's unit. */
import { ConfigError } from '../../base/errors.js'
import type { Int64 } from '../../base/int64.js'
import type { UnitProperty } from '../../plan/op.js'

const PREFIX = 'org.systemd.property.'

type Kind = 'b' | 's' | 'as' | 'i' | 'u' | 't'

/**
 * What may be asked for: how the unit ends, is ordered and described, and limits of itself. Nothing that runs a program, starts another
 * unit or reaches a file of the host (CVE-2024-3154): who writes annotations need not be root.
 */
const allowed: Readonly<Record<string, Kind>> = {
  After: 'as',
  Before: 'as',
  CollectMode: 's',
  CPUQuotaPerSecUSec: 't',
  CPUQuotaPeriodUSec: 't',
  CPUWeight: 't',
  DefaultDependencies: 'b',
  Description: 's',
  FinalKillSignal: 'i',
  IOWeight: 't',
  IPAccounting: 'b',
  KillMode: 's',
  KillSignal: 'i',
  ManagedOOMMemoryPressure: 's',
  ManagedOOMMemoryPressureLimit: 'u',
  ManagedOOMPreference: 's',
  ManagedOOMSwap: 's',
  MemoryHigh: 't',
  MemoryLow: 't',
  MemoryMax: 't',
  MemoryMin: 't',
  MemorySwapMax: 't',
  MemoryZSwapMax: 't',
  OOMPolicy: 's',
  RuntimeMaxUSec: 't',
  SendSIGHUP: 'b',
  SendSIGKILL: 'b',
  StartupCPUWeight: 't',
  StartupIOWeight: 't',
  TasksMax: 't',
  TimeoutStopUSec: 't',
}

/** Their values are GVariant text (`uint64 5`, `'text'`, `true`, `['a.service']`). Throws ConfigError for what is not exactly that. */
export function annotatedProperties(annotations: Readonly<Record<string, string>>): UnitProperty[] {
  const properties: UnitProperty[] = []
  for (const key in annotations) {
    if (!key.startsWith(PREFIX)) continue
    const at = `/annotations/${key.split('~').join('~0').split('/').join('~1')}`
    const asked = key.slice(PREFIX.length)
    const text = (annotations[key] as string).trim()
    // systemctl and unit files say seconds, the bus microseconds: as in runc, both names are known.
    const seconds = asked.endsWith('Sec') && !Object.hasOwn(allowed, asked)
    const name = seconds ? `${asked.slice(0, -'Sec'.length)}USec` : asked
    const type = Object.hasOwn(allowed, name) ? allowed[name] : undefined
    if (type === undefined) {
      throw new ConfigError(
        at,
        'systemd-property-allowed',
        `the systemd property ${JSON.stringify(asked)} may not be set by an annotation (these may: ${Object.keys(allowed).join(', ')})`,
      )
    }
    const property = seconds ? microseconds(text) : parse(type, text)
    if (property === undefined) {
      throw new ConfigError(
        at,
        'systemd-property-value',
        `${JSON.stringify(text)} is no value of the systemd property ${asked}: give it like ${seconds ? '1.5' : examples[type]}`,
      )
    }
    properties.push({ name, at, ...property } as UnitProperty)
  }
  return properties
}

const examples: Readonly<Record<Kind, string>> = {
  b: 'true',
  s: "'text'",
  as: "['one.service', 'two.service']",
  i: '15',
  u: 'uint32 15',
  t: 'uint64 15',
}

interface Parsed {
  readonly type: Kind
  readonly value: boolean | string | readonly string[] | Int64
}

/** A whole value of the type; undefined where the text is none. */
function parse(type: Kind, text: string): Parsed | undefined {
  const bare = text.startsWith(`@${type} `) ? text.slice(type.length + 2).trim() : text
  let value: Parsed['value'] | undefined
  switch (type) {
    case 'b':
      value = bare === 'true' ? true : bare === 'false' ? false : undefined
      break
    case 's': {
      const found = quoted(bare, 0)
      value = found?.end === bare.length ? found.text : undefined
      break
    }
    case 'as':
      value = list(bare)
      break
    default:
      value = integer(type, bare)
  }
  return value === undefined ? undefined : { type, value }
}

const words: Readonly<Record<'i' | 'u' | 't', string>> = { i: 'int32 ', u: 'uint32 ', t: 'uint64 ' }
const ranges: Readonly<Record<'i' | 'u' | 't', readonly [bigint, bigint]>> = {
  i: [-(2n ** 31n), 2n ** 31n - 1n],
  u: [0n, 2n ** 32n - 1n],
  t: [0n, 2n ** 64n - 1n],
}

function integer(type: 'i' | 'u' | 't', text: string): bigint | undefined {
  const digits = text.startsWith(words[type]) ? text.slice(words[type].length).trim() : text
  const sign = digits.startsWith('-') ? 1 : 0
  if (!isDigits(digits.slice(sign)) || digits.length > 20) return undefined
  const value = BigInt(digits)
  const [least, most] = ranges[type]
  return value < least || value > most ? undefined : value
}

function isDigits(text: string): boolean {
  for (const letter of text) if (letter < '0' || letter > '9') return false
  return text !== ''
}

/** Seconds with at most six decimals, with or without a type before them. */
function microseconds(text: string): Parsed | undefined {
  let bare = text
  for (const word of ['uint64 ', 'int64 ', 'uint32 ', 'int32 ', 'double ', '@t ', '@d '])
    if (text.startsWith(word)) bare = text.slice(word.length).trim()
  const [whole = '', decimals = '0', ...rest] = bare.split('.')
  if (!isDigits(whole) || !isDigits(decimals) || decimals.length > 6 || rest.length > 0 || whole.length > 12)
    return undefined
  return { type: 't', value: BigInt(whole + decimals.padEnd(6, '0')) }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\', "'": "'", '"': '"' }

/** A string in single or double quotes that begins at `at`. */
function quoted(text: string, at: number): { readonly text: string; readonly end: number } | undefined {
  const quote = text[at]
  if (quote !== "'" && quote !== '"') return undefined
  let value = ''
  for (let i = at + 1; i < text.length; i++) {
    const letter = text[i] as string
    if (letter === quote) return { text: value, end: i + 1 }
    if (letter === '\0') return undefined
    if (letter !== '\\') value += letter
    else {
      const escaped = escapes[text[++i] ?? '']
      if (escaped === undefined) return undefined
      value += escaped
    }
  }
  return undefined
}

/** `['a', 'b']`. */
function list(text: string): readonly string[] | undefined {
  if (!text.startsWith('[') || !text.endsWith(']')) return undefined
  const values: string[] = []
  let at = 1
  const skip = (): void => {
    while (text[at] === ' ') at++
  }
  for (skip(); at < text.length - 1; skip()) {
    const found = quoted(text, at)
    if (found === undefined) return undefined
    values.push(found.text)
    at = found.end
    skip()
    if (text[at] === ',' && at + 1 < text.length - 1) at++
    else if (at !== text.length - 1) return undefined
  }
  return values
}
