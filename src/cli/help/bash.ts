import type { CompletionModel, CompletionOption, Values } from './completion.js'

const spellings = ({ name, letters }: CompletionOption): string[] => [
  `--${name}`,
  ...letters.map(letter => `-${letter}`),
]

/** The statement that completes `$cur` to such values. */
function complete(values: Values): string {
  switch (values) {
    case 'directory':
      return '_tsrun_files -d'
    case 'file':
      return '_tsrun_files -f'
    case 'container':
      return '_tsrun_words "$(_tsrun_ids)"'
    case 'nothing':
      return ':'
    default:
      return `_tsrun_words "${values.join(' ')}"`
  }
}

export function bashScript({ globals, commands }: CompletionModel): string {
  const scopes = [{ name: '', options: globals }, ...commands]
  const withValue: string[] = []
  const values: string[] = []
  const options: string[] = []
  for (const scope of scopes) {
    for (const option of scope.options) {
      if (option.values === undefined) continue
      const patterns = spellings(option).map(spelling => `${scope.name}:${spelling}`)
      withValue.push(...patterns)
      values.push(`    ${patterns.join(' | ')}) ${complete(option.values)} ;;`)
    }
    const words = scope.options.flatMap(spellings).join(' ')
    const before = 'stops' in scope && scope.stops ? '((count)) || ' : ''
    options.push(`      ${scope.name === '' ? "''" : scope.name}) ${before}_tsrun_words "${words}" ;;`)
  }
  const operands = commands.flatMap(({ name, operands }) =>
    operands.map((operand, i) => `    ${name}:${i}) ${complete(operand)} ;;`),
  )
  return `# bash completion of tsrun; made by "tsrun completion bash"
_tsrun_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
_tsrun_files() { compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen "$1" -- "$cur"); }
_tsrun_ids() { tsrun \${root:+--root "$root"} list --quiet 2> /dev/null; }

_tsrun() {
  local cur=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command= root= count=0 i word value
  COMPREPLY=()
  # "=" is a word of its own
  if [[ $cur == "=" ]]; then cur=; elif [[ $before == "=" ]]; then before=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $command:$word in
    ${withValue.join(' | ')})
      [[ \${COMP_WORDS[i + 1]} == "=" ]] && ((i++))
      value=\${COMP_WORDS[++i]}
      [[ $word == --root || $word == -r ]] && root=$value ;;
    *:-*) ;;
    :*) command=$word ;;
    *) ((count++)) ;;
    esac
  done
  case $command:$before in
${values.join('\n')}
  *)
    if [[ $cur == -* ]]; then
      case $command in
${options.join('\n')}
      esac
      return
    fi
    case $command:$count in
    :0) _tsrun_words "${commands.map(({ name }) => name).join(' ')}" ;;
${operands.join('\n')}
    esac ;;
  esac
}
complete -F _tsrun tsrun
`
}
