/**
 * What a container mounts stays in it, also on a bind mount whose source the host shares (as systemd does with all of
 * its mounts): a peer of the host's mount would pass it on to the host.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type JsonObject, mounts, namespaces } from '../support/config.js'
import { type Container, container, until } from '../support/container.js'
import { mountsBelow } from '../support/leaks.js'
import { parseMounts } from '../support/mountinfo.js'
import { answersIn, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'

const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
const mayMount = ['CAP_SYS_ADMIN']

/** A shared mount of the host with a directory and a file, gone after the test. */
const sharedMount = (t: Test, c: Container): string => {
  const path = join(c.dir, 'shared')
  mkdirSync(path)
  execFileSync('mount', ['-t', 'tmpfs', 'shared', path])
  t.teardown(() => spawnSync('umount', ['-R', '-l', path]))
  execFileSync('mount', ['--make-shared', path])
  mkdirSync(join(path, 'volume', 'inner'), { recursive: true })
  execFileSync('chown', ['-R', '100000:100000', c.dir])
  return path
}

const circumstances: Readonly<Record<string, JsonObject>> = {
  'with the host’s users': {},
  'in a user namespace': {
    namespaces: [...namespaces, { type: 'user' }],
    uidMappings: map,
    gidMappings: map,
  },
}

const tryOne = (
  t: Test,
  rt: Runtime,
  linux: JsonObject,
  options: readonly string[],
  source: string,
): void => {
  const capabilities = { bounding: mayMount, effective: mayMount, permitted: mayMount }
  const c = container(t, rt, { linux })
  const shared = sharedMount(t, c)
  const before = mountsBelow(shared)
  const bind = { destination: '/mnt', type: 'bind', source: join(shared, source), options }
  const inner = {
    destination: source === '' ? '/mnt/volume/inner' : '/mnt/inner',
    type: 'tmpfs',
    source: 'tmpfs',
  }
  c.configure({
    mounts: [...mounts, bind, inner],
    process: {
      capabilities,
      args: script(
        ['mount', 'tmpfs', '/mnt'],
        ['mkdir', '/mnt/own'],
        ['cat', '/proc/self/mountinfo'],
        ['wait'],
      ),
    },
  })
  t.equal(c.run('--detach').status, 0)
  const started = () => answersIn(c.output())
  until(() => started().length >= 3)
  const [mounted, , info] = started()
  t.equal(mounted?.errno, null, 'it may mount')
  t.ok(
    parseMounts(info?.data ?? '').some(({ point }) => point.endsWith('/inner')),
    'the mount of the config is there',
  )
  t.same(mountsBelow(shared), before, 'and nothing of it on the host')
}

forms(t, requires('root', 'cc', 'userns'), (t, rt) => {
  for (const [where, linux] of Object.entries(circumstances))
    for (const options of [['bind'], ['rbind'], ['rbind', 'rshared'], ['bind', 'ro', 'slave']])
      for (const source of ['', 'volume'])
        t.test(
          `${where}, ${options} of /${source}`,
          { skip: options.includes('slave') && rt.lacks('tsrun') },
          t => {
            tryOne(t, rt, linux, options, source)
            t.end()
          },
        )
})
