/** Device nodes, and the rules about them. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { JsonObject } from '../support/config.js'
import { container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { conformance } from './suite.js'

/** A device that no container has by default and that root may always open for writing. */
const kmsg = { type: 'c', path: '/dev/kmsg', major: 1, minor: 11 }
const rule = (allow: boolean, patch: JsonObject = {}): JsonObject => ({ allow, access: 'rwm', ...patch })
const ofKmsg = { type: 'c', major: 1, minor: 11 }

conformance('devices', ['root', 'cc'], (_, rt) => {
  /** Whether the container may write to it under these rules. */
  const allowed = (t: Test, ...rules: readonly JsonObject[]): boolean => {
    const c = container(t, rt, { linux: { devices: [kmsg], resources: { devices: rules } } })
    const [opened] = c.ask(['open', '/dev/kmsg', 'w'])
    assert.ok(opened?.errno === null || opened?.errno === 'EPERM', `${opened?.errno}`)
    return opened.errno === null
  }
  return {
    'LX-011': t => {
      const devices = [
        { type: 'c', path: '/dev/given', major: 1, minor: 5, fileMode: 0o640, uid: 3, gid: 4 },
        { type: 'u', path: '/dev/unbuffered', major: 1, minor: 7 },
        { type: 'b', path: '/dev/block', major: 240, minor: 3 },
        { type: 'p', path: '/run/pipe', fileMode: 0o600 },
        { type: 'c', path: '/not/in/dev', major: 1, minor: 3 },
      ]
      const [given, unbuffered, block, pipe, elsewhere] = container(t, rt, { linux: { devices } }).ask([
        'stat',
        ...devices.map(({ path }) => path),
      ])
      const seen = (it: typeof given) => it && [it.type, it.major, it.minor]
      assert.deepEqual(seen(given), ['char', 1, 5])
      assert.deepEqual([(given?.mode ?? 0) & 0o7777, given?.uid, given?.gid], [0o640, 3, 4])
      assert.deepEqual(seen(unbuffered), ['char', 1, 7])
      assert.deepEqual(seen(block), ['block', 240, 3])
      assert.equal(pipe?.type, 'fifo')
      assert.deepEqual(seen(elsewhere), ['char', 1, 3])
    },
    'LX-014': t => {
      const c = container(t, rt, { linux: { devices: [{ ...kmsg, path: '/etc/device' }] } })
      mkdirSync(join(c.rootfs, 'etc'), { recursive: true })
      writeFileSync(join(c.rootfs, 'etc/device'), 'a file')
      const { status, stderr } = c.create()
      assert.notEqual(status, 0, 'it takes a file for the device')
      assert.notEqual(stderr, '')
      assert.deepEqual(c.leaks(), nothing)
    },
    'LX-016': t => {
      const nodes = { null: 3, zero: 5, full: 7, random: 8, urandom: 9 }
      const answers = container(t, rt).ask(
        ['stat', ...Object.keys(nodes).map(name => `/dev/${name}`), '/dev/tty', '/dev/ptmx'],
        ['open', '/dev/zero', 'rw'],
      )
      for (const [index, minor] of Object.values(nodes).entries())
        assert.deepEqual(
          [answers[index]?.type, answers[index]?.major, answers[index]?.minor],
          ['char', 1, minor],
        )
      assert.deepEqual([answers[5]?.major, answers[5]?.minor], [5, 0])
      assert.equal(answers[6]?.target, 'pts/ptmx')
      assert.equal(answers[7]?.errno, null)
    },
    'LX-032': t => {
      assert.equal(allowed(t, rule(false)), false)
      assert.equal(allowed(t, rule(false), rule(true, ofKmsg)), true)
      assert.equal(allowed(t, rule(false), rule(true, ofKmsg), rule(false, ofKmsg)), false)
      assert.equal(allowed(t, rule(false), rule(false, ofKmsg), rule(true, ofKmsg)), true)
      assert.equal(allowed(t, rule(true, ofKmsg), rule(false)), false)
    },
  }
})
