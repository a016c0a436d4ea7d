// Prints the manual page tsrun(8), laid out from the help of a built tsrun: node tools/man.mjs build/tsrun > tsrun.8
import { execFileSync } from 'node:child_process'

const program = process.argv[2] ?? 'build/tsrun'
const ask = (...args) =>
  execFileSync(program, args, { encoding: 'utf8', env: { PATH: process.env.PATH } }).trimEnd()

/** Text as roff: no hyphen becomes a dash, no line a request. */
const roff = text =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1')

/** A help text as its usage line, what it says first, and its sections by title. */
const parse = help => {
  const [usage, ...rest] = help.split('\n\n')
  const titled = rest.filter(it => /^[A-Z][a-z ]*:\n/.test(it))
  const sections = titled.map(it => [
    it.slice(0, it.indexOf(':')),
    it.slice(it.indexOf('\n') + 1).split('\n'),
  ])
  return {
    usage: usage.replace(/^Usage: /, '').replace(/\s*\n\s+/g, ' '),
    text: rest.filter(it => !titled.includes(it)),
    sections: Object.fromEntries(sections),
  }
}

/** Lines of `--option ARG   what it does`, the second column wrapped, as a list of pairs. */
const pairs = lines => {
  const found = []
  for (const line of lines) {
    const [, name, text] = /^ {2,6}(\S.*?)(?: {2,}(\S.*))?$/.exec(line) ?? []
    if (name !== undefined) found.push([name, text ?? ''])
    else found.at(-1)[1] += ` ${line.trim()}`
  }
  return found
}

const options = lines => pairs(lines).map(([name, text]) => `.TP\n.B ${roff(name)}\n${roff(text.trim())}`)
const examples = lines => ['.PP', '.nf', roff(lines.map(it => it.trim()).join('\n')), '.fi']

const main = parse(ask('--help'))
const commands = [
  ...new Set(main.sections.Commands.map(it => /^ {2}tsrun (\S+)/.exec(it)?.[1]).filter(Boolean)),
]
const page = [
  `.TH TSRUN 8 "" "${roff(ask('--version').split('\n')[0])}" "System Administration"`,
  '.SH NAME',
  'tsrun \\- run containers from OCI bundles',
  '.SH SYNOPSIS',
  `.B ${roff(main.usage)}`,
  '.SH DESCRIPTION',
  'A low\\-level container runtime of the Open Container Initiative, with the commands and options of runc(8).',
  'Container engines call it; so can people, in a directory with a config.json and a root file system.',
  '.SH GLOBAL OPTIONS',
  ...options(main.sections['Global options']),
  '.SH COMMANDS',
  ...commands.flatMap(command => {
    const { usage, text, sections } = parse(ask(command, '--help'))
    return [
      `.SS ${command}`,
      `.B ${roff(usage)}`,
      ...text.map(it => `.PP\n${roff(it)}`),
      ...options(sections.Options ?? []),
      ...(sections.Examples === undefined ? [] : examples(sections.Examples)),
    ]
  }),
  '.SH EXIT STATUS',
  'That of the program, or 128 and the number of the signal that ended it, from a foreground run and from exec;',
  '255 from an exec that fails itself; otherwise 0, or 1 after a failure, of which one line on standard error tells.',
  '.SH FILES',
  '.TP\n.I /run/tsrun\nThe states of the containers of root.',
  '.SH SEE ALSO',
  'runc(8), crun(1), podman(1), containerd(8), dockerd(8)',
]
console.log(page.join('\n'))
