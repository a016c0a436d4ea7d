# zsh -f offered.zsh DIRECTORY LINE...: what zsh offers at the end of each line, one a line, and a dot after each line's.
# DIRECTORY holds the completion as _tsrun. A shell on a terminal of its own does it, as for a person; every match goes through compadd.
zmodload zsh/zpty || exit 1
directory=$1
shift
inner='
PS1= RPROMPT=
fpath=('${(q)directory}' $fpath)
autoload -Uz compinit && compinit -u -D
tsrun() { print -r -- "$*" >> '${(q)directory}'/asked; print web; print worker }
compadd() {
  if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
    local -a matches
    local match
    builtin compadd -A matches "$@"
    for match in $matches; do print -r -- "offer:$match"; done
  fi
  builtin compadd "$@"
}
over() { print -r -- "over:"; comppostfuncs=(over) }
comppostfuncs=(over)
unsetopt auto_list auto_menu
zstyle ":completion:*" insert-tab false
bindkey "^I" complete-word
stty -echo
'
print -r -- $inner > $directory/inner.zsh
zpty shell zsh -f -i
zpty -w shell "source ${(q)directory}/inner.zsh; print -r -- rea''dy"
zpty -r -m shell out '*ready*'
for line; do
  # First away with what the last one left: control-U.
  zpty -n -w shell $'\x15'$line$'\t'
  while zpty -r shell out; do
    out=${out%$'\r\n'}
    [[ $out == *over:* ]] && break
    [[ $out == *offer:* ]] && print -r -- ${out##*offer:}
  done
  print -r -- .
done
zpty -d shell
