/** Every mount option that a runtime must have: one container with a mount for each, seen in its mountinfo. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type JsonObject, mounts } from '../support/config.js'
import { container } from '../support/container.js'
import { askMounts, mountsByPoint } from '../support/mountinfo.js'
import { options as inTable } from './sentences/config.js'
import { conformance, lazy } from './suite.js'

interface Row {
  readonly id: string
  readonly option: string
  /** Options before it, so that it has something to change. */
  readonly after?: readonly string[]
  /** Words that mountinfo must, or must not, show of the mount or its file system. */
  readonly shows?: readonly string[]
  readonly hides?: readonly string[]
  /** Kinds of propagation; the source is shared. */
  readonly propagation?: readonly string[]
  /** What the mount is made of; a tmpfs when nothing is said. */
  readonly from?: 'plain' | 'shared'
  /** A mount that the source has below is there, too, or is not. */
  readonly below?: boolean
}

/** What a mount has where nothing else is said. */
const usual = ['rw', 'relatime']
const bind = (id: string, option: string, propagation: readonly string[]): Row => ({
  id,
  option,
  after: ['rbind'],
  from: 'shared',
  propagation,
})

const rows: readonly Row[] = [
  { id: 'CF-020', option: 'async', after: ['sync'], hides: ['sync'] },
  { id: 'CF-021', option: 'atime', after: ['noatime'], hides: ['noatime'] },
  { id: 'CF-022', option: 'bind', from: 'shared', below: false },
  { id: 'CF-023', option: 'defaults', shows: usual },
  { id: 'CF-024', option: 'dev', after: ['nodev'], hides: ['nodev'] },
  { id: 'CF-025', option: 'diratime', after: ['nodiratime'], hides: ['nodiratime'] },
  { id: 'CF-026', option: 'dirsync', shows: ['dirsync'] },
  { id: 'CF-027', option: 'exec', after: ['noexec'], hides: ['noexec'] },
  { id: 'CF-028', option: 'iversion', shows: usual },
  { id: 'CF-029', option: 'lazytime', shows: ['lazytime'] },
  { id: 'CF-030', option: 'loud', after: ['silent'], shows: usual },
  { id: 'CF-031', option: 'noatime', shows: ['noatime'], hides: ['relatime'] },
  { id: 'CF-032', option: 'nodev', shows: ['nodev'] },
  { id: 'CF-033', option: 'nodiratime', shows: ['nodiratime'] },
  { id: 'CF-034', option: 'noexec', shows: ['noexec'] },
  { id: 'CF-035', option: 'noiversion', after: ['iversion'], shows: usual },
  { id: 'CF-036', option: 'nolazytime', after: ['lazytime'], hides: ['lazytime'] },
  { id: 'CF-037', option: 'norelatime', shows: ['rw'], hides: ['noatime'] },
  { id: 'CF-038', option: 'nostrictatime', after: ['strictatime'], shows: ['relatime'] },
  { id: 'CF-039', option: 'nosuid', shows: ['nosuid'] },
  bind('CF-040', 'private', []),
  { id: 'CF-041', option: 'rbind', from: 'shared', below: true },
  { id: 'CF-042', option: 'relatime', shows: ['relatime'] },
  { id: 'CF-043', option: 'remount', after: ['noexec'], shows: ['ro', 'noexec'] },
  { id: 'CF-044', option: 'ro', shows: ['ro'], hides: ['rw'] },
  bind('CF-045', 'rprivate', []),
  bind('CF-046', 'rshared', ['shared', 'master']),
  bind('CF-047', 'rslave', ['master']),
  bind('CF-048', 'runbindable', ['unbindable']),
  { id: 'CF-049', option: 'rw', after: ['ro'], shows: ['rw'], hides: ['ro'] },
  bind('CF-050', 'shared', ['shared', 'master']),
  { id: 'CF-051', option: 'silent', shows: usual },
  bind('CF-052', 'slave', ['master']),
  { id: 'CF-053', option: 'strictatime', shows: ['rw'], hides: ['relatime', 'noatime'] },
  { id: 'CF-054', option: 'suid', after: ['nosuid'], hides: ['nosuid'] },
  { id: 'CF-055', option: 'sync', shows: ['sync'] },
  bind('CF-056', 'unbindable', ['unbindable']),
]

conformance('mountoptions', ['root', 'cc'], (owner, rt) => {
  const entries = (row: Row, source: string): JsonObject[] => {
    const { option, after = [], from } = row
    const destination = `/mnt/${option}`
    if (option === 'remount') {
      const entry = (...options: readonly string[]) => ({ destination, type: 'tmpfs', source: 'x', options })
      return [entry(...after), entry('remount', 'ro', ...after)]
    }
    return [
      from === undefined
        ? { destination, type: 'tmpfs', source: 'x', options: [...after, option] }
        : { destination, source, options: [...after, option] },
    ]
  }
  const shared = lazy(() => {
    const c = container(owner, rt)
    const source = join(c.dir, 'shared')
    mkdirSync(source)
    const run = (command: string, ...args: readonly string[]) => spawnSync(command, args)
    run('mount', '-t', 'tmpfs', 'tmpfs', source)
    run('mount', '--make-shared', source)
    mkdirSync(join(source, 'below'))
    run('mount', '-t', 'tmpfs', 'tmpfs', join(source, 'below'))
    owner.teardown(() => void run('umount', '-R', source))
    return { c, source }
  })
  /** A container with the mounts of these rows, and what it sees. */
  const seen = (chosen: readonly Row[]) => {
    const { c, source } = shared()
    const made = chosen.flatMap(row => entries(row, source))
    c.configure({ mounts: [...mounts, ...made], linux: { rootfsPropagation: 'rslave' } })
    return mountsByPoint(c.ask(askMounts)[0])
  }
  const oneOption = rows.filter(({ option }) => option === 'defaults')
  const points = lazy(() => seen(rows.filter(row => !oneOption.includes(row))))

  const check = (row: Row, all: ReturnType<typeof points>): void => {
    const mount = all.get(`/mnt/${row.option}`)
    assert.ok(mount, 'there is no mount')
    // Of a bind the file system is not this mount's.
    const words = [...mount.options, ...(row.from === undefined ? mount.superOptions : [])]
    for (const word of row.shows ?? []) assert.ok(words.includes(word), `${word} is not among ${words}`)
    for (const word of row.hides ?? []) {
      const where = word === 'sync' || word === 'lazytime' ? words : mount.options
      assert.ok(!where.includes(word), `${word} is among ${where}`)
    }
    if (row.propagation !== undefined) {
      const kinds = mount.propagation.map(kind => kind.replace(/:\d+$/, ''))
      assert.deepEqual(kinds, row.propagation)
    }
    if (row.below !== undefined)
      assert.equal(all.has(`/mnt/${row.option}/below`), row.below, 'the mount below')
  }
  const single = (row: Row) => () => check(row, oneOption.includes(row) ? seen([row]) : points())
  return {
    'CF-019': () => {
      assert.deepEqual(rows.map(({ option }) => option).sort(), [...inTable].sort())
      const all = seen(rows)
      for (const row of rows) check(row, all)
    },
    ...Object.fromEntries(rows.map(row => [row.id, single(row)])),
  }
})
