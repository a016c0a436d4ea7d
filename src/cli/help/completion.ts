/**
 * Completion scripts from the tables. They are our own: yargs' ones call the program at every key, with an option that a
 * runtime should not have, and it knows no fish.
 */
import { signals } from '../../base/signals.js'
import { type CommandName, type CommandRow, commands, globalOptions, type OptionTable } from '../commands.js'
import { kindOf } from '../parse.js'
import { bashScript } from './bash.js'
import { fishScript } from './fish.js'
import { commandTexts, globalTexts, optionTexts } from './texts.js'
import { zshScript } from './zsh.js'

/** What a value or an operand may be: a list of words, or one of these. */
export type Values = 'directory' | 'file' | 'container' | 'nothing' | readonly string[]

export interface CompletionOption {
  /** Long name, and its letters. */
  readonly name: string
  readonly letters: readonly string[]
  readonly text: string
  /** Absent for booleans. */
  readonly values?: Values
}

export interface CompletionCommand {
  readonly name: CommandName
  readonly summary: string
  readonly options: readonly CompletionOption[]
  readonly operands: readonly Values[]
  /** Options end at the first operand: what follows belongs to a program. */
  readonly stops: boolean
}

/** All that the three scripts need. */
export interface CompletionModel {
  readonly globals: readonly CompletionOption[]
  readonly commands: readonly CompletionCommand[]
}

export const shells = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof shells)[number]

export function isShell(name: string): name is Shell {
  return (shells as readonly string[]).includes(name)
}

export function completionScript(shell: Shell): string {
  const render = { bash: bashScript, zsh: zshScript, fish: fishScript }
  return render[shell](model())
}

const directories: readonly string[] = ['root', 'bundle']
const names = Object.keys(commands) as CommandName[]

function model(): CompletionModel {
  return {
    globals: optionsOf(globalOptions, globalTexts),
    commands: names.map(name => {
      const { options = {}, summary } = commandTexts[name]
      return {
        name,
        summary,
        options: [
          ...optionsOf(commands[name].options, { ...optionTexts, ...options }),
          { name: 'help', letters: ['h'], text: 'Show this help' },
        ],
        operands: commands[name].positionals.map(operand => operandValues(name, operand)),
        stops: (commands[name] as CommandRow).stopAtPositional === true,
      }
    }),
  }
}

function optionsOf(
  table: OptionTable,
  texts: Readonly<Record<string, string | readonly [string, string]>>,
): CompletionOption[] {
  return Object.keys(table).map(name => {
    const row = table[name] as string
    const text = texts[name] ?? ''
    const kind = kindOf(row)
    return {
      name,
      letters: [...(row.split(' ')[1] ?? '')].filter(letter => letter !== '?'),
      text: typeof text === 'string' ? text : text[1],
      ...(kind !== 'boolean' && { values: optionValues(name, kind) }),
    }
  })
}

function optionValues(name: string, kind: string): Values {
  if (kind.includes('|')) return kind.split('|')
  if (kind === 'integer') return 'nothing'
  return directories.includes(name) ? 'directory' : 'file'
}

/** Commands that name a new container. */
const naming: readonly CommandName[] = ['create', 'run', 'plan']

function operandValues(command: CommandName, operand: string): Values {
  switch (operand) {
    case 'container-id':
    case 'container-id?':
      return naming.includes(command) ? 'nothing' : 'container'
    case 'signal?':
      return Object.keys(signals)
    case 'shell':
      return shells
    case 'command?':
      return command === 'help' ? names : 'nothing'
    default:
      return 'nothing'
  }
}
