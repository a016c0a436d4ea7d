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

/** `place`: the words after `__tsrun_at`. */
function option(place: string, { name, letters, text, values }: CompletionOption): string {
  const short = letters.map(letter => ` -s ${letter}`).join('')
  const value = values === undefined ? '' : ` ${argumentsOf(values)}`
  return `complete -c tsrun -n "__tsrun_at ${place}" -l ${name}${short}${value} -d ${quote(text)}`
}

const withValue = (scope: string, options: readonly CompletionOption[]): string[] =>
  options
    .filter(({ values }) => values !== undefined)
    .flatMap(({ name, letters }) => [`--${name}`, ...letters.map(letter => `-${letter}`)])
    .map(spelling => quote(`${scope}:${spelling}`))

export function fishScript({ globals, commands }: CompletionModel): string {
  const values = [{ name: '', options: globals }, ...commands].flatMap(({ name, options }) =>
    withValue(name, options),
  )
  const lines = [
    '# fish completion of tsrun; made by "tsrun completion fish"',
    '# Reads the words before the cursor: the command, the number of operands after it, and the state root.',
    'function __tsrun_read --no-scope-shadowing',
    "    set command ''",
    '    set count 0',
    '    set root',
    '    set -l words (commandline -opc)[2..-1]',
    '    while set -q words[1]',
    '        set -l word $words[1]',
    '        set -e words[1]',
    '        switch "$command:$word"',
    `            case ${values.join(' ')}`,
    '                contains -- $word --root -r; and set root --root $words[1]',
    '                set -e words[1]',
    "            case ':--root=*'",
    '                set root $word',
    "            case '*:-*'",
    "            case ':*'",
    '                set command $word',
    "            case '*'",
    '                set count (math $count + 1)',
    '        end',
    '    end',
    'end',
    '# true after COMMAND, and after N of its operands when that is asked',
    'function __tsrun_at',
    '    set -l command; set -l count; set -l root',
    '    __tsrun_read',
    '    test "$command" = "$argv[1]"; and begin; not set -q argv[2]; or test $count -eq $argv[2]; end',
    'end',
    'function __tsrun_ids',
    '    set -l command; set -l count; set -l root',
    '    __tsrun_read',
    '    tsrun $root list --quiet 2>/dev/null',
    'end',
    'complete -c tsrun -f',
    ...globals.map(row => option("''", row)),
  ]
  for (const { name, summary, options, operands, stops } of commands) {
    lines.push(`complete -c tsrun -n "__tsrun_at ''" -x -a ${name} -d ${quote(summary)}`)
    for (const row of options) lines.push(option(stops ? `${name} 0` : name, row))
    operands.forEach((operand, i) => {
      lines.push(`complete -c tsrun -n "__tsrun_at ${name} ${i}" ${argumentsOf(operand)}`)
    })
  }
  return `${lines.join('\n')}\n`
}
