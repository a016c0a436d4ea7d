/**
 * Reads the command line over the tables of `commands.ts`. It takes the spellings of all runtimes: `--opt v`, `--opt=v`,
 * single-dash long options (go-runc passes `-no-subreaper`), clusters of one-letter options, `--detach=false`. The last of
 * repeated options wins. Global options stand before the command, its own anywhere after it, `--` ends them.
 */
import { UsageError } from '../base/errors.js'
import type { CommandName, CommandRow, CommandTable, GlobalOptions, OptionTable } from './commands.js'
import { commands, globalOptions, hiddenCommands } from './commands.js'
import { nearest } from './nearest.js'

type Value = string | number | boolean | readonly string[]

/** What was asked. It is filled as far as the command line is right, so that an error knows its command and its log. */
export interface Invocation {
  command: CommandName | undefined
  readonly global: GlobalOptions
  readonly options: Readonly<Record<string, Value>>
  readonly positionals: readonly string[]
  /** `--help` was among the command's options. */
  help: boolean
}

export function emptyInvocation(): Invocation {
  return { command: undefined, global: {}, options: {}, positionals: [], help: false }
}

/**
 * @param argv the arguments after the program's name
 * @param into an empty invocation
 * @param table other commands, for tests
 * @throws UsageError
 */
export function parse(argv: readonly string[], into: Invocation, table: CommandTable = commands): void {
  const scan: Scan = { argv, at: 0, command: undefined, options: globalOptions }
  const globals = into.global as Record<string, Value>
  while (scan.at < argv.length && isOption(argv[scan.at])) {
    if (argv[scan.at] === '--') {
      scan.at++
      break
    }
    readOption(scan, globals)
  }
  const word = argv[scan.at]
  if (word === undefined) return
  const row = rowOf(word, table) ?? rowOf(word, hiddenCommands)
  if (row === undefined) throw unknownCommand(word, table)
  scan.at++
  into.command = word as CommandName
  scan.command = word
  scan.options = row.options
  readCommand(scan, row, into)
  if (!into.help && globals.help !== true) checkCount(word, row.positionals, into.positionals.length)
}

const rowOf = (word: string, table: CommandTable): CommandRow | undefined =>
  Object.hasOwn(table, word) ? table[word] : undefined

interface Scan {
  readonly argv: readonly string[]
  at: number
  command: string | undefined
  options: OptionTable
}

function readCommand(scan: Scan, row: CommandRow, into: Invocation): void {
  const positionals = into.positionals as string[]
  const options = into.options as Record<string, Value>
  let optionsEnded = false
  while (scan.at < scan.argv.length) {
    const word = scan.argv[scan.at] as string
    if (optionsEnded || !isOption(word)) {
      positionals.push(word)
      scan.at++
      if (row.stopAtPositional) optionsEnded = true
    } else if (word === '--') {
      optionsEnded = true
      scan.at++
    } else if (isHelp(word)) {
      into.help = true
      scan.at++
    } else {
      readOption(scan, options)
    }
  }
}

/** A word that starts with `-`; a bare `-` is an operand (standard input). */
function isOption(word: string | undefined): boolean {
  return word !== undefined && word.length > 1 && word[0] === '-'
}

function isHelp(word: string): boolean {
  return word === '--help' || word === '-h' || word === '-help' || word === '-?'
}

/** Reads the option at `scan.at`, and its value, into `values`. */
function readOption(scan: Scan, values: Record<string, Value>): void {
  const word = scan.argv[scan.at++] as string
  const start = word[1] === '-' ? 2 : 1
  const equals = word.indexOf('=', start)
  const name = word.slice(start, equals === -1 ? word.length : equals)
  const inline = equals === -1 ? undefined : word.slice(equals + 1)
  if (Object.hasOwn(scan.options, name) && (start === 2 || name.length > 1)) {
    setOption(scan, name, word.slice(0, start) + name, inline, values)
  } else if (start === 1) {
    readCluster(scan, word, values)
  } else {
    throw unknownOption(scan, word.slice(0, start) + name)
  }
}

