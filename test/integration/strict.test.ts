/**
 * --strict: what is only warned of is an error that names the same field, before anything was made; where nothing is warned of it
 * changes nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type JsonObject, mounts, namespaces } from '../support/config.js'
import { type Container, container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const capabilities = { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] }
const resources = (patch: JsonObject): JsonObject => ({ linux: { resources: patch } })

/** Configs that run, with the one field that they are warned of. */
const warned: readonly (readonly [pointer: string, JsonObject])[] = [
  [
    '/process/capabilities/bounding/1',
    { process: { capabilities: { ...capabilities, bounding: ['CAP_KILL', 'CAP_TSRUN'] } } },
  ],
  ['/linux/personality/flags/0', { linux: { personality: { domain: 'LINUX', flags: ['SHORT_INODE'] } } }],
  ['/linux/mountLabel', { linux: { mountLabel: 'system_u:object_r:container_file_t:s0' } }],
  [
    '/linux/seccomp/syscalls',
    {
      linux: {
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [{ names: ['tsrun_knows_no_such_call'], action: 'SCMP_ACT_ERRNO' }],
        },
      },
    },
  ],
  ['/linux/resources/memory/kernel', resources({ memory: { kernel: 67108864 } })],
  ['/linux/resources/memory/useHierarchy', resources({ memory: { useHierarchy: true } })],
  ['/mounts/6/destination', { mounts: [...mounts, { destination: 'mnt', type: 'tmpfs', source: 'tmpfs' }] }],
  [
    '/mounts/6/options',
    {
      mounts: [
        ...mounts,
        { destination: '/mnt', type: 'bind', source: '/proc/self/root/tmp', options: ['bind', 'size=1m'] },
      ],
    },
  ],
  ['/annotations/run.oci.nothing', { annotations: { 'run.oci.nothing': 'x' } }],
]

/** Runs a command with a JSON log; what its warnings point at. */
const pointersOf = (c: Container, ...args: readonly string[]): string[] => {
  const log = join(c.dir, 'log')
  writeFileSync(log, '')
  const { status, stderr } = c.call('--log', log, '--log-format', 'json', ...args)
  if (status !== 0) return [stderr]
  const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean)
  return lines.map(line => JSON.parse(line)).map(({ level, pointer }) => `${level} ${pointer}`)
}

forms(t, rtSkip(), (t, rt) => {
  for (const [pointer, patch] of warned) {
    t.test(
      pointer,
      { skip: pointer.includes('mountLabel') && requires('selinux') === false && 'SELinux is on' },
      async t => {
        const c = container(t, rt, patch)
        const run = ['run', '--bundle', c.bundle, c.id]
        t.same(pointersOf(c, ...run), [`warning ${pointer}`], 'a warning, and it runs')
        for (const command of [
          run,
          ['create', '--bundle', c.bundle, c.id],
          ['plan', '--bundle', c.bundle, c.id],
        ]) {
          const { status, stdout, stderr } = c.call('--strict', ...command)
          t.equal(status, 1, String(command[0]))
          t.equal(stdout, '')
          t.ok(stderr.includes(`${pointer}: `) && stderr.includes('(--strict refuses'), stderr)
          t.same(c.leaks(), nothing)
        }
      },
    )
  }

  t.test('what has its effect', async t => {
    const c = container(t, rt, resources({ memory: { limit: 67108864 } }))
    t.match(c.call('--strict', 'run', '--bundle', c.bundle, c.id), { status: 0, stderr: '' })
  })

  t.test('update and exec', { skip: requires('cgroup1') }, async t => {
    const c = container(t, rt, { process: { args: script(['wait']) } })
    t.equal(c.leave('--strict', 'create', '--bundle', c.bundle, c.id).status, 0)
    t.equal(c.call('--strict', 'start', c.id).status, 0)
    const file = join(c.dir, 'resources.json')
    writeFileSync(file, JSON.stringify({ memory: { limit: 67108864 }, network: { classID: 5 } }))
    const pointer = /\/network/
    const limit = () => readFileSync(`/sys/fs/cgroup/memory/${c.id}/memory.limit_in_bytes`, 'utf8').trim()
    const before = limit()
    const strict = c.call('--strict', 'update', '--resources', file, c.id)
    t.match(strict, { status: 1, stderr: pointer })
    t.equal(limit(), before, 'nothing was changed')
    const exec = ['exec', '--cap', 'CAP_TSRUN', c.id, ...script(['true'])]
    t.match(c.call(...exec), { status: 0, stderr: /CAP_TSRUN is unknown/ })
    t.match(c.call('--strict', ...exec), { status: 255, stderr: /CAP_TSRUN is unknown.*--strict/ })
  })

  t.test('joined mappings are only compared', { skip: requires('userns') }, async t => {
    const map = [{ containerID: 0, hostID: 100000, size: 65536 }]
    const own = [...namespaces, { type: 'user' }]
    const one = container(t, rt, { process: { args: script(['wait']) } })
    one.configure({ linux: { namespaces: own, uidMappings: map, gidMappings: map } })
    t.equal(one.create().status, 0)
    const path = `/proc/${one.state().pid}/ns/user`
    const two = container(t, rt, {
      linux: { namespaces: [...namespaces, { type: 'user', path }], uidMappings: map, gidMappings: map },
    })
    t.same(pointersOf(two, 'run', '--bundle', two.bundle, two.id), ['warning /linux/uidMappings'])
    const { status, stderr } = two.call('--strict', 'run', '--bundle', two.bundle, two.id)
    t.equal(status, 1)
    t.match(stderr, /\/linux\/uidMappings: the mappings are only compared/)
  })
})

function rtSkip(): false | string {
  return process.env.TSRUN_RUNTIME === 'runc' ? 'runc has no --strict' : requires('root', 'cc')
}
