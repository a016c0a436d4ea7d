/** Where the cgroups of a container are, and what is written there. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { lowerCgroup } from '../../src/lower/cgroup/index.js'
import { explainer } from '../../src/spec/explain.js'
import { loadSpec } from '../../src/spec/load.js'
import { hosts } from '../golden/hosts.js'
import { type JsonObject, mounts, namespaces } from '../support/config.js'
import { type Container, container, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { conformance } from './suite.js'

const waiting = { process: { args: script(['wait']) } }
const isV2 = existsSync('/sys/fs/cgroup/cgroup.controllers')
/** The hierarchy that has the controller. */
const hierarchy = (controller: string) => (isV2 ? '/sys/fs/cgroup' : `/sys/fs/cgroup/${controller}`)
const cgroupsOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .split('\n')
    .filter(line => !line.startsWith('0::') || isV2)
    .join('\n')

conformance('cgroups', ['root', 'cc'], (_, rt) => {
  const created = (t: Test, patch: JsonObject): Container => {
    const c = container(t, rt, waiting)
    c.configure({ linux: patch })
    const { status, stderr } = c.create()
    assert.equal(status, 0, stderr)
    return c
  }
  const refused = (t: Test, patch: JsonObject): void => {
    const c = container(t, rt, { ...waiting, linux: patch })
    const { status, stderr } = c.create()
    assert.notEqual(status, 0, JSON.stringify(patch))
    assert.notEqual(stderr, '')
    assert.deepEqual(c.leaks(), nothing)
  }
  const file = (c: Container, name: string) => readFileSync(join('/sys/fs/cgroup', c.id, name), 'utf8').trim()
  return {
    'LX-025': t => {
      const first = created(t, {})
      const before = first.state()
      refused(t, { cgroupsPath: `/${first.id}` })
      assert.deepEqual(first.state(), before)
    },
    'LX-026': t => {
      created(t, {})
      const relative = container(t, rt, waiting)
      relative.configure({ linux: { cgroupsPath: `${relative.id}-below` } })
      const { status, stderr } = relative.create()
      assert.equal(status, 0, stderr)
      assert.match(cgroupsOf(relative.state().pid), new RegExp(`/${relative.id}-below`))
    },
    'LX-027': t => {
      const c = created(t, {})
      const { pid } = c.state()
      const inside = readFileSync(join(hierarchy('pids'), c.id, 'cgroup.procs'), 'utf8')
      assert.ok(inside.split('\n').includes(String(pid)))
    },
    'LX-028': t => {
      const c = container(t, rt, waiting)
      for (const cgroupsPath of [`/${c.id}-a`, `${c.id}-b`]) {
        c.configure({ linux: { cgroupsPath } })
        const seen = [1, 2].map(() => {
          assert.equal(c.create().status, 0)
          const text = cgroupsOf(c.state().pid)
          assert.equal(c.del('--force').status, 0)
          return text
        })
        assert.equal(seen[0], seen[1])
        assert.match(seen[0] ?? '', new RegExp(c.id))
      }
    },
    'LX-029': t => {
      for (const cgroupsPath of ['/', '/..', 'system.slice:tsrun:box']) refused(t, { cgroupsPath })
    },
    'LX-030': t => {
      const map = [{ containerID: 0, hostID: 100000, size: 1000 }]
      const cgroup = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['rw'] }
      const c = container(t, rt, {
        mounts: [...mounts, cgroup],
        linux: {
          namespaces: [...namespaces, { type: 'cgroup' }, { type: 'user' }],
          uidMappings: map,
          gidMappings: map,
        },
      })
      const listed = readFileSync('/sys/kernel/cgroup/delegate', 'utf8').trim().split('\n')
      c.configure(waiting)
      const { status, stderr } = c.create()
      assert.equal(status, 0, stderr)
      const missing = listed.filter(name => !existsSync(join('/sys/fs/cgroup', c.id, name)))
      t.comment(`of the list this cgroup has not: ${missing}`)
    },
    'LX-034': async t => {
      const c = container(t, rt, {
        process: { args: script(['alloc', 40 << 20], ['echo', 'has'], ['wait']) },
      })
      c.configure({ linux: { resources: { memory: { limit: 200 << 20 } } } })
      assert.equal(c.run('--detach').status, 0)
      const name = isV2 ? 'memory.max' : 'memory.limit_in_bytes'
      const limit = () => readFileSync(join(hierarchy('memory'), c.id, name), 'utf8').trim()
      until(() => c.output().includes('has'))
      const before = limit()
      const update = c.spawn(...c.line('update', '--resources', '-', c.id))
      update.child.stdin?.end('{"memory":{"limit":4194304,"checkBeforeUpdate":true}}')
      const { status, stderr } = await update.done
      assert.notEqual(status, 0, 'it is below the usage')
      assert.notEqual(stderr, '')
      assert.equal(limit(), before)
      assert.equal(c.state().status, 'running')
    },
    'LX-048': t => {
      const c = created(t, { resources: { unified: { 'pids.max': '77', 'memory.high': '209715200' } } })
      const controllers = file(c, 'cgroup.controllers').split(' ')
      assert.ok(controllers.includes('pids') && controllers.includes('memory'), controllers.join())
      assert.deepEqual([file(c, 'pids.max'), file(c, 'memory.high')], ['77', '209715200'])
    },
    'LX-049': t => {
      const c = created(t, { resources: { unified: { 'cgroup.max.depth': '5', 'memory.oom.group': '1' } } })
      assert.deepEqual([file(c, 'cgroup.max.depth'), file(c, 'memory.oom.group')], ['5', '1'])
    },
    'LX-050': t => refused(t, { resources: { unified: { 'nobody.max': '1' } } }),
    'LX-051': t => {
      for (const [field, value] of [
        ['memory', { swappiness: 10 }],
        ['memory', { disableOOMKiller: true }],
        ['cpu', { realtimeRuntime: 1000, realtimePeriod: 100000 }],
        ['blockIO', { leafWeight: 100 }],
      ] as const) {
        const config = {
          ociVersion: '1.3.0',
          root: { path: 'rootfs' },
          process: { cwd: '/', args: ['/bin/true'] },
          linux: { namespaces: [{ type: 'mount' }], resources: { [field]: value } },
        }
        const spec = loadSpec(JSON.stringify(config), () => explainer)
        const told = (host: 'v1' | 'v2') =>
          lowerCgroup(spec, (hosts[host] as (typeof hosts)[string]).cgroup, {
            id: 'box',
            manager: 'cgroupfs',
          }).warnings
        assert.deepEqual(told('v1'), [], 'v1 has it')
        const [warning] = told('v2')
        assert.match(warning?.pointer ?? '', new RegExp(`^/linux/resources/${field}/`))
        if (!isV2) continue
        const c = container(t, rt, { linux: { resources: { [field]: value } } })
        const { status, stderr } = c.call('--strict', 'create', '--bundle', c.bundle, c.id)
        assert.notEqual(status, 0, `--strict takes ${field}`)
        assert.match(stderr, new RegExp(`/linux/resources/${field}/`))
        assert.deepEqual(c.leaks(), nothing)
      }
    },
  }
})
