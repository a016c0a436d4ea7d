/** The completion scripts, each executed by its shell. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { completionScript } from '../../src/cli/help/completion.js'
import { repository } from '../support/payload.js'

/** Where file names are completed: the same directory whether this file runs bundled or not. */
const directory = mkdtempSync(join(tmpdir(), 'tsrun-completion-'))
writeFileSync(join(directory, 'completed.json'), '')
t.teardown(() => rmSync(directory, { recursive: true }))

/** What is typed, and what is offered then. */
const lines: readonly (readonly [line: string, offered: readonly string[]])[] = [
  ['tsrun s', ['spec', 'start', 'state']],
  ['tsrun --log-', ['--log-format', '--log-level']],
  ['tsrun --log-format ', ['json', 'text']],
  ['tsrun --log-format j', ['json']],
  ['tsrun --log x --log-format json kil', ['kill']],
  ['tsrun --log=x --log-format=json kil', ['kill']],
  ['tsrun state w', ['web', 'worker']],
  ['tsrun --root /r state wo', ['worker']],
  ['tsrun --root=/r/s state wo', ['worker']],
  ['tsrun -r /t kill wo', ['worker']],
  ['tsrun kill --all web KI', ['KILL']],
  ['tsrun run --no-p', ['--no-pivot']],
  ['tsrun run --bundle /etc --pid', ['--pid-file', '--pidfd-socket']],
  ['tsrun run --debu', []],
  ['tsrun run w', []],
  ['tsrun create -f compl', ['completed.json']],
  ['tsrun create -b compl', []],
  ['tsrun completion ', ['bash', 'fish', 'zsh']],
  ['tsrun help del', ['delete']],
  ['tsrun list --format t', ['table']],
  ['tsrun delete -f we', ['web']],
  ['tsrun exec --cgr', ['--cgroup']],
  ['tsrun exec --tty --cwd /x w', ['web', 'worker']],
  // From here on options belong to a program of the container.
  ['tsrun exec web --c', []],
  ['tsrun exec web sta', []],
  ['tsrun ps web --f', []],
]

/** What tsrun is asked for containers, in which state roots. */
const asked = ['list --quiet', '--root /r list --quiet', '--root /r/s list --quiet', '--root /t list --quiet']

/** A shell completes all lines and returns what it offers for each. */
type Shell = (script: string) => readonly (readonly string[])[]

/** What is offered for each line ends with a dot. */
const blocks = (text: string): string[][] =>
  text
    .split('.\n')
    .slice(0, -1)
    .map(block => block.split('\n').filter(Boolean))

/** Bash makes `=` a word of its own, and calls the function with the words in an array. */
const bash: Shell = script => {
  const file = join(directory, 'tsrun.bash')
  const stub = `tsrun() { echo "$*" >> ${directory}/asked; printf '%s\\n' web worker; }`
  writeFileSync(
    file,
    `${script}\n${stub}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n_tsrun\nprintf '%s\\n' "\${COMPREPLY[@]}"`,
  )
  return lines.map(([line]) => {
    const words = line.split(/ |(=)/).filter(word => word !== undefined)
    return execFileSync('bash', [file, ...words], { encoding: 'utf8', cwd: directory })
      .split('\n')
      .filter(Boolean)
  })
}

const zsh: Shell = script => {
  writeFileSync(join(directory, '_tsrun'), script)
  const harness = join(repository, 'test', 'support', 'completion', 'offered.zsh')
  const argv = ['-f', harness, directory, ...lines.map(([line]) => line)]
  return blocks(execFileSync('zsh', argv, { encoding: 'utf8', cwd: directory, timeout: 60_000 }))
}

const fish: Shell = script => {
  const file = join(directory, 'tsrun.fish')
  const stub = `function tsrun; echo "$argv" >> ${directory}/asked; echo web; echo worker; end`
  writeFileSync(file, `${script}\n${stub}\nfor line in $argv; complete -C "$line"; echo .; end`)
  const env = { ...process.env, HOME: directory }
  const argv = ['--no-config', file, ...lines.map(([line]) => line)]
  return blocks(execFileSync('fish', argv, { encoding: 'utf8', cwd: directory, env })).map((block, i) => {
    const names = block.map(row => row.split('\t')[0] as string)
    // fish 4 also tells of names that hold the letters of the word somewhere.
    const word = lines[i]?.[0].split(' ').at(-1) as string
    const better = names.filter(name => name.startsWith(word))
    return better.length > 0 ? better : names
  })
}

const shells = { bash, zsh, fish } as const

for (const [name, offers] of Object.entries(shells)) {
  const missing = spawnSync(name, ['-c', 'true']).status !== 0 && `needs ${name}: apt-get install ${name}`
  t.test(name, { skip: missing }, t => {
    rmSync(join(directory, 'asked'), { force: true })
    const offered = offers(completionScript(name as keyof typeof shells))
    t.equal(offered.length, lines.length)
    lines.forEach(([line, expected], i) => {
      // One and the same name may be offered in two lists.
      t.strictSame([...new Set(offered[i])].sort(), expected, line)
    })
    const questions = readFileSync(join(directory, 'asked'), 'utf8').trim().replaceAll('--root=', '--root ')
    t.strictSame(new Set(questions.split('\n')), new Set(asked), 'containers of the root that was named')
    t.end()
  })
}
