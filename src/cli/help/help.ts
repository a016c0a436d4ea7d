/** Renders help from the tables. */
import { type CommandName, commands, globalOptions, type OptionTable } from '../commands.js'
import { commandTexts, globalTexts, optionTexts, programText } from './texts.js'
import { wrap } from './wrap.js'
import { makeYargs, type Yargs } from './yargs.js'

type Texts = Readonly<Record<string, string | readonly [string, string]>>

/** @param columns how wide the text may be */
export function helpText(command: CommandName | undefined, columns: number): string {
  const yargs = makeYargs().scriptName('tsrun').exitProcess(false).help(false).version(false).wrap(columns)
  if (command === undefined) describeProgram(yargs, columns)
  else describeCommand(yargs, command, columns)
  let text = ''
  yargs.showHelp(part => {
    text += part
  })
  const { examples } = command === undefined ? programText : commandTexts[command]
  const end = command === undefined ? `\n${programText.epilogue}\n` : ''
  return `${text.trimEnd()}\n\nExamples:\n${examples.map(example).join('')}${end}`
}

/** yargs breaks long lines in the middle of a command, where nobody can copy it. */
const example = ([line, text]: readonly [string, string]): string => `  # ${text}\n  ${line}\n`

function describeProgram(yargs: Yargs, columns: number): void {
  yargs.usage(
    `Usage: tsrun [global options] <command> [options] [arguments]\n\n${wrap(programText.about, columns)}`,
  )
  for (const name of Object.keys(commands) as CommandName[]) {
    yargs.command([name, ...operands(name)].join(' '), commandTexts[name].summary)
  }
  addOptions(yargs, 'Global options:', globalOptions, globalTexts)
}

function describeCommand(yargs: Yargs, name: CommandName, columns: number): void {
  const { about, options = {} } = commandTexts[name]
  const usage = ['Usage: tsrun [global options]', name, '[options]', ...operands(name)].join(' ')
  yargs.usage(`${usage}\n\n${wrap(about, columns)}`)
  addOptions(yargs, 'Options:', commands[name].options, { ...optionTexts, ...options })
  addOptions(yargs, 'Options:', { help: 'boolean h' }, { help: 'Show this help' })
}

/** `<container-id>`, `[signal]`. */
function operands(name: CommandName): readonly string[] {
  return commands[name].positionals.map(operand =>
    operand.endsWith('?')
      ? `[${operand.slice(0, -1)}]`
      : operand.endsWith('...')
        ? `[${operand}]`
        : `<${operand}>`,
  )
}

/** yargs has no names for values: they become part of the name, which nobody parses. */
function addOptions(yargs: Yargs, group: string, table: OptionTable, texts: Texts): void {
  for (const name in table) {
    const text = texts[name] ?? ''
    const letters = (table[name] as string).split(' ')[1] ?? ''
    const alias = letters === '' ? [] : [letters[0] as string]
    if (typeof text === 'string') yargs.option(name, { alias, describe: text, group })
    else yargs.option(`${name} ${text[0]}`, { alias, describe: text[1], group })
  }
}
