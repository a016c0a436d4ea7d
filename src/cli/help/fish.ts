import type { CompletionModel, CompletionOption, Values } from './completion.js'

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

function argumentsOf(values: Values): string {
  switch (values) {
    case 'directory':
      return "-x -a '(__fish_complete_directories)'"
    case 'file':
      return '-r -F'
    case 'container':
      return "-x -a '(__tsrun_ids)'"
    case 'nothing':
      return '-x'
    default:
      return `-x -a ${quote(values.join(' '))}`
  }
}

function option(condition: string, { name, letters, text, values }: CompletionOption): string {
  const short = letters.map(letter => ` -s ${letter}`).join('')
  const value = values === undefined ? '' : ` ${argumentsOf(values)}`
  return `complete -c tsrun -n ${condition} -l ${name}${short}${value} -d ${quote(text)}`
}

export function fishScript({ globals, commands }: CompletionModel): string {
  const lines = [
    '# fish completion of tsrun; made by "tsrun completion fish"',
    'function __tsrun_ids',
    '    tsrun list --quiet 2>/dev/null',
    'end',
    '# true when COMMAND was given and N operands after it',
    'function __tsrun_at',
    '    set -l count -1',
    '    for word in (commandline -opc)[2..-1]',
    '        if test $count -ge 0; string match -q -- "-*" $word; or set count (math $count + 1)',
    '        else if test "$word" = $argv[1]; set count 0; end',
    '    end',
    '    test $count -eq $argv[2]',
    'end',
    'complete -c tsrun -f',
    ...globals.map(row => option('__fish_use_subcommand', row)),
  ]
  for (const { name, summary, options, operands } of commands) {
    lines.push(`complete -c tsrun -n __fish_use_subcommand -x -a ${name} -d ${quote(summary)}`)
    for (const row of options) lines.push(option(`'__fish_seen_subcommand_from ${name}'`, row))
    operands.forEach((operand, i) => {
      lines.push(`complete -c tsrun -n '__tsrun_at ${name} ${i}' ${argumentsOf(operand)}`)
    })
  }
  return `${lines.join('\n')}\n`
}
