import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { completionScript } from '../../src/cli/help/completion.js'

/** Where file names are completed: the same directory whether this file runs bundled or not. */
const directory = mkdtempSync(join(tmpdir(), 'tsrun-completion-'))
writeFileSync(join(directory, 'completed.json'), '')
t.teardown(() => rmSync(directory, { recursive: true }))

/** What bash offers for a command line whose last word is being typed. Bash makes `=` a word of its own. */
function complete(...words: readonly string[]): string[] {
  const script = `${completionScript('bash')}
tsrun() { printf '%s\\n' "$*" >&2; printf 'web\\nworker\\n'; }
COMP_WORDS=(tsrun "$@"); COMP_CWORD=$#
_tsrun
printf '%s\\n' "\${COMPREPLY[@]}"`
  const out = execFileSync('bash', ['-c', script, 'bash', ...words], {
    encoding: 'utf8',
    cwd: directory,
  })
  return out.split('\n').filter(line => line !== '')
}

t.test('bash', { skip: !hasBash() && 'needs bash' }, t => {
  t.strictSame(complete('s'), ['start', 'state', 'spec'])
  t.strictSame(complete('--log-'), ['--log-format', '--log-level'])
  t.strictSame(complete('--log-format', ''), ['text', 'json'])
  t.strictSame(complete('--log-format', '=', 'j'), ['json'])
  t.strictSame(complete('--log-format', '='), ['text', 'json'])
  t.strictSame(complete('--log', 'x', '--log-format', '=', 'json', 'kil'), ['kill'])
  t.strictSame(complete('state', 'w'), ['web', 'worker'])
  t.strictSame(complete('--root', '/r', 'state', 'wo'), ['worker'])
  t.strictSame(complete('kill', '--all', 'web', 'KI'), ['KILL'])
  t.strictSame(complete('run', '--no-p'), ['--no-pivot'])
  t.strictSame(complete('run', '--bundle', '/etc', '--pid'), ['--pid-file', '--pidfd-socket'])
  t.strictSame(complete('create', '-f', 'compl'), ['completed.json'])
  t.strictSame(complete('create', '-b', 'compl'), [], 'a bundle is a directory')
  t.strictSame(complete('completion', ''), ['bash', 'zsh', 'fish'])
  t.strictSame(complete('help', 'del'), ['delete'])
  t.strictSame(complete('list', '--format', 't'), ['table'])
  t.end()
})

t.test('zsh and fish name every command and option', t => {
  for (const shell of ['zsh', 'fish'] as const) {
    const script = completionScript(shell)
    for (const word of ['create', 'completion', 'cgroup-manager', 'show-env', 'no-subreaper'])
      t.match(script, word)
  }
  t.match(completionScript('fish'), "-l bundle -s b -x -a '(__fish_complete_directories)'")
  t.match(completionScript('zsh'), "'(--bundle -b)'{--bundle,-b}'[Directory")
  t.end()
})

function hasBash(): boolean {
  try {
    execFileSync('bash', ['-c', 'true'])
    return true
  } catch {
    return false
  }
}
