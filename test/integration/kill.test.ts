/** kill and delete where it is hard: who forks faster than it is killed, cgroups that somebody took away, controllers that are missing. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { namespacesWithout } from '../support/config.js'
import { type Container, container, until } from '../support/container.js'
import { cgroupsOf, nothing, processesOf } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const shared = { linux: { namespaces: namespacesWithout('pid'), resources: { pids: { limit: 300 } } } }
const waiting = { process: { args: script(['fork', 3], ['wait']) } }

/** Forks as fast as it can, and each child does, too. */
const bomb = (c: Container) => {
  copyFileSync('/bin/busybox', join(c.rootfs, 'bin', 'sh'))
  const text = 'f() { while :; do f & done; }; f & f & f & while :; do :; done'
  c.configure({ process: { args: ['/bin/sh', '-c', text] } })
}

/** Where the container's cgroup is, by controller; on v2 all in one. */
const cgroup = (c: Container, controller: string): string =>
  existsSync('/sys/fs/cgroup/cgroup.procs')
    ? `/sys/fs/cgroup/${c.id}`
    : `/sys/fs/cgroup/${controller}/${c.id}`

forms(t, requires('root', 'cc', 'busybox'), (t, rt) => {
  for (const command of ['kill', 'kill --all', 'delete --force'])
    t.test(
      `${command} of one that forks faster than it is killed`,
      { skip: rt.lacks('kill-all') },
      async t => {
        const c = container(t, rt, shared)
        bomb(c)
        t.equal(c.run('--detach').status, 0)
        t.ok(
          until(() => readFileSync(join(cgroup(c, 'pids'), 'pids.current'), 'utf8').length >= 3),
          'it has children',
        )
        const [name = '', ...flags] = command.split(' ')
        const line = name === 'kill' ? [name, ...flags, c.id, 'KILL'] : [name, ...flags, c.id]
        t.match(c.call(...line), { status: 0, stderr: '' })
        t.ok(
          until(() => processesOf(c.id).length === 0),
          'nobody is left',
        )
        t.equal(c.del('--force').status, 0)
        t.same(c.leaks(), nothing)
      },
    )

  t.test('cgroups that somebody took away', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt, waiting)
    c.run('--detach')
    const { pid } = c.state()
    process.kill(pid, 'SIGKILL')
    c.ended(pid)
    t.ok(until(() => processesOf(c.id).length === 0))
    for (const path of cgroupsOf(c.id)) rmdirSync(path)
    t.equal(c.state().status, 'stopped')
    t.match(c.call('pause', c.id), { status: 1, stderr: /container not running or created: stopped/ })
    t.match(c.call('resume', c.id), { status: 1, stderr: /container not paused/ })
    t.match(c.call('update', '--pids-limit', '5', c.id), { status: 1, stderr: /container not running/ })
    t.match(c.call('events', '--stats', c.id), { status: 1, stderr: /is not running/ })
    t.match(c.call('ps', '--format', 'json', c.id), { status: 0, stdout: '[]\n' })
    t.match(c.call('kill', '--all', c.id, 'KILL'), { status: 0, stderr: '' })
    t.match(c.kill('KILL'), { status: 1, stderr: /container not running/ })
    t.same(c.del(), { status: 0, stdout: '', stderr: '' })
    t.same(c.leaks(), nothing)
  })

  t.test(
    'one hierarchy that somebody took away from a running one',
    {
      skip: rt.lacks('tsrun') || requires('cgroup1'),
    },
    async t => {
      const c = container(t, rt, { ...waiting, ...shared })
      c.run('--detach')
      t.ok(
        until(
          () => readFileSync(join(cgroup(c, 'freezer'), 'cgroup.procs'), 'utf8').split('\n').length === 5,
        ),
      )
      for (const controller of ['freezer', 'pids']) {
        const from = cgroup(c, controller)
        for (const pid of readFileSync(join(from, 'cgroup.procs'), 'utf8').trim().split('\n'))
          writeFileSync(join(from, '..', 'cgroup.procs'), pid)
        t.ok(
          until(() => {
            try {
              rmdirSync(from)
            } catch {}
            return !existsSync(from)
          }),
        )
      }
      t.equal(c.state().status, 'running')
      t.match(c.call('pause', c.id), { status: 1, stderr: /freezer\.state.*ENOENT/ })
      t.match(c.call('update', '--pids-limit', '5', c.id), {
        status: 1,
        stderr: /\/linux\/resources\/pids\/limit: .*pids\.max.*ENOENT/,
      })
      t.match(
        JSON.parse(c.call('ps', '--format', 'json', c.id).stdout).length,
        4,
        'the other hierarchies know them',
      )
      t.match(c.call('kill', '--all', c.id, 'KILL'), { status: 0, stderr: '' })
      t.ok(
        until(() => processesOf(c.id).length === 0),
        'all of them',
      )
      t.same(c.del(), { status: 0, stdout: '', stderr: '' })
      t.same(c.leaks(), nothing)
    },
  )

  t.test(
    'a delete that cannot succeed says why, and does when it can',
    { skip: rt.lacks('tsrun') },
    async t => {
      const c = container(t, rt, waiting)
      c.run('--detach')
      const { pid } = c.state()
      c.kill('KILL')
      c.ended(pid)
      // Somebody else's process moved in.
      const stranger = Number(
        spawnSync('sh', ['-c', 'sleep 60 >/dev/null 2>&1 & echo $!'], { encoding: 'utf8' }).stdout,
      )
      writeFileSync(join(cgroup(c, 'memory'), 'cgroup.procs'), `${stranger}`)
      t.match(c.del(), {
        status: 1,
        stderr: new RegExp(`rmdir.*EBUSY.*processes in it: ${stranger}`),
      })
      t.equal(c.state().status, 'stopped', 'it can be tried again')
      process.kill(stranger, 'SIGKILL')
      c.ended(stranger)
      t.same(c.del(), { status: 0, stdout: '', stderr: '' })
      t.same(c.leaks(), nothing)
      t.same(readdirSync(c.stateRoot), [])
    },
  )
})
