/**
 * What the host sees of a container's process in /proc and what the process sees of itself are the same, and what the config says: of each
 * field that is seen at all from there.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type JsonObject, merge, mounts, namespaces } from '../support/config.js'
import { type Container, container, until } from '../support/container.js'
import { mountsByPoint } from '../support/mountinfo.js'
import { answersIn, type Report, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

/** Runs a container that says all of itself and waits; the file of its process in the host's /proc, and what it said. */
const watched = (c: Container, patch: JsonObject = {}) => {
  c.configure(
    merge(patch, { process: { args: script(['report'], ['cat', '/proc/self/mountinfo'], ['wait']) } }),
  )
  const { status, stderr } = c.run('--detach')
  if (status !== 0) throw new Error(stderr)
  const { pid } = c.state()
  const path = (name: string) => `/proc/${pid}/${name}`
  const read = (name: string) => readFileSync(path(name), 'utf8')
  until(() => c.output().split('\n').length >= 3)
  const [self, info] = answersIn(c.output())
  /** A line of /proc/PID/status. */
  const status1 = (name: string) =>
    new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(read('status'))?.[1]?.trim().split(/\s+/) ?? []
  return { pid, path, read, status: status1, self: self as unknown as Report, info }
}

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('ids, groups, umask, capabilities, no_new_privs', async t => {
    const some = ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_RAW']
    const { status, self } = watched(container(t, rt), {
      process: {
        user: { uid: 1000, gid: 100, additionalGids: [5, 27], umask: 0o027 },
        capabilities: {
          bounding: some,
          permitted: ['CAP_CHOWN', 'CAP_KILL'],
          inheritable: ['CAP_KILL'],
          effective: ['CAP_KILL'],
          ambient: ['CAP_KILL'],
        },
        noNewPrivileges: true,
      },
    })
    t.same(status('Uid'), ['1000', '1000', '1000', '1000'])
    t.same(status('Gid'), ['100', '100', '100', '100'])
    t.same(status('Groups'), ['5', '27'])
    t.same(status('Umask'), ['0027'])
    t.same(status('NoNewPrivs'), ['1'])
    const mask = (...bits: readonly number[]) =>
      bits
        .reduce((sum, bit) => sum + 2 ** bit, 0)
        .toString(16)
        .padStart(16, '0')
    // Execve gives an ordinary user what is ambient, and no more.
    for (const [line, key, bits] of [
      ['CapBnd', 'bounding', [0, 5, 13]],
      ['CapInh', 'inheritable', [5]],
      ['CapPrm', 'permitted', [5]],
      ['CapEff', 'effective', [5]],
      ['CapAmb', 'ambient', [5]],
    ] as const) {
      t.same(status(line), [mask(...bits)], line)
      t.equal(self.caps[key].padStart(16, '0'), mask(...bits), `${line} from inside`)
    }
    t.match(self, {
      uid: [1000, 1000, 1000],
      gid: [100, 100, 100],
      groups: [5, 27],
      umask: 0o27,
      noNewPrivs: 1,
    })
  })

  t.test('arguments, environment, working directory, root', async t => {
    const c = container(t, rt, {
      process: { cwd: '/tmp', env: ['PATH=/bin', 'GREETING=hello there', 'HOME=/x'] },
    })
    const { read, path, self } = watched(c)
    t.same(read('environ').split('\0').slice(0, -1), ['PATH=/bin', 'GREETING=hello there', 'HOME=/x'])
    t.same(self.env, ['PATH=/bin', 'GREETING=hello there', 'HOME=/x'])
    t.same(read('cmdline').split('\0').slice(0, 2), ['/bin/payload', 'report'])
    t.equal(self.cwd, '/tmp')
    t.equal(readlinkSync(path('cwd')).endsWith('/tmp'), true)
    t.equal(statSync(path('root/tmp')).ino, statSync(join(c.rootfs, 'tmp')).ino, 'its root is the rootfs')
    t.ok(readdirSync(path('root/bin')).includes('payload'))
  })

  t.test('limits and the score', async t => {
    const rlimits = [
      { type: 'RLIMIT_NOFILE', soft: 123, hard: 456 },
      { type: 'RLIMIT_CORE', soft: 0, hard: 4096 },
      { type: 'RLIMIT_CPU', soft: 1000, hard: 2000 },
    ]
    const { read, self } = watched(container(t, rt), { process: { rlimits, oomScoreAdj: 321 } })
    const limit = (name: string) =>
      new RegExp(`^${name} +(\\S+) +(\\S+)`, 'm').exec(read('limits'))?.slice(1, 3)
    t.same(limit('Max open files'), ['123', '456'])
    t.same(limit('Max core file size'), ['0', '4096'])
    t.same(limit('Max cpu time'), ['1000', '2000'])
    t.same(
      [self.rlimits.NOFILE, self.rlimits.CORE, self.rlimits.CPU],
      [
        ['123', '456'],
        ['0', '4096'],
        ['1000', '2000'],
      ],
    )
    t.equal(read('oom_score_adj'), '321\n')
    t.equal(self.oomScoreAdj, 321)
  })

  t.test('namespaces, names and maps', { skip: requires('userns') }, async t => {
    const map = [
      { containerID: 0, hostID: 100000, size: 1000 },
      { containerID: 5000, hostID: 200000, size: 10 },
    ]
    const types = ['pid', 'network', 'ipc', 'uts', 'mount', 'user', 'cgroup']
    const { path, read, status, self, pid } = watched(container(t, rt), {
      hostname: 'boxed',
      linux: { namespaces: types.map(type => ({ type })), uidMappings: map, gidMappings: map },
    })
    for (const name of ['pid', 'net', 'ipc', 'uts', 'mnt', 'user', 'cgroup']) {
      const link = readlinkSync(path(`ns/${name}`))
      t.not(link, readlinkSync(`/proc/self/ns/${name}`), name)
      t.equal(self.ns[name], link, `${name} from inside`)
    }
    const rows = (text: string) =>
      text
        .trim()
        .split('\n')
        .map(line => line.trim().split(/\s+/).map(Number))
    for (const name of ['uid_map', 'gid_map'])
      t.same(rows(read(name)), [
        [0, 100000, 1000],
        [5000, 200000, 10],
      ])
    t.same(status('Uid').slice(0, 1), ['100000'])
    t.same(status('NSpid'), [String(pid), '1'])
    t.equal(self.hostname, 'boxed')
  })

  t.test('mounts, masks and read-only paths', async t => {
    const c = container(t, rt, { root: { path: 'rootfs', readonly: true } })
    const { read, info } = watched(c, {
      mounts: [
        ...mounts,
        {
          destination: '/mnt',
          type: 'tmpfs',
          source: 'mine',
          options: ['nosuid', 'nodev', 'size=4096k', 'mode=711'],
        },
        { destination: '/run', type: 'bind', source: c.dir, options: ['bind', 'ro', 'noexec'] },
      ],
      linux: {
        rootfsPropagation: 'rslave',
        maskedPaths: ['/proc/keys', '/proc/acpi'],
        readonlyPaths: ['/proc/sys'],
      },
    })
    const outside = mountsByPoint({ ...info, data: read('mountinfo') } as never)
    const inside = mountsByPoint(info)
    t.same([...outside.keys()], [...inside.keys()], 'the same mounts')
    for (const seen of [outside, inside]) {
      t.ok(seen.get('/')?.options.includes('ro'))
      t.match(seen.get('/mnt'), { type: 'tmpfs', options: ['rw', 'nosuid', 'nodev', 'relatime'] })
      t.ok(['ro', 'noexec'].every(flag => seen.get('/run')?.options.includes(flag)))
      t.ok(seen.has('/proc/keys'))
      t.ok(seen.get('/proc/sys')?.options.includes('ro'))
    }
  })

  t.test('the filter', { skip: rt.lacks('seccomp-flags') }, async t => {
    const seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      flags: [],
      syscalls: [{ names: ['reboot'], action: 'SCMP_ACT_ERRNO' }],
    }
    const mitigated = (status: (name: string) => string[]) => status('Speculation_Store_Bypass').join(' ')
    const strict = watched(container(t, rt), { linux: { seccomp } })
    t.same(strict.status('Seccomp'), ['2'])
    t.equal(strict.self.seccomp, 2)
    const flags = ['SECCOMP_FILTER_FLAG_SPEC_ALLOW', 'SECCOMP_FILTER_FLAG_LOG']
    const loose = watched(container(t, rt), { linux: { seccomp: { ...seccomp, flags } } })
    t.same(loose.status('Seccomp'), ['2'])
    // Where the processor is not vulnerable both say so.
    const safe = /not vulnerable|vulnerable$|globally mitigated/
    if (!safe.test(mitigated(loose.status))) {
      t.match(mitigated(strict.status), /thread (force )?mitigated/)
      t.match(mitigated(loose.status), /thread vulnerable/)
    }
  })

  t.test('joined namespaces are those of the path', async t => {
    const one = container(t, rt)
    const first = watched(one)
    const path = first.path('ns/net')
    const joined = namespaces.map(each => (each.type === 'network' ? { type: 'network', path } : each))
    const second = watched(container(t, rt), { linux: { namespaces: joined } })
    t.equal(readlinkSync(second.path('ns/net')), readlinkSync(path))
    t.equal(second.self.ns.net, first.self.ns.net)
    t.not(second.self.ns.pid, first.self.ns.pid)
  })
})
