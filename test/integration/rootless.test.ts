/** Without root: as an ordinary user, and as root of the user namespace that podman makes for one. */
import { chmodSync, chownSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { JsonObject } from '../support/config.js'
import { merge } from '../support/config.js'
import { type Container, container } from '../support/container.js'
import { answersIn, type Report, script, type Verb } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'
import { ordinaryUser, type User, user } from '../support/user.js'

/** What `spec --rootless` writes, without its terminal, with another program and changes. */
const configure = async (t: Test, c: Container, u: User, patch: JsonObject, ...verbs: readonly Verb[]) => {
  t.equal((await u.call('spec', '--rootless')).status, 0)
  const path = join(u.bundle, 'config.json')
  const config = JSON.parse(readFileSync(path, 'utf8'))
  config.linux.namespaces = config.linux.namespaces.filter(({ type }: { type: string }) => type !== 'cgroup')
  config.mounts = config.mounts.filter(({ type }: { type: string }) => type !== 'cgroup')
  config.process.env.push(`TSRUN_TEST_TAG=${c.id}`)
  const own = { process: { terminal: false, args: script(...verbs) } }
  writeFileSync(path, JSON.stringify(merge(merge(config, own), patch)))
}

/** All ids that the user has: its own as root, those of /etc/subuid after it. */
const map = [
  { containerID: 0, hostID: user.id, size: 1 },
  { containerID: 1, hostID: user.first, size: user.count },
]
const mapped = { linux: { uidMappings: map, gidMappings: map } }
const another = { process: { user: { uid: 33, gid: 44 } } }
/** No cgroups: all that is told of a good run. */
const quiet = /^(tsrun: warning: default:cgroupsPath: .*\n)?$/

forms(t, requires('root', 'cc', 'userns', 'uidmap'), (t, rt) => {
  t.test('a single id: what spec --rootless writes', async t => {
    const c = container(t, rt)
    const u = ordinaryUser(c, rt)
    await configure(t, c, u, {}, ['report'], ['cat', '/proc/self/uid_map'], ['cat', '/proc/self/setgroups'])
    const { status, stdout, stderr } = await u.call('run', c.id)
    t.equal(status, 0, stderr)
    t.match(stderr, quiet)
    const [report, uidMap, setgroups] = answersIn(stdout)
    t.same((report as unknown as Report).uid, [0, 0, 0])
    t.match(uidMap?.data, /^ +0 +4321 +1\n$/)
    t.equal(setgroups?.data, 'deny\n')
    const [root, ...more] = readdirSync(u.runtimeDir)
    t.match(root, /^(tsrun|runc)$/)
    t.same(more, [])
    t.equal(statSync(join(u.runtimeDir, root as string)).mode & 0o7777, 0o1700, 'private, and not tidied up')
    t.same(readdirSync(join(u.runtimeDir, root as string)), [])
  })

  t.test('the ids of /etc/subuid, by newuidmap and newgidmap', async t => {
    const c = container(t, rt)
    const u = ordinaryUser(c, rt)
    await configure(
      t,
      c,
      u,
      merge(mapped, another),
      ['report'],
      ['cat', '/proc/self/uid_map'],
      ['cat', '/proc/self/gid_map'],
    )
    const { status, stdout, stderr } = await u.call('run', c.id)
    t.equal(status, 0, stderr)
    t.match(stderr, quiet)
    const [report, uidMap, gidMap] = answersIn(stdout)
    t.match(report, { uid: [33, 33, 33], gid: [44, 44, 44] })
    const lines = /^ +0 +4321 +1\n +1 +500000 +65536\n$/
    t.match(uidMap?.data, lines)
    t.match(gidMap?.data, lines)
  })

  t.test('root of the container may be another id than the user', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt)
    const u = ordinaryUser(c, rt)
    const one = [{ containerID: 0, hostID: user.first, size: 10 }]
    const offsets = { monotonic: { secs: 1000 } }
    await configure(t, c, u, { linux: { uidMappings: one, gidMappings: one } }, ['report'])
    // It must come through to the rootfs, which is not its own.
    for (const path of [u.home, u.bundle, u.runtimeDir]) chmodSync(path, 0o755)
    const path = join(u.bundle, 'config.json')
    const config = JSON.parse(readFileSync(path, 'utf8'))
    config.linux.namespaces.push({ type: 'time' })
    config.process.oomScoreAdj = 500
    config.process.user = { uid: 0, gid: 0, additionalGids: [5] }
    writeFileSync(path, JSON.stringify(merge(config, { linux: { timeOffsets: offsets } })))
    const { status, stdout, stderr } = await u.call('run', c.id)
    t.equal(status, 0, stderr)
    t.match(answersIn(stdout)[0], { uid: [0, 0, 0], groups: [5], oomScoreAdj: 500 })
  })

  t.test('every command', async t => {
    const c = container(t, rt)
    const u = ordinaryUser(c, rt)
    await configure(t, c, u, merge(mapped, { process: { oomScoreAdj: 300 } }), ['wait'])
    const text = `
      $T create ${c.id} </dev/null >out 2>&1 || { cat out; exit 1; }
      $T state ${c.id} | grep -q created && $T start ${c.id} && $T list -q &&
      $T exec ${c.id} /bin/payload report && $T exec --user 5:6 ${c.id} /bin/payload report &&
      $T kill ${c.id} KILL; for i in 1 2 3 4 5 6 7 8 9 10; do $T state ${c.id} | grep -q stopped && break; sleep 0.1; done
      $T delete ${c.id} && ls -A $XDG_RUNTIME_DIR/*`
    const { status, stdout, stderr } = await u.sh({}, text)
    t.equal(status, 0, stdout + stderr)
    t.match(stdout, new RegExp(`^${c.id}$`, 'm'))
    const [root, other] = answersIn(stdout)
    t.match(root, { uid: [0, 0, 0], oomScoreAdj: 300 })
    t.match(other, { uid: [5, 5, 5], gid: [6, 6, 6], oomScoreAdj: 300 })
  })

  t.test('limits that nobody lets it set', async t => {
    const c = container(t, rt)
    const u = ordinaryUser(c, rt)
    await configure(t, c, u, { linux: { resources: { pids: { limit: 20 } } } }, ['true'])
    t.match(await u.call('run', c.id), { status: 1, stderr: /pids/ })
    if (rt.lacks('tsrun')) return
    t.match(await u.call('run', c.id), {
      stderr: /\/linux\/resources\/pids\/limit: this user may not make cgroups/,
    })
    const warned = await u.call('--rootless=true', 'run', c.id)
    t.match(warned, { status: 0, stderr: /warning: \/linux\/resources\/pids\/limit: ignored/ })
    t.match(await u.call('--rootless=false', 'run', c.id), { status: 1, stderr: /EACCES/ })
    t.match(await u.call('--cgroup-manager=disabled', 'run', c.id), { status: 0 })
  })

  t.test('what is missing, and the command that mends it', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt)
    const u = ordinaryUser(c, rt)
    await configure(t, c, u, mapped, ['true'])
    const run = async (options: Parameters<User['callWith']>[0], stderr: RegExp) => {
      t.match(await u.callWith(options, 'run', c.id), { status: 1, stderr }, String(stderr))
      t.same(c.leaks().cgroups, [])
    }
    const none = 'someone:1:1'
    await run(
      { subids: none },
      /exit status 1: .*\/etc\/subuid gives tsrun-user no ids: as root type: usermod --add-subuids 100000-165535 tsrun-user/,
    )
    await run(
      { subids: `${user.name}:700000:65536` },
      /gives tsrun-user the ids 700000-765535, the config asks for 500000-565535/,
    )
    await run({ path: '/nowhere:relative' }, /newuidmap is not installed.*apt-get install uidmap/)
    await run({ setpriv: ['--no-new-privs'] }, /no_new_privs/)
    const plain =
      'mkdir -p /mnt && mount -t tmpfs none /mnt && cp /usr/bin/new?idmap /mnt && chmod 755 /mnt/*'
    await run({ prepare: plain, path: '/mnt' }, /chmod u\+s \/mnt\/newuidmap/)
    await run({ runtimeDir: null }, /XDG_RUNTIME_DIR is not set and \/run\/user\/4321 is not there/)
    await run({ runtimeDir: '/nowhere/at/all' }, /XDG_RUNTIME_DIR is \/nowhere\/at\/all: set it/)
    const path = join(u.bundle, 'config.json')
    const config = JSON.parse(readFileSync(path, 'utf8'))
    const write = (patch: JsonObject) => writeFileSync(path, JSON.stringify(merge(config, patch)))
    write({
      linux: {
        sysctl: { 'net.ipv4.ping_group_range': '0 2147483647' },
        namespaces: [...config.linux.namespaces, { type: 'network' }],
      },
    })
    await run({}, /ping_group_range.*both groups of the range must be mapped/)
    write({})
    await run(
      { prepare: 'mount -t tmpfs none /proc/scsi || mount -t tmpfs none /proc/bus' },
      /proc needs a new pid namespace and a \/proc outside that nothing covers.*bind \/proc/,
    )
    const without = {
      linux: {
        namespaces: config.linux.namespaces.filter(({ type }: { type: string }) => type !== 'user'),
        uidMappings: undefined,
        gidMappings: undefined,
      },
    }
    write(without)
    await run({}, /rootless container requires user namespaces.*spec --rootless/)
  })

  t.test("no systemd of the user's", { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt)
    const u = ordinaryUser(c, rt)
    await configure(t, c, u, { linux: { cgroupsPath: 'user.slice:tsrun:none' } }, ['true'])
    const { status, stderr } = await u.call('--systemd-cgroup', 'run', c.id)
    t.equal(status, 1)
    t.match(
      stderr,
      /cannot reach the user's systemd: connect\(".*\/bus"\): ENOENT.*loginctl enable-linger 4321; export XDG_RUNTIME_DIR=\/run\/user\/4321/,
    )
    t.same(c.leaks().cgroups, [])
  })

  t.test('user namespaces that are switched off', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt)
    const u = ordinaryUser(c, rt)
    await configure(t, c, u, {}, ['true'])
    const off = 'unshare --map-root-user sh -c "echo 0 >/proc/sys/user/max_user_namespaces; exec $T run'
    t.match(await u.sh({}, `${off} ${c.id}"`), {
      status: 1,
      stderr: /ENOSPC.*max_user_namespaces is 0: as root type: sysctl user.max_user_namespaces=15000/,
    })
  })

  t.test('root of a user namespace: no cgroups, states are below XDG_RUNTIME_DIR', async t => {
    const c = container(t, rt, { process: { args: script(['report']), rlimits: [] } })
    c.rewrite(text => {
      const config = JSON.parse(text)
      delete config.linux.resources
      delete config.linux.cgroupsPath
      return JSON.stringify(config).replace(',"gid=5"', '') // not mapped
    })
    const u = ordinaryUser(c, rt)
    for (const path of [c.bundle, c.rootfs]) chownSync(path, user.id, user.id)
    const argv = ['unshare', '--map-root-user', '--mount', ...u.argv, 'run', '--bundle', c.bundle, c.id]
    const { status, stdout, stderr } = await c.spawn(...u.line({}, ...argv)).done
    t.equal(status, 0, stderr)
    const report = answersIn(stdout)[0] as unknown as Report
    t.same(report.uid, [0, 0, 0])
    t.match(readdirSync(u.runtimeDir), [/runc|tsrun/])
  })
})
