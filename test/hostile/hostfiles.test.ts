/** Files that tsrun writes on the host, in directories that belong to somebody else. */
import { chmodSync, chownSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { container } from '../support/container.js'
import { canary } from '../support/hostile.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'
import { ordinaryUser, user } from '../support/user.js'
import { refused } from '../support/without.js'

forms(t, requires('root', 'cc', 'strace'), (t, rt) => {
  t.test('a pid file where a neighbour makes links', { skip: rt.lacks('tsrun') }, async t => {
    const host = canary(t)
    const c = container(t, rt)
    const dir = join(c.dir, 'tmp')
    mkdirSync(dir)
    chmodSync(dir, 0o1777)
    const before = host.snapshot()
    const loop = '$| = 1; chdir $ARGV[0]; print "ready\\n"; while (1) { symlink($ARGV[1], ".pid") }'
    const neighbour = c.spawn('perl', '-e', loop, dir, join(host.path, 'file'))
    await neighbour.says('ready')
    // What could be lost between two calls has time to be lost.
    const slowly = ['strace', '-qq', '-o', '/dev/null', '-e', 'trace=unlinkat,unlink']
    const line = [...slowly, '-e', 'inject=unlinkat,unlink:delay_exit=30000', ...c.line('create')]
    for (let i = 0; i < 5; i++) {
      const flags = ['--bundle', c.bundle, '--pid-file', join(dir, 'pid'), c.id]
      await c.spawn('sh', '-c', '"$@" > /dev/null 2>&1', 'sh', ...line, ...flags).done
      c.del('--force')
    }
    neighbour.child.kill('SIGKILL')
    await neighbour.done
    t.equal(host.snapshot(), before, 'the host is as it was')
  })

  const filtered = refused.length > 0 && 'an ordinary user cannot load the filter'
  t.test('a state root that another user made first', { skip: rt.lacks('tsrun') || filtered }, async t => {
    const c = container(t, rt)
    const u = ordinaryUser(c, rt)
    const list = async (name: string, owner: number, mode: number) => {
      const runtimeDir = join(u.home, name)
      const root = join(runtimeDir, 'tsrun')
      mkdirSync(root, { recursive: true })
      chownSync(root, owner, owner)
      chmodSync(root, mode)
      return u.callWith({ runtimeDir }, 'list')
    }
    t.match(await list('foreign', 12_345, 0o755), {
      status: 1,
      stderr: /belongs to user 12345: choose another/,
    })
    t.match(await list('open', user.id, 0o777), { status: 1, stderr: /can be written by others: choose/ })
    t.match(await list('own', user.id, 0o1700), { status: 0, stderr: '' })
    mkdirSync(join(u.home, 'link'))
    symlinkSync(join(u.home, 'own/tsrun'), join(u.home, 'link/tsrun'))
    t.match(await u.callWith({ runtimeDir: join(u.home, 'link') }, 'list'), { status: 1, stderr: /user 0/ })
  })
})
