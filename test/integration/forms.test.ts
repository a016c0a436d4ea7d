/** Both forms are one program: the same bytes out, the same status, and each takes over what the other made. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { commands } from '../../src/cli/commands.js'
import { container, type Result } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { runtimes } from '../support/runtime.js'

const [npm, fixed, ...others] = runtimes()
const both = npm?.name === 'npm' && fixed?.name === 'static' && others.length === 0
const skip = both ? requires('root', 'cc') : 'compares the two forms of tsrun'
/** The line of --version that tells the forms apart. */
const withoutEngine = ({ status, stdout, stderr }: Result) => ({
  status,
  stderr,
  stdout: stdout.split('\n').filter(line => !line.startsWith('engine: ')),
})

t.test('both forms', { skip }, async t => {
  if (npm === undefined || fixed === undefined) return
  t.setTimeout(180_000)
  const c = container(t, npm, { process: { args: script(['wait']) } })
  const other = container(t, fixed, { process: { args: script(['wait']) } })
  /** Runs one line in each form, in the same place. */
  const same = (what: string, ...args: readonly string[]) => {
    const mine = c.call(...args)
    const its = c.callAs(fixed, ...args)
    t.same(withoutEngine(its), withoutEngine(mine), what)
    return mine
  }

  for (const command of [...Object.keys(commands), 'nonsense']) {
    same(`${command} --help`, command, '--help')
    same(`${command} without arguments`, command)
    same(`${command} --nonsense`, command, '--nonsense')
    if (!['create', 'run'].includes(command)) same(`${command} of an unknown id`, command, 'unknown')
  }
  t.equal(same('--version', '--version').status, 0)
  t.equal(same('--help', '--help').status, 0)
  t.equal(same('features', 'features').status, 0)
  same('no command')
  same('a bad option', '--log-format', 'xml', 'list')
  t.equal(same('plan', 'plan', '--bundle', c.bundle).status, 0)
  t.equal(same('plan --json', 'plan', '--bundle', c.bundle, '--json').status, 0)
  t.equal(same('plan --show-env', 'plan', '--bundle', c.bundle, '--show-env').status, 0)

  for (const patch of [
    { process: { cwd: 'x' } },
    { ociVersion: '9.0.0' },
    { hostname: 5 },
    { mounts: [{}] },
  ]) {
    other.configure(patch)
    for (const command of ['create', 'run', 'plan'])
      t.equal(same(`${command}: ${JSON.stringify(patch)}`, command, '--bundle', other.bundle, c.id).status, 1)
  }

  const look = (when: string) => {
    t.equal(same(`state, ${when}`, 'state', c.id).status, 0)
    same(`list, ${when}`, 'list')
    same(`list as json, ${when}`, 'list', '--format', 'json')
    same(`list --quiet, ${when}`, 'list', '--quiet')
  }
  mkdirSync(c.stateRoot, { recursive: true })
  same('list of nothing', 'list', '--format', 'json')
  t.equal(c.create().status, 0)
  look('created')
  same('delete of nothing', 'delete', 'nothing')
  t.equal(c.callAs(fixed, 'start', c.id).status, 0, 'the static form starts what the npm form created')
  look('running')
  t.equal(same('start again', 'start', c.id).status, 1)
  t.equal(same('delete of a running one', 'delete', c.id).status, 1)
  for (const words of [['echo', 'said'], ['exit', '3'], ['nonsense']])
    same(`exec ${words.join(' ')}`, 'exec', c.id, '/bin/payload', ...script(words).slice(1))
  t.equal(same('exec of nothing', 'exec', c.id, '/bin/nothing').status, 255)
  for (const format of ['json', 'table'])
    t.equal(same(`ps as ${format}`, 'ps', '--format', format, c.id).status, 0)
  t.equal(same('logs of nothing', 'logs', c.id).status, 1)
  t.equal(same('update', 'update', '--pids-limit', '77', c.id).status, 0)
  t.equal(c.callAs(fixed, 'pause', c.id).status, 0, 'the static form pauses it')
  look('paused')
  t.equal(same('pause again', 'pause', c.id).status, 1)
  t.equal(same('exec in a paused one', 'exec', c.id, '/bin/payload').status, 255)
  t.equal(c.call('resume', c.id).status, 0, 'and the npm form resumes it')
  t.equal(same('resume again', 'resume', c.id).status, 1)
  const { pid } = c.state()
  t.equal(c.callAs(fixed, 'kill', c.id, 'KILL').status, 0)
  c.ended(pid)
  look('stopped')
  t.equal(same('kill of a stopped one', 'kill', c.id).status, 1)
  t.equal(c.callAs(fixed, 'delete', c.id).status, 0, 'and deletes it')
  t.same(c.leaks(), nothing)

  const files = [c, other].map(({ dir }, index) => {
    mkdirSync(join(dir, 'spec'))
    c.callAs(index === 0 ? npm : fixed, 'spec', '--bundle', join(dir, 'spec'))
    return readFileSync(join(dir, 'spec', 'config.json'), 'utf8')
  })
  t.equal(files[1], files[0], 'spec writes the same file')
  rmSync(join(c.dir, 'spec'), { recursive: true })
  t.ok(existsSync(c.bundle))
})
