/**
 * What a container sees of its neighbour while that is created, started, entered and run by hooks: one that shares its pid
 * namespace, and its user namespace, looks into every process that appears. Nothing of the host may be in them: no descriptor,
 * environment, root, working directory, program; nothing can be traced or written.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type JsonObject, namespaces, namespacesWithout } from '../support/config.js'
import { type Container, container, until } from '../support/container.js'
import { answersIn, payloadPath, type Report, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'

const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
const mapped = { uidMappings: map, gidMappings: map }
const strong = ['CAP_KILL', 'CAP_SYS_PTRACE', 'CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH']
const weak = ['CAP_KILL', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH']

const SECRET = 'word-of-the-caller'

/** What a program of a container shows of itself: its file, its root, what it was given. */
const own = [
  /^(exe|write) \/bin\/payload$/,
  /^(cwd|root) \/$/,
  /^(fd|write) (\/dev\/null|\/null|pipe:\[\d+\])$/,
  /^(fd|write) \/memfd:(state|output|tsrun-state|tsrun-hook-output) \(deleted\)$/, // stdio of hooks
  /^environ (PATH|OWN)=/,
]

/** The caller is careless: directories of the host and a secret in its environment come along. */
const careless = [
  'sh',
  '-c',
  'exec 3</ 4</proc/1 5</etc/passwd 6</sys/fs/cgroup; export SECRET="$0"; exec "$@" </dev/null >/dev/null 2>&1',
]

const tryAll = async (t: Test, rt: Runtime, user: boolean): Promise<void> => {
  const capabilities = user ? strong : weak
  const sets = { bounding: capabilities, effective: capabilities, permitted: capabilities }
  const linux: JsonObject = user ? { namespaces: [...namespaces, { type: 'user' }], ...mapped } : {}
  const attacker = container(t, rt, {
    process: { args: script(['peek', rt.name === 'npm' ? 8 : 4]), capabilities: sets },
    linux,
  })
  spawnSync('chown', ['-R', '100000:100000', attacker.dir])
  const peeking = attacker.spawn(...attacker.line('run', '--bundle', attacker.bundle, attacker.id))
  await peeking.says('"verb":"peeking"')
  const { pid } = attacker.state()
  const shared = [
    { type: 'pid', path: `/proc/${pid}/ns/pid` },
    ...(user ? [{ type: 'user', path: `/proc/${pid}/ns/user` }] : []),
  ]
  // Without the right to trace one may look into equals that can do no more.
  const who = user ? { uid: 1000, gid: 1000 } : { uid: 0, gid: 0 }
  const few = { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] }
  const victim: Container = container(t, rt, {
    process: { args: script(['sleep', '0.05']), env: ['PATH=/bin'], user: who, capabilities: few },
    linux: {
      namespaces: [...(namespacesWithout('pid') as JsonObject[]), ...shared],
      ...(user ? mapped : {}),
    },
  })
  const inside = { path: '/bin/payload', args: ['payload', 'sleep', '0.02'], env: ['OWN=1'] }
  victim.configure({ hooks: { startContainer: [inside] } })
  spawnSync('chown', ['-R', '100000:100000', victim.dir])
  const call = (...args: readonly string[]) =>
    spawnSync(careless[0] ?? '', [...careless.slice(1), SECRET, ...victim.line(...args)], {
      cwd: victim.bundle,
    }).status
  const shimSeen: string[] = []
  for (let i = 0; i < 12; i++) {
    const created = call('create', '--bundle', victim.bundle, victim.id)
    if (created !== 0) break // the attacker is over, and its namespaces are gone
    const init = victim.state().pid
    if (init === 0) break // ended with them
    shimSeen.push(readlinkSync(`/proc/${init}/exe`))
    t.equal(readFileSync(`/proc/${init}/environ`, 'utf8'), '', 'what waits has no environment')
    // `exec` into what waits, too.
    call('exec', victim.id, ...script(['sleep', '0.02']))
    call('start', victim.id)
    call('delete', '--force', victim.id)
  }
  t.ok(shimSeen.length > 1, `${shimSeen.length} lives were looked at`)
  t.ok(
    shimSeen.every(exe => exe.startsWith('/memfd:')),
    'never a file of the host',
  )
  const names = answersIn((await peeking.done).stdout).find(({ verb }) => verb === 'peek')?.names ?? []
  t.ok(names.includes('exe /bin/payload'), 'the attacker saw programs come')
  t.same(
    names.filter(name => !own.some(pattern => pattern.test(name))),
    [],
    'and of what they were before, nothing',
  )
  t.notMatch(names.join('\n'), SECRET)
  t.notMatch(names.join('\n'), join(victim.dir, 'state'))
}

const reportsOf = (text: string): Report[] =>
  answersIn(text).filter(({ verb }) => verb === 'report') as unknown as Report[]

forms(t, requires('root', 'cc', 'userns'), (t, rt) => {
  for (const user of [false, true])
    t.test(
      user
        ? 'with a user namespace in common, as its root with all rights'
        : 'as root without the right to trace',
      { skip: rt.lacks('tsrun') },
      t => tryAll(t, rt, user),
    )

  t.test('a session keyring of its own, which exec joins', { skip: rt.lacks('tsrun') }, t => {
    const c = container(t, rt, { process: { args: script(['report'], ['wait']) } })
    c.run('--detach')
    until(() => c.output().includes('\n'))
    const [first] = reportsOf(c.output())
    t.match(first?.keyringName, c.id)
    const [entered] = reportsOf(c.call('exec', c.id, ...script(['report'])).stdout)
    t.equal(entered?.keyring, first?.keyring)
    t.end()
  })

  t.test(
    'a keyring that another user made under its name is not joined',
    { skip: rt.lacks('tsrun') },
    async t => {
      const c = container(t, rt, { process: { args: script(['report'], ['wait']) } })
      const asUser = ['setpriv', '--reuid', '1000', '--regid', '1000', '--clear-groups']
      const squatter = c.spawn(...asUser, payloadPath(), 'squat', `_ses.${c.id}`)
      await squatter.says('"verb":"squat","errno":null')
      c.run('--detach')
      until(() => c.output().includes('\n'))
      const entered = c.call('exec', c.id, ...script(['report'])).stdout
      squatter.child.kill('SIGKILL')
      const [{ result }] = answersIn((await squatter.done).stdout) as unknown as [{ result: number }]
      for (const [who, text] of Object.entries({ init: c.output(), exec: entered })) {
        const [report] = reportsOf(text)
        t.not(report?.keyring, result, who)
        t.ok(report?.keyring !== undefined && report.keyring > 0, `${who} has one`)
      }
    },
  )
})