/** One-letter options: all but the last are booleans; one with a value takes the rest of the word or the next word. */
function readCluster(scan: Scan, word: string, values: Record<string, Value>): void {
  const names: string[] = []
  for (let i = 1; i < word.length; i++) {
    const name = longName(scan.options, word[i] as string)
    // Nothing was set yet: a misspelt single-dash long option must not act by its first letters.
    if (name === undefined) throw unknownOption(scan, word)
    names.push(name)
    const rest = word.slice(i + 1)
    if (kindOf(scan.options[name] as string) === 'boolean' && rest[0] !== '=') continue
    for (let j = 0; j < names.length - 1; j++) values[names[j] as string] = true
    const inline = rest === '' ? undefined : rest[0] === '=' ? rest.slice(1) : rest
    setOption(scan, name, `-${word[i]}`, inline, values)
    return
  }
  for (const name of names) values[name] = true
}

function longName(options: OptionTable, letter: string): string | undefined {
  for (const name in options) {
    const row = options[name] as string
    const space = row.indexOf(' ')
    if (space !== -1 && row.indexOf(letter, space + 1) !== -1) return name
  }
  return undefined
}

/** The first word of an option's row. */
export function kindOf(row: string): string {
  const space = row.indexOf(' ')
  return space === -1 ? row : row.slice(0, space)
}

/** @param as how the option was spelt, for messages */
function setOption(
  scan: Scan,
  name: string,
  as: string,
  inline: string | undefined,
  values: Record<string, Value>,
): void {
  const kind = kindOf(scan.options[name] as string)
  if (kind === 'boolean') {
    values[name] = inline === undefined ? true : toBoolean(inline, as)
    return
  }
  const text = inline ?? scan.argv[scan.at++]
  // In Go's words: by these podman finds out what `restore` can do.
  if (text === undefined) throw new UsageError(`flag needs an argument: ${as}`)
  if (kind === 'string') values[name] = text
  else if (kind === 'integer') values[name] = toInteger(text, as)
  else if (kind === 'list') values[name] = [...((values[name] as readonly string[] | undefined) ?? []), text]
  else if (hasWord(kind, text)) values[name] = text
  else throw new UsageError(`invalid ${name}: ${text} (use one of ${kind.split('|').join(', ')})`)
}

function hasWord(words: string, word: string): boolean {
  return word !== '' && !word.includes('|') && `|${words}|`.includes(`|${word}|`)
}

function toBoolean(text: string, as: string): boolean {
  switch (text) {
    case 'true':
    case '1':
    case 't':
    case 'T':
    case 'TRUE':
    case 'True':
      return true
    case 'false':
    case '0':
    case 'f':
    case 'F':
    case 'FALSE':
    case 'False':
      return false
    default:
      throw new UsageError(`invalid value "${text}" for ${as}: use true or false`)
  }
}

const maxInteger = 2147483647

/** Decimal digits and nothing else: no sign, no 0x, no blanks, no overflow. */
function toInteger(text: string, as: string): number {
  let value = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    value = value * 10 + digit
    if (digit < 0 || digit > 9 || value > maxInteger) value = Number.NaN
  }
  if (text === '' || Number.isNaN(value)) {
    throw new UsageError(`invalid value "${text}" for ${as}: use a whole number from 0 to ${maxInteger}`)
  }
  return value
}

function unknownCommand(word: string, table: CommandTable): UsageError {
  const names = Object.keys(table)
  const guess = nearest(word, names)
  const hint = guess === undefined ? `the commands are ${names.join(', ')}` : `did you mean "${guess}"?`
  return new UsageError(`unknown command "${word}"; ${hint}`)
}

function unknownOption(scan: Scan, word: string): UsageError {
  const bare = word.slice(word[1] === '-' ? 2 : 1)
  const where = scan.command === undefined ? '' : ` of "${scan.command}"`
  if (scan.command !== undefined && Object.hasOwn(globalOptions, bare)) {
    return new UsageError(`${word} is a global option: it goes before "${scan.command}"`)
  }
  const guess = nearest(bare, Object.keys(scan.options))
  const hint = guess === undefined ? '' : `; did you mean --${guess}?`
  return new UsageError(`unknown option ${word}${where}${hint}`)
}

/** Engines and people know runc's sentence. */
function checkCount(command: string, rows: readonly string[], count: number): void {
  let least = 0
  let most = rows.length
  for (const row of rows) {
    if (row.endsWith('...')) most = Number.POSITIVE_INFINITY
    else if (!row.endsWith('?')) least++
  }
  if (count >= least && count <= most) return
  const tooFew = count < least
  const need = least === most ? 'exactly' : tooFew ? 'a minimum of' : 'a maximum of'
  throw new UsageError(`"${command}" requires ${need} ${tooFew ? least : most} argument(s)`)
}
