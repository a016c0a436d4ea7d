/** The mount options idmap and ridmap: who owns a file of the host in the container. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type JsonObject, mounts, namespaces } from '../support/config.js'
import { container } from '../support/container.js'
import { conformance } from './suite.js'

const map = (hostID: number) => [{ containerID: 0, hostID, size: 1000 }]
const userNamespace = {
  namespaces: [...namespaces, { type: 'user' }],
  uidMappings: map(200000),
  gidMappings: map(200000),
}

conformance('idmap', ['root', 'cc', 'userns'], (_, rt) => {
  /** A container with a bind of a directory that has a tmpfs below; files of user 7 in both. */
  const withMount = (t: Test, option: string, mappings: JsonObject, linux: JsonObject) => {
    const c = container(t, rt, { linux })
    const source = join(c.dir, 'source')
    mkdirSync(join(source, 'below'), { recursive: true })
    spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', join(source, 'below')])
    t.teardown(() => void spawnSync('umount', [join(source, 'below')]))
    for (const file of ['file', 'below/file']) {
      writeFileSync(join(source, file), '')
      chownSync(join(source, file), 7, 7)
    }
    c.configure({
      mounts: [...mounts, { destination: '/mnt', source, options: ['rbind', option], ...mappings }],
    })
    return c
  }
  const owners = (t: Test, option: string, mappings: JsonObject, linux: JsonObject): number[] =>
    withMount(t, option, mappings, linux)
      .ask(['stat', '/mnt/file', '/mnt/below/file'])
      .map(({ uid }) => uid)
  const refused = (t: Test, option: string): void => {
    const c = withMount(t, option, {}, {})
    const { status, stderr } = c.create()
    assert.notEqual(status, 0)
    assert.match(stderr, /idmap|mapping/)
    const { mounts: _, ...left } = c.leaks() // the one below the source is the test's own
    assert.deepEqual(left, { state: [], cgroups: [], processes: [] })
  }
  const own = { uidMappings: map(5000), gidMappings: map(5000) }
  return {
    'CF-057': t => assert.deepEqual(owners(t, 'idmap', own, {})[0], 5007),
    'CF-058': t => {
      // Of the mount's 5007 the container's namespace has no id: the kernel's overflow id.
      assert.deepEqual(owners(t, 'idmap', own, userNamespace)[0], 65534)
      const through = { uidMappings: map(200100), gidMappings: map(200100) }
      assert.deepEqual(owners(t, 'idmap', through, userNamespace)[0], 107)
    },
    'CF-059': t => {
      assert.deepEqual(owners(t, 'idmap', {}, userNamespace)[0], 7, 'those of the container are taken')
      refused(t, 'idmap')
    },
    'CF-060': t => refused(t, 'idmap'),
    'CF-061': t => assert.deepEqual(owners(t, 'ridmap', own, {}), [5007, 5007]),
    'CF-062': t => {
      const through = { uidMappings: map(200100), gidMappings: map(200100) }
      assert.deepEqual(owners(t, 'ridmap', through, userNamespace), [107, 107])
    },
    'CF-063': t => {
      assert.deepEqual(owners(t, 'ridmap', {}, userNamespace), [7, 7], 'those of the container are taken')
      refused(t, 'ridmap')
    },
    'CF-064': t => refused(t, 'ridmap'),
  }
})
