/** linux.namespaces: new, joined and inherited ones, by the inodes of /proc/PID/ns. */
import assert from 'node:assert/strict'
import { readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type JsonObject, namespaces } from '../support/config.js'
import { container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { conformance } from './suite.js'

/** Names of the files, by type. */
const files: Readonly<Record<string, string>> = {
  pid: 'pid',
  network: 'net',
  ipc: 'ipc',
  uts: 'uts',
  mount: 'mnt',
  cgroup: 'cgroup',
}
const waiting = { process: { args: script(['wait']) } }
const of = (pid: number | 'self', type: string) => readlinkSync(`/proc/${pid}/ns/${files[type]}`)

conformance('namespaces', ['root', 'cc'], (_, rt) => {
  /** A network, a UTS and an IPC namespace, each bound to a file, and a container that is not made yet. */
  const prepared = async (t: Test) => {
    const c = container(t, rt, waiting)
    const paths = { network: join(c.dir, 'net'), uts: join(c.dir, 'uts'), ipc: join(c.dir, 'ipc') }
    for (const path of Object.values(paths)) writeFileSync(path, '')
    const flags = [`--net=${paths.network}`, `--uts=${paths.uts}`, `--ipc=${paths.ipc}`]
    const made = await c.spawn('unshare', ...flags, 'true').done
    assert.equal(made.status, 0, made.stderr)
    const away = () => Promise.all(Object.values(paths).map(path => c.spawn('umount', path).done))
    return { c, paths, away }
  }
  const joining = (paths: Readonly<Record<string, string>>): readonly JsonObject[] =>
    namespaces.map(({ type }) => {
      const path = paths[String(type)]
      return path === undefined ? { type } : { type, path }
    })
  return {
    'LX-003': async t => {
      const { c, paths, away } = await prepared(t)
      c.configure({ linux: { namespaces: joining(paths) } })
      const made = c.create()
      assert.equal(made.status, 0, made.stderr)
      const { pid } = c.state()
      for (const [type, path] of Object.entries(paths)) {
        const inode = await c.spawn('stat', '-c', '%i', path).done
        assert.equal(of(pid, type), `${files[type]}:[${inode.stdout.trim()}]`)
      }
      assert.equal(c.del('--force').status, 0)
      await away()
    },
    'LX-004': async t => {
      const { c, paths, away } = await prepared(t)
      for (const path of [paths.uts, '/proc/self/ns/mnt', '/etc/hostname']) {
        c.configure({ linux: { namespaces: joining({ network: path }) } })
        const { status, stderr } = c.create()
        assert.notEqual(status, 0, path)
        assert.notEqual(stderr, '')
        assert.deepEqual(c.leaks().state, nothing.state)
      }
      await away()
    },
    'LX-005': t => {
      const list = [...namespaces, { type: 'cgroup' }]
      const c = container(t, rt, { ...waiting, linux: { namespaces: list } })
      const made = c.create()
      assert.equal(made.status, 0, made.stderr)
      const { pid } = c.state()
      for (const { type } of list)
        assert.notEqual(of(pid, String(type)), of('self', String(type)), String(type))
      if (requires('userns') === false)
        assert.equal(readlinkSync(`/proc/${pid}/ns/user`), readlinkSync('/proc/self/ns/user'))
    },
    'LX-006': t => {
      const c = container(t, rt, {
        ...waiting,
        hostname: undefined,
        linux: { namespaces: [{ type: 'mount' }], maskedPaths: [], readonlyPaths: [] },
      })
      const made = c.create()
      assert.equal(made.status, 0, made.stderr)
      const { pid } = c.state()
      for (const type of ['pid', 'network', 'ipc', 'uts', 'cgroup'])
        assert.equal(of(pid, type), of('self', type), type)
      assert.notEqual(of(pid, 'mount'), of('self', 'mount'))
    },
  }
})
