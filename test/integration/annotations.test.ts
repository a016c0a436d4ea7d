/** Annotations run.oci.* of crun: what each changes. The same tests pass with TSRUN_RUNTIME=crun, but for what it does not check. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { type JsonObject, mounts } from '../support/config.js'
import { type Container, container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { answersIn, payloadPath, type Report, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

/** With these supplementary groups: what a user of `--group-add keep-groups` has. */
const withGroups = (...command: readonly string[]) => ['setpriv', '--groups', '4242,4243', ...command]

forms(t, requires('root', 'cc'), (t, rt) => {
  const lacks = rt.lacks('run-oci')
  const isCrun = basename(rt.name) === 'crun'

  t.test('keep_original_groups', { skip: lacks }, async t => {
    const groups = async (c: Container, ...args: readonly string[]): Promise<readonly number[]> => {
      const { stdout, stderr } = await c.spawn(...withGroups(...c.line(...args))).done
      return (JSON.parse(stdout || `{"groups":["${stderr}"]}`) as Report).groups
    }
    for (const [value, kept] of [
      [undefined, [7]],
      ['0', [7]],
      ['1', [4242, 4243]],
    ] as const) {
      const c = container(t, rt, {
        annotations: { 'run.oci.keep_original_groups': value },
        process: { args: script(['report']), user: { uid: 5, gid: 6, additionalGids: [7] } },
      })
      t.same(await groups(c, 'run', '--bundle', c.bundle, c.id), kept, `${value}`)
      c.configure({ process: { args: script(['wait']) } })
      t.equal(c.run('--detach').status, 0)
      const others = isCrun ? [] : [7] // whose --user takes the groups away
      t.same(
        await groups(c, 'exec', '--user', '5:6', c.id, ...script(['report'])),
        value === '1' ? kept : others,
      )
    }
  })

  t.test('keep_original_groups in a user namespace', { skip: lacks || requires('userns') }, async t => {
    const map = [{ containerID: 0, hostID: 100000, size: 65536 }]
    const c = container(t, rt, { annotations: { 'run.oci.keep_original_groups': '1' } })
    c.configure({
      process: { args: script(['report'], ['open', '/shared', 'r']) },
      linux: {
        namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user'].map(type => ({ type })),
        uidMappings: map,
        gidMappings: map,
      },
      mounts: [
        ...mounts,
        { destination: '/shared', type: 'bind', source: join(c.dir, 'shared'), options: ['bind'] },
      ],
    })
    await c.spawn(
      'sh',
      '-c',
      'touch rootfs/shared; echo x > ../shared; chgrp 4242 ../shared; chmod 640 ../shared',
    ).done
    const line = c.line('run', '--bundle', c.bundle, c.id)
    const { stdout, stderr } = await c.spawn(...withGroups(...line)).done
    t.equal(stderr, '')
    t.same(answersIn(stdout)[1]?.errno, null, 'a file of the group is open to it')
    t.match(answersIn((await c.spawn(...line).done).stdout)[1]?.errno, 'EACCES', 'which is not without')
  })

  /** Hooks of all kinds, each of which prints its kind, and a line as an error. */
  const talkative = (kinds: readonly string[]): JsonObject =>
    Object.fromEntries(
      kinds.map(kind => [
        kind,
        [
          {
            path: kind === 'startContainer' ? '/bin/payload' : payloadPath(),
            args: script(['echo', kind], ['err', `no ${kind}`]),
          },
        ],
      ]),
    )
  const early = ['prestart', 'createRuntime', 'createContainer']
  const all = [...early, 'startContainer', 'poststart']

  t.test('hooks.stdout and hooks.stderr', { skip: lacks }, async t => {
    const c = container(t, rt, { process: { args: script(['wait']) } })
    const files = { stdout: join(c.dir, 'hooks.out'), stderr: join(c.dir, 'hooks.err') }
    const annotations = { 'run.oci.hooks.stdout': files.stdout, 'run.oci.hooks.stderr': files.stderr }
    c.configure({ annotations, hooks: talkative([...all, 'poststop']) })
    // crun runs poststart when it has let the process go, which may be before startContainer.
    const lines = (file: string) => {
      const found = readFileSync(file, 'utf8').trimEnd().split('\n')
      return isCrun ? found.sort((a, b) => all.indexOf(a) - all.indexOf(b)) : found
    }
    t.equal(c.create().status, 0)
    t.same(lines(files.stdout), early, 'create')
    t.same(
      lines(files.stderr),
      early.map(kind => `no ${kind}`),
    )
    t.equal(c.start().status, 0)
    t.same(lines(files.stdout), all, 'appended by start')
    t.equal(c.del('--force').status, 0)
    // crun gives poststop nothing to write to.
    if (!isCrun) t.same(lines(files.stdout), [...all, 'poststop'])
    t.equal(c.output(), '', 'nothing of it is the container’s')

    c.configure({ process: { args: script(['echo', 'main']) } })
    const { status, stdout, stderr } = c.run()
    t.equal(status, 0, stderr)
    t.equal(stdout, 'main\n', 'nor of a foreground run')
    if (!isCrun) {
      t.same(
        lines(files.stderr).slice(6),
        [...all, 'poststop'].map(kind => `no ${kind}`),
        'whose hooks the monitor runs',
      )
      t.equal(statSync(files.stdout).mode & 0o777, 0o600)
    }
  })

  t.test('a file for hooks that cannot be', { skip: lacks }, async t => {
    const annotations = { 'run.oci.hooks.stderr': '/proc/nowhere/log' }
    for (const kind of all) {
      const c = container(t, rt, { annotations, hooks: talkative([kind]) })
      const { status, stderr } = c.run()
      t.not(status, 0, kind)
      t.match(stderr, /\/proc\/nowhere\/log/)
      if (!isCrun) t.same(c.leaks(), nothing)
    }
  })

  t.test('seccomp.receiver', { skip: lacks || rt.lacks('notify') }, async t => {
    const c = container(t, rt)
    const socket = join(c.dir, 'agent')
    c.configure({
      annotations: { 'run.oci.seccomp.receiver': socket },
      process: { args: script(['mkdir', '/tmp/made']) },
      linux: {
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_NOTIFY' }],
        },
      },
    })
    const agent = c.spawn(payloadPath(), 'recv-seccomp', socket, '16')
    await agent.says('listening')
    const { status, stdout, stderr } = c.run()
    t.equal(status, 0, stderr)
    t.match(answersIn(stdout), [{ verb: 'mkdir', errno: 'EBUSY' }])
    await agent.done
  })

  t.test('seccomp_fail_unknown_syscall', { skip: lacks }, async t => {
    const seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'tsrun_knows_no_such_call'], action: 'SCMP_ACT_ERRNO' }],
    }
    const c = container(t, rt, { linux: { seccomp } })
    t.equal(c.run().status, 0, 'passed over without it')
    c.configure({ annotations: { 'run.oci.seccomp_fail_unknown_syscall': '0' } })
    t.equal(c.run().status, 0, '0 is no')
    c.configure({ annotations: { 'run.oci.seccomp_fail_unknown_syscall': '1' } })
    const { status, stderr } = c.run()
    t.equal(status, 1)
    t.match(stderr, /tsrun_knows_no_such_call/)
  })

  t.test('pidfd_receiver', { skip: lacks }, async t => {
    const c = container(t, rt, { process: { args: script(['wait']) } })
    const socket = join(c.dir, 'pidfd')
    c.configure({ annotations: { 'run.oci.pidfd_receiver': socket } })
    const receiver = c.spawn(payloadPath(), 'recv-pidfd', socket)
    await receiver.says('listening')
    const { status, stderr } = c.create()
    t.equal(status, 0, stderr)
    const answer = answersIn((await receiver.done).stdout).at(-1)
    t.match(answer, { verb: 'pidfd', fds: 1, pid: c.state().pid })
  })

  t.test(
    'those without effect are told of',
    { skip: lacks || (isCrun && 'crun passes over what it does not know') },
    async t => {
      for (const name of ['run.oci.seccomp.plugins', 'run.oci.systemd.force_cgroup_v1', 'run.oci.nothing']) {
        const c = container(t, rt, { annotations: { [name]: '/x' } })
        const log = join(c.dir, 'log')
        const flags = ['--log', log, '--log-format', 'json']
        t.equal(c.call(...flags, 'run', '--bundle', c.bundle, c.id).status, 0, name)
        const told = JSON.parse(readFileSync(log, 'utf8'))
        t.match(told, { level: 'warning', pointer: `/annotations/${name}`, msg: /is ignored: / })
        const strict = c.call('--strict', 'run', '--bundle', c.bundle, c.id)
        t.match(strict, { status: 1, stderr: `/annotations/${name}: is ignored` })
        t.same(c.leaks(), nothing)
      }
      const c = container(t, rt, { annotations: { 'run.oci.handler': 'krun' } })
      t.match(c.run(), { status: 1, stderr: /\/annotations\/run.oci.handler: tsrun has no handler "krun"/ })
      const none = container(t, rt, { annotations: { 'run.oci.systemd.subgroup': '' } })
      t.match(none.call('--strict', 'run', '--bundle', none.bundle, none.id), { status: 0, stderr: '' })
      t.notOk(existsSync(join(none.stateRoot, none.id)))
    },
  )
})
