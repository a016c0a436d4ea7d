/** `events --stats` beside runc's: every field that it has, of the same kind. */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { container } from '../support/container.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const MiB = 1024 * 1024

/** Each leaf by its path, with its kind. Lists stand for themselves: what is in them depends on the moment. */
const leaves = (value: unknown, path = ''): [string, string][] =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([name, part]) => leaves(part, `${path}/${name}`))
    : [[path, Array.isArray(value) ? 'list' : typeof value]]

forms(t, requires('root', 'cc', 'runc'), (t, rt) => {
  t.test('no field of runc is missing', async t => {
    const resources = {
      memory: { limit: 64 * MiB },
      pids: { limit: 30 },
      cpu: { quota: 50000, period: 100000 },
    }
    const c = container(t, rt, { process: { args: script(['fork', 2], ['wait']) }, linux: { resources } })
    const sample = (argv: readonly string[]) => {
      const [command = '', ...rest] = argv
      const done = spawnSync(command, [...rest, 'events', '--stats', c.id], { encoding: 'utf8' })
      t.equal(done.status, 0, done.stderr)
      return JSON.parse(done.stdout)
    }
    c.run('--detach')
    const ours = sample(c.line())
    c.del('--force')
    const root = mkdtempSync(join(tmpdir(), 'tsrun-test-runc-'))
    const runc = ['runc', '--root', root]
    spawnSync('runc', [...runc.slice(1), 'run', '--detach', '--bundle', c.bundle, c.id], { stdio: 'ignore' })
    const theirs = sample(runc)
    spawnSync('runc', [...runc.slice(1), 'delete', '--force', c.id])
    rmSync(root, { recursive: true, force: true })
    const have = new Map(leaves(ours))
    for (const [path, kind] of leaves(theirs)) {
      // The kernel's own list: it has what this moment has.
      if (path.startsWith('/data/memory/raw/')) continue
      t.equal(have.get(path), kind, path)
    }
    for (const name of ['cpu', 'memory', 'pids']) t.match(theirs.data[name] !== undefined, true, name)
    t.equal(ours.data.memory.usage.limit, theirs.data.memory.usage.limit)
    t.equal(ours.data.pids.limit, theirs.data.pids.limit) // what is there at a moment need not be the same
    t.same(Object.keys(ours.data.memory.raw).sort(), Object.keys(theirs.data.memory.raw).sort())
  })

  t.test('the interfaces of its network', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt, { process: { args: script(['wait']) } })
    c.run('--detach')
    const { pid } = c.state()
    const sample = () => JSON.parse(c.call('events', '--stats', c.id).stdout).data.network_interfaces
    t.equal(sample(), null, 'the loopback does not count')
    const added = spawnSync('nsenter', ['-t', `${pid}`, '-n', 'ip', 'link', 'add', 'dummy7', 'type', 'dummy'])
    if (added.status !== 0) return t.comment('this kernel has no dummy interfaces')
    t.match(sample(), [{ Name: 'dummy7', RxBytes: 0, TxBytes: 0, TxDropped: 0 }])
    t.match(readFileSync(`/proc/${pid}/net/dev`, 'utf8'), /dummy7/)
  })
})
