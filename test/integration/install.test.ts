/** make install and make uninstall, into a directory of the test's own. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { repository } from '../support/payload.js'
import { requires } from '../support/requires.js'

const make = (target: string, destination: string): void => {
  const { status, stderr } = spawnSync(
    'make',
    ['-s', '-C', repository, target, `DESTDIR=${destination}`, 'PREFIX=/usr'],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`make ${target}: ${stderr}`)
}

const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath ?? entry.path, entry.name).slice(directory.length))
    .sort()

t.test('make install', { skip: requires('static') }, t => {
  t.setTimeout(300_000)
  const abi = '/etc/apparmor.d/abi/4.0'
  const destination = t.testdir({ etc: { 'apparmor.d': { abi: { '4.0': '' } } } })
  make('install', destination)
  t.strictSame(filesBelow(destination), [
    abi,
    '/etc/apparmor.d/tsrun',
    '/usr/bin/tsrun',
    '/usr/share/bash-completion/completions/tsrun',
    '/usr/share/doc/tsrun/LICENSE',
    '/usr/share/fish/vendor_completions.d/tsrun.fish',
    '/usr/share/man/man8/tsrun.8',
    '/usr/share/zsh/site-functions/_tsrun',
  ])
  const program = join(destination, 'usr/bin/tsrun')
  t.equal(statSync(program).mode & 0o7777, 0o755)
  t.match(execFileSync(program, ['--version'], { encoding: 'utf8' }), /engine: quickjs/, 'it runs')
  const share = (path: string) => join(destination, 'usr/share', path)
  t.equal(
    spawnSync('bash', ['-n', share('bash-completion/completions/tsrun')]).status,
    0,
    'bash reads its file',
  )

  const manual = readFileSync(share('man/man8/tsrun.8'), 'utf8')
  const help = execFileSync(program, ['--help'], { encoding: 'utf8' })
  for (const [, command] of help.matchAll(/^ {2}tsrun (\S+)/gm))
    t.match(manual, new RegExp(`^\\.SS ${command}$`, 'm'), `the manual has ${command}`)
  t.match(manual, /^\.B \\-d, \\-\\-detach$/m)

  t.match(
    readFileSync(join(destination, 'etc/apparmor.d/tsrun'), 'utf8'),
    /^profile tsrun \/usr\/bin\/tsrun flags=\(unconfined\) {\n {2}userns,$/m,
  )
  make('uninstall', destination)
  t.strictSame(filesBelow(destination), [abi], 'uninstall leaves no file')
  rmSync(join(destination, abi))
  make('install', destination)
  t.notOk(existsSync(join(destination, 'etc/apparmor.d/tsrun')), 'an older AppArmor could not read it')
  t.end()
})
