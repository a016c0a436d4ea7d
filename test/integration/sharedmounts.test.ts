/** A container without a mount namespace of its own: it mounts in the runtime's, and nothing of that outlives it. */
import { readlinkSync } from 'node:fs'
import t from 'tap'
import { namespacesWithout } from '../support/config.js'
import { container } from '../support/container.js'
import { mountsBelow, nothing } from '../support/leaks.js'
import { type Report, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const linux = { namespaces: namespacesWithout('mount'), maskedPaths: [], readonlyPaths: [] }
const here = readlinkSync('/proc/self/ns/mnt')

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('create, exec, delete', { skip: rt.lacks('shared-mounts') }, async t => {
    const c = container(t, rt, { linux, process: { args: script(['wait']) } })
    t.equal(c.create().status, 0)
    t.equal(c.start().status, 0)
    const { pid } = c.state()
    t.equal(readlinkSync(`/proc/${pid}/ns/mnt`), here, 'the mount namespace is the runtime’s')
    t.equal(readlinkSync(`/proc/${pid}/root`), c.rootfs)
    const mounts = mountsBelow(c.dir).length
    t.ok(mounts > 6, 'its mounts are there')
    const { status, stdout } = c.call('exec', c.id, ...script(['report']))
    t.equal(status, 0, 'the program is one of its root')
    const self = JSON.parse(stdout) as Report
    t.equal(self.cwd, '/')
    t.equal(mountsBelow(c.dir).length, mounts)
    t.equal(c.del('--force').status, 0)
    t.same(c.leaks(), nothing)
  })

  t.test('a foreground run', { skip: rt.lacks('shared-mounts') }, async t => {
    const c = container(t, rt, { linux })
    const [mounts] = c.ask(['cat', '/proc/self/mountinfo'])
    t.match(mounts?.data, / \/dev\/shm /)
    t.same(c.leaks(), nothing)
  })

  t.test('a create that fails', { skip: rt.lacks('shared-mounts') }, async t => {
    const c = container(t, rt, { linux, process: { args: ['/nope'] } })
    t.match(c.create(), { status: 1, stderr: /no such file/ })
    t.same(c.leaks(), nothing)
  })
})
