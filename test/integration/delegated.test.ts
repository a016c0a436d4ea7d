/** Cgroups that somebody else made for us: an ordinary user's, delegated by root, and those of a container in which tsrun runs. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { merge, mounts, namespaces } from '../support/config.js'
import { container, until } from '../support/container.js'
import { cgroupsOf, nothing, removeCgroups } from '../support/leaks.js'
import { payloadPath, repository, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'
import { ordinaryUser, user } from '../support/user.js'

const unified = requires('cgroup2') === false
const controllers = ['pids', 'memory', 'freezer', 'devices']

forms(t, requires('root', 'cc', 'userns'), (t, rt) => {
  t.test('an ordinary user in a cgroup that is its own', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt)
    const u = ordinaryUser(c, rt)
    const name = `${c.id}-delegated`
    t.equal((await u.call('spec', '--rootless')).status, 0)
    const path = join(u.bundle, 'config.json')
    const config = JSON.parse(readFileSync(path, 'utf8'))
    const linux = { resources: { pids: { limit: 20 }, memory: { limit: 64 << 20 } } }
    const process = { terminal: false, args: script(['fork', 2], ['wait']), oomScoreAdj: 200 }
    writeFileSync(path, JSON.stringify(merge(config, { process, linux })))
    // As systemd delegates: the directory and what is in it that a delegate may write.
    const trees = unified ? ['/sys/fs/cgroup'] : controllers.map(name => `/sys/fs/cgroup/${name}`)
    const delegate = trees
      .map(tree => {
        const own = `${tree}/${name}`
        const enable = unified ? `echo '+pids +memory +cpu' >${own}/cgroup.subtree_control;` : ''
        const files = ['cgroup.procs', 'tasks', 'cgroup.subtree_control', 'cgroup.threads']
          .map(f => `${own}/${f}`)
          .join(' ')
        return `mkdir -p ${own}/${name}-session; ${enable} chown ${user.id} ${own} ${files} ${own}/${name}-session ${own}/${name}-session/cgroup.procs ${own}/${name}-session/tasks 2>/dev/null; echo $$ >${own}/${name}-session/cgroup.procs`
      })
      .join('; ')
    const text = `
      $T run --detach ${c.id} </dev/null >out 2>&1 || { cat out; exit 1; }; cat out
      grep ${c.id} /proc/$($T state ${c.id} | sed -n 's/.*"pid": \\([0-9]*\\),/\\1/p')/cgroup
      $T pause ${c.id} && $T state ${c.id} | grep status && $T resume ${c.id} || exit 2
      $T ps --format json ${c.id} && $T exec ${c.id} /bin/payload true && $T update --pids-limit 15 ${c.id} || exit 3
      $T events --stats ${c.id}; $T kill --all ${c.id} KILL; sleep 0.3; $T delete ${c.id} || exit 4`
    const { status, stdout, stderr } = await u.sh({ prepare: delegate }, text)
    t.equal(status, 0, stdout + stderr)
    t.notMatch(stdout, /no cgroups/)
    t.match(stdout, unified ? `0::/${name}/${c.id}` : `memory:/${name}/${name}-session/${c.id}`)
    t.match(stdout, '"status": "paused"')
    t.match(stdout, /^\[\d+,\d+,\d+\]$/m)
    const { data } = JSON.parse(stdout.split('\n').find(line => line.startsWith('{"type":"stats"')) ?? '{}')
    t.match(data, { pids: { current: 3, limit: 15 }, memory: { usage: { limit: 64 << 20 } } })
    const left = cgroupsOf(c.id).filter(path => path.endsWith(`/${c.id}`))
    t.same(left, [], 'it took its own away')
    const gone = until(() => {
      removeCgroups(name)
      return cgroupsOf(name).length === 0
    })
    t.ok(gone, 'and nothing is in it any more')
  })

  t.test('a container in which tsrun runs', async t => {
    const cgroup = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid'] }
    const capabilities = [
      'CAP_SYS_ADMIN',
      'CAP_MKNOD',
      'CAP_SYS_CHROOT',
      'CAP_CHOWN',
      'CAP_SETUID',
      'CAP_SETGID',
      'CAP_SETPCAP',
      'CAP_NET_ADMIN',
      'CAP_KILL',
      'CAP_DAC_OVERRIDE',
      'CAP_BPF',
      'CAP_FOWNER',
    ]
    const all = { bounding: capabilities, effective: capabilities, permitted: capabilities }
    const args = ['/tsrun', '--root', '/run/tsrun', 'run', '--bundle', '/inner', 'inside']
    const c = container(t, rt, {
      process: { args, capabilities: all, noNewPrivileges: false },
      mounts: [...mounts, cgroup],
      linux: { namespaces: [...namespaces, { type: 'cgroup' }], maskedPaths: [], readonlyPaths: [] },
    })
    copyFileSync(join(repository, 'build', 'tsrun'), join(c.rootfs, 'tsrun'))
    const inner = join(c.rootfs, 'inner', 'rootfs')
    for (const path of ['bin', 'proc', 'dev', 'sys']) mkdirSync(join(inner, path), { recursive: true })
    copyFileSync(payloadPath(), join(inner, 'bin', 'payload'))
    const config = JSON.parse(readFileSync(join(c.bundle, 'config.json'), 'utf8'))
    const write = (resources: object) =>
      writeFileSync(
        join(c.rootfs, 'inner', 'config.json'),
        JSON.stringify({
          ...config,
          process: {
            ...config.process,
            args: script(['cat', '/proc/self/cgroup'], ['fork', 30]),
            capabilities: {},
          },
          mounts,
          linux: { ...config.linux, namespaces, cgroupsPath: '/inside', resources },
        }),
      )
    if (unified) {
      write({})
      const { status, stdout, stderr } = c.run()
      t.same({ status, stderr }, { status: 0, stderr: '' })
      t.match(stdout, '0::/inside')
      write({ pids: { limit: 10 } })
      t.match(c.run(), {
        status: 1,
        stderr: /pids\/limit.*"pids" is not available.*only leaves may hold any/,
      })
    } else {
      write({ pids: { limit: 10 } })
      const { status, stdout, stderr } = c.run()
      t.same({ status, stderr }, { status: 0, stderr: '' })
      t.match(stdout, 'pids:/inside')
      t.match(stdout, '"made":9,"errno":"EAGAIN"')
    }
    t.same(c.leaks(), nothing)
  })
})
