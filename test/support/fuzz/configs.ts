/**
 * Structured mutations of good configs: fields vanish, change places and types, numbers go to their edges, strings get what no
 * string should have; now and then the text itself is damaged.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultConfig, type Json, type JsonObject } from '../config.js'
import { fullDocument } from '../fullspec.js'
import { repository } from '../payload.js'

export type Random = (below: number) => number
export const pick = <T>(random: Random, all: readonly T[]): T => all[random(all.length)] as T

/** The configs of the example bundles, the ordinary one, and one with every field there is. */
export const corpus = (): string[] => {
  const bundles = join(repository, 'bundles')
  const texts = readdirSync(bundles)
    .filter(name => !name.includes('.'))
    .map(name => readFileSync(join(bundles, name, 'config.json'), 'utf8'))
  return [...texts, JSON.stringify(defaultConfig('fuzz')), JSON.stringify(fullDocument('Spec'))]
}

/** Numbers as text: JSON.stringify could not write them all. */
const numbers = [
  ...[
    '0',
    '-0',
    '-1',
    '1',
    '65535',
    '65536',
    '2147483647',
    '2147483648',
    '4294967294',
    '4294967295',
    '4294967296',
  ],
  ...[
    '9007199254740991',
    '9007199254740993',
    '9223372036854775807',
    '9223372036854775808',
    '-9223372036854775808',
  ],
  ...[
    '18446744073709551615',
    '18446744073709551616',
    '1e3',
    '1e308',
    '1e999',
    '-1e999',
    '0.5',
    '1.0',
    '1e-3',
  ],
]

const strings = [
  ...[
    '',
    ' ',
    '/',
    '.',
    '..',
    '../..',
    '/..',
    '//',
    '/./',
    '/proc',
    '/proc/self',
    '/sys',
    '/dev',
    '/dev/pts',
    '\u0000',
  ],
  ...[
    'a\u0000b',
    'a\nb',
    '\ud800',
    '\udfff',
    '\u202e',
    '٣',
    '__proto__',
    'constructor',
    'toString',
    'x'.repeat(5000),
  ],
  ...[
    '/x'.repeat(3000),
    '%s%n',
    'CAP_ALL',
    'SCMP_ACT_ALLOW',
    'rbind',
    'ro',
    'remount',
    'idmap',
    'tmpcopyup',
    'size=1',
  ],
]

interface Place {
  readonly holder: Record<string, Json> | Json[]
  readonly key: string | number
}

const places = (value: Json, into: Place[] = []): Place[] => {
  if (typeof value !== 'object' || value === null) return into
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    into.push({ holder: value as Record<string, Json>, key })
    places((value as Record<string, Json>)[key as string] as Json, into)
  }
  return into
}

const at = ({ holder, key }: Place): Json => (holder as Record<string, Json>)[key as string] as Json
const put = ({ holder, key }: Place, value: Json): void => {
  Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true })
}

const mark = (number: string): string => `\u0001${number}\u0001`

/** A value that may stand in the place of any other. */
const anything = (random: Random, all: readonly Place[]): Json => {
  switch (random(8)) {
    case 0:
      return null
    case 1:
      return random(2) === 0
    case 2:
      return random(2) === 0 ? [] : {}
    case 3:
      return pick(random, strings)
    case 4:
      return structuredClone(at(pick(random, all)))
    case 5: {
      let deep: Json = 1
      for (let i = 0; i < 200; i++) deep = random(2) === 0 ? [deep] : { a: deep }
      return deep
    }
    default:
      return mark(pick(random, numbers))
  }
}

/** A value of the same type at its edges: more of these get past the schema. */
const alike = (random: Random, value: Json): Json => {
  if (typeof value === 'number') return mark(pick(random, numbers))
  if (typeof value === 'boolean') return !value
  if (typeof value === 'string') {
    const edge = pick(random, strings)
    return pick(random, [edge, value + edge, edge + value, value.toUpperCase(), value.slice(1)])
  }
  if (Array.isArray(value))
    return pick(random, [[], [...value, ...value], [...value].reverse(), value.slice(1)])
  return value
}

const mutate = (random: Random, config: JsonObject): void => {
  const all = places(config)
  if (all.length === 0) return
  const place = pick(random, all)
  switch (random(6)) {
    case 0:
      if (Array.isArray(place.holder)) place.holder.splice(place.key as number, 1)
      else delete place.holder[place.key]
      break
    case 1:
      put(place, anything(random, all))
      break
    case 2:
      if (!Array.isArray(place.holder)) put({ ...place, key: pick(random, strings) }, anything(random, all))
      else place.holder.push(structuredClone(at(place)))
      break
    default:
      put(place, alike(random, at(place)))
  }
}

/** Damages the text: what the loader gets from a half-written file. */
const damage = (random: Random, text: string): string => {
  const from = random(text.length)
  switch (random(4)) {
    case 0:
      return text.slice(0, from)
    case 1:
      return (
        text.slice(0, from) +
        pick(random, ['"', '{', '}', '[', ',', ':', '\\', '\u0000', '-', '\ufeff', '1']) +
        text.slice(from)
      )
    case 2:
      return text.slice(0, from) + text.slice(from + 1 + random(20))
    default:
      return text.replace(/^\{/, `{"linux":{"namespaces":[]},"process":{"args":["x"]},"__proto__":{"a":1},`)
  }
}

/** One mutant of one of the texts. */
export const mutant = (random: Random, texts: readonly string[]): string => {
  const config = JSON.parse(pick(random, texts)) as JsonObject
  for (let n = 1 + random(4); n > 0; n--) mutate(random, config)
  const text = JSON.stringify(config).replaceAll(/"\\u0001([^"\\]*)\\u0001"/g, '$1')
  return random(10) === 0 ? damage(random, text) : text
}
