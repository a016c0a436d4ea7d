/** The root and the list of mounts. */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { mounts } from '../support/config.js'
import { container } from '../support/container.js'
import { askMounts, mountsByPoint, parseMounts } from '../support/mountinfo.js'
import { conformance } from './suite.js'

conformance('mounts', ['root', 'cc'], (_, rt) => ({
  'CF-009': t => {
    for (const [root, errno] of [
      [{ readonly: true }, 'EROFS'],
      [{ readonly: false }, null],
      [{}, null],
    ] as const) {
      const [written, proc] = container(t, rt, { root }).ask(
        ['write', '/new', 'text'],
        ['stat', '/proc/self/status'],
      )
      assert.equal(written?.errno, errno, JSON.stringify(root))
      assert.equal(proc?.errno, null)
    }
  },
  'CF-011': t => {
    const tmpfs = (destination: string) => ({ destination, type: 'tmpfs', source: 'x' })
    const order = ['/mnt', '/mnt/a', '/mnt/a/b', '/mnt/a', '/mnt/z']
    const c = container(t, rt, { mounts: [...mounts, ...order.map(tmpfs)] })
    const [info, below] = c.ask(askMounts, ['ls', '/mnt/a'])
    const points = parseMounts(info?.data ?? '').map(({ point }) => point)
    assert.deepEqual(
      points.filter(point => point.startsWith('/mnt')),
      order,
    )
    assert.deepEqual(below?.names, [], 'the second mount covers what came before')
  },
  'CF-013': t => {
    const c = container(t, rt, { process: { cwd: '/tmp' } })
    mkdirSync(join(c.rootfs, 'tmp/rel'), { recursive: true })
    c.configure({ mounts: [...mounts, { destination: 'rel/ative', type: 'tmpfs', source: 'x' }] })
    const points = mountsByPoint(c.ask(askMounts)[0])
    assert.ok(points.has('/rel/ative'), [...points.keys()].join())
  },
}))
