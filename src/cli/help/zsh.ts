import type { CompletionModel, CompletionOption, Values } from './completion.js'

/** Inside single quotes. */
const quote = (text: string): string => text.replaceAll("'", "'\\''")
/** Inside a specification of _arguments. */
const escaped = (text: string): string =>
  quote(text.replaceAll(':', '\\:').replaceAll('[', '\\[').replaceAll(']', '\\]'))

function action(values: Values): string {
  switch (values) {
    case 'directory':
      return '_path_files -/' // _files would offer all files where there is no directory
    case 'file':
      return '_files'
    case 'container':
      return '_tsrun_ids'
    case 'nothing':
      return ' '
    default:
      return `(${values.join(' ')})`
  }
}

function optionSpec({ name, letters, text, values }: CompletionOption): string {
  const [long, short] = values === undefined ? ['', ''] : ['=', '+'] // the value may be of the same word
  const all = [`--${name}${long}`, ...letters.map(letter => `-${letter}${short}`)]
  const rest = `[${escaped(text)}]${values === undefined ? '' : `:${name}:${action(values)}`}`
  return all.length === 1
    ? `'${all[0]}${rest}'`
    : `'(${[`--${name}`, ...letters.map(letter => `-${letter}`)].join(' ')})'{${all.join(',')}}'${rest}'`
}

export function zshScript({ globals, commands }: CompletionModel): string {
  const list = commands.map(({ name, summary }) => `      '${name}:${quote(summary)}'`).join('\n')
  const cases = commands.map(({ name, options, operands, stops }) => {
    const specs = [
      ...options.map(optionSpec),
      ...operands.map((operand, i) => `'${i + 1}:argument:${action(operand)}'`),
    ]
    return `    ${name}) _arguments ${stops ? "-A '-*' " : ''}${specs.join(' \\\n        ')} ;;`
  })
  return `#compdef tsrun
# zsh completion of tsrun; made by "tsrun completion zsh"
_tsrun_ids() {
  local -a ids root
  [[ -n $_tsrun_root ]] && root=(--root $_tsrun_root)
  ids=(\${(f)"$(tsrun $root list --quiet 2> /dev/null)"})
  compadd -a ids
}

_tsrun_commands() {
  local -a list
  list=(
${list}
  )
  _describe command list
}

_tsrun() {
  local curcontext=$curcontext state line _tsrun_root
  typeset -A opt_args
  _arguments -C -A '-*' \\
    ${globals.map(optionSpec).join(' \\\n    ')} \\
    '1:command:_tsrun_commands' \\
    '*::argument:->argument'
  [[ $state == argument ]] || return
  _tsrun_root=\${opt_args[--root]:-\${opt_args[-r]}}
  case $words[1] in
${cases.join('\n')}
  esac
}

if [[ $funcstack[1] == _tsrun ]]; then _tsrun "$@"; else compdef _tsrun tsrun; fi
`
}
