/**
 * The disk below the state root is full, has no inode left, or is read-only: each command says so in one line, what is there
 * stays as it is, and when there is room again everything can be deleted.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Container, container, type Result } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'

/** A container whose state root is a small file system of its own. */
const onOwnDisk = (t: Test, rt: Runtime, options: string): Container => {
  const c = container(t, rt, { process: { args: script(['wait']) } })
  mkdirSync(c.stateRoot, { mode: 0o700 })
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'state', c.stateRoot])
  t.teardown(() => spawnSync('umount', ['-l', c.stateRoot]))
  return c
}

/** Takes all the room there is but some blocks of 4 KiB; returns what gives it back. */
const fill = (c: Container, spare: number): (() => void) => {
  const path = join(c.stateRoot, '.filler')
  try {
    writeFileSync(path, Buffer.alloc(16 << 20))
  } catch {
    // full now
  }
  const { size } = JSON.parse(execFileSync('stat', ['-c', '{"size":%s}', path], { encoding: 'utf8' })) as {
    size: number
  }
  spawnSync('truncate', ['-s', String(Math.max(0, size - spare * 4096)), path])
  return () => rmSync(path)
}

const isOneLine = (t: Test, { status, stderr }: Result, what: string, ...words: readonly RegExp[]): void => {
  t.equal(status > 0, true, `${what} fails`)
  t.match(stderr, /^tsrun: [^\n]+\n$/, what)
  for (const word of words) t.match(stderr, word, what)
}

forms(t, requires('root', 'cc'), (t, rt) => {
  const skip = rt.lacks('tsrun')

  t.test('full before create', { skip }, t => {
    const c = onOwnDisk(t, rt, 'size=64k')
    for (let spare = 0; spare < 6; spare++) {
      const empty = fill(c, spare)
      const created = c.create()
      if (created.status !== 0) {
        isOneLine(t, created, `create with ${spare} blocks`, /ENOSPC|no space/i)
        t.same(readdirSync(c.stateRoot), ['.filler'], 'no half-made directory')
        t.same({ ...c.leaks(), mounts: [] }, nothing)
      } else {
        t.ok(spare > 1, `${spare} blocks are enough`)
        t.equal(c.state().status, 'created')
        t.equal(c.start().status, 0)
        t.equal(c.del('--force').status, 0)
      }
      empty()
    }
    t.equal(c.create().status, 0, 'when there is room again')
    t.equal(c.del('--force').status, 0)
    t.end()
  })

  t.test('full while it lives', { skip }, t => {
    const c = onOwnDisk(t, rt, 'size=64k')
    c.create()
    const empty = fill(c, 0)
    t.equal(c.state().status, 'created')
    t.equal(c.start().status, 0, 'start needs no room')
    t.equal(c.state().status, 'running')
    t.equal(c.call('exec', c.id, ...script(['true'])).status, 0, 'nor does exec')
    const updated = c.call('update', '--pids-limit', '99', c.id)
    if (updated.status !== 0) isOneLine(t, updated, 'update', /ENOSPC|no space/i)
    t.equal(c.state().status, 'running', 'its record is whole')
    t.equal(c.kill('KILL').status, 0)
    t.equal(c.del('--force').status, 0, 'delete needs none')
    t.same({ ...c.leaks(), mounts: [] }, nothing)
    empty()
    t.end()
  })

  t.test('no inode left', { skip }, t => {
    const c = onOwnDisk(t, rt, 'size=1m,nr_inodes=20')
    for (let left = 0; left < 6; left++) {
      const made: string[] = []
      for (let i = 0; i < 30; i++) {
        const path = join(c.stateRoot, `.filler${i}`)
        if (spawnSync('touch', [path]).status !== 0) break
        made.push(path)
      }
      for (const path of made.splice(0, left)) rmSync(path)
      const created = c.create()
      if (created.status !== 0) {
        isOneLine(t, created, `create with ${left} inodes`, /ENOSPC|no space/i)
        t.ok(
          readdirSync(c.stateRoot).every(name => name.startsWith('.filler')),
          'no half-made directory',
        )
        t.same({ ...c.leaks(), mounts: [] }, nothing)
      } else t.equal(c.del('--force').status, 0)
      for (const path of made) rmSync(path)
    }
    t.end()
  })

  t.test('read-only', { skip }, t => {
    const c = onOwnDisk(t, rt, 'size=1m')
    const remount = (how: string) => execFileSync('mount', ['-o', `remount,${how}`, c.stateRoot])
    remount('ro')
    isOneLine(t, c.create(), 'create', /EROFS|read-only/i)
    t.same({ ...c.leaks(), mounts: [] }, nothing)
    remount('rw')
    t.equal(c.create().status, 0)
    const { pid } = c.state()
    remount('ro')
    t.equal(c.state().status, 'created')
    t.equal(c.call('list', '-q').stdout, `${c.id}\n`)
    const started = c.start()
    if (started.status !== 0) isOneLine(t, started, 'start')
    t.equal(c.kill('KILL').status, 0)
    c.ended(pid)
    isOneLine(t, c.del('--force'), 'delete', /EROFS|read-only/i)
    t.equal(c.state().status, 'stopped')
    remount('rw')
    t.equal(c.del('--force').status, 0)
    t.same({ ...c.leaks(), mounts: [] }, nothing)
    t.end()
  })
})
