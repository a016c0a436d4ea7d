import t from 'tap'
import { describeOp, phraseOf } from '../../src/plan/describe.js'
import type { HostPath, InRootPath, Op, Plan } from '../../src/plan/op.js'
import { opcodes } from '../../src/plan/opcodes.js'
import { opText, planJson, planText } from '../../src/plan/print.js'

const host = (path: string) => path as HostPath
const inRoot = (path: string) => path as InRootPath

const tmpfs: Op = {
  op: 'fsmount',
  by: 'init',
  at: '/mounts/3',
  slot: 'mount:3',
  type: 'tmpfs',
  source: 'tmpfs',
  options: ['size=64k', 'mode=755'],
  attrs: ['nosuid', 'nodev'],
}
const attach: Op = {
  op: 'move_mount',
  by: 'init',
  at: '/mounts/3',
  slot: 'mount:3',
  root: 'root',
  target: inRoot('/data'),
  create: 'directory',
  links: 'in_root',
}
const bind: Op = {
  op: 'open_tree',
  by: 'init',
  at: '/mounts/4',
  slot: 'mount:4',
  path: host('/srv/a b'),
  flags: ['clone', 'recursive'],
  nofollow: 0,
}
const attributes: Op = {
  op: 'mount_setattr',
  by: 'init',
  at: '/mounts/4',
  slot: 'mount:4',
  set: ['ro', 'nosuid'],
  clear: [],
  propagation: 'none',
  recursive: 1,
}
const exec: Op = {
  op: 'exec',
  by: 'init',
  at: '/process/args',
  args: ['/bin/sh', '-c', 'echo "hi"'],
  env: ['PATH=/bin', 'TOKEN=secret=1', 'ODD'],
}
const limit: Op = {
  op: 'prlimit',
  by: 'runtime',
  at: '/process/rlimits/0',
  resource: 'RLIMIT_CORE',
  soft: 0,
  hard: 18446744073709551615n,
}
const ambient: Op = {
  op: 'raise_ambient',
  by: 'init',
  at: '/process/capabilities/ambient',
  mask: 1024,
  tolerate: ['EINVAL'],
}
const filter: Op = {
  op: 'seccomp',
  by: 'init',
  at: '/linux/seccomp',
  flags: [],
  program: new Uint8Array([6, 0, 0, 0, 0, 0, 255, 127]),
}
const map: Op = {
  op: 'write_id_map',
  by: 'runtime',
  at: '/linux/uidMappings',
  uid: [{ containerID: 0, hostID: 1000, size: 1 }],
  gid: [],
  setgroups: 'deny',
}

t.test('one op as text', t => {
  const texts: readonly (readonly [Op, string])[] = [
    [
      tmpfs,
      'fsmount("tmpfs", source="tmpfs", options=["size=64k", "mode=755"], attrs=nosuid|nodev) = mount:3',
    ],
    [attach, 'move_mount(mount:3, root, "/data", create=directory)'],
    [{ ...attach, links: 'refuse' }, 'move_mount(mount:3, root, "/data", create=directory, links=refuse)'],
    [bind, 'open_tree("/srv/a b", flags=clone|recursive) = mount:4'],
    [attributes, 'mount_setattr(mount:4, set=ro|nosuid, recursive)'],
    [
      { ...attributes, recursive: 0, set: [], propagation: 'slave' },
      'mount_setattr(mount:4, propagation=slave)',
    ],
    [exec, 'exec(args=["/bin/sh", "-c", "echo \\"hi\\""], env=["PATH=…", "TOKEN=…", "ODD"])'],
    [limit, 'prlimit("RLIMIT_CORE", soft=0, hard=18446744073709551615)'],
    [ambient, 'raise_ambient(mask=NET_BIND_SERVICE, tolerate=EINVAL)'],
    [{ ...ambient, mask: 2 ** 41 - 1 - 2 ** 21 - 1, tolerate: [] }, 'raise_ambient(mask=~CHOWN|SYS_ADMIN)'],
    [{ ...ambient, mask: 0 }, 'raise_ambient(mask=none, tolerate=EINVAL)'],
    [{ ...ambient, mask: 2n ** 41n - 1n }, 'raise_ambient(mask=all, tolerate=EINVAL)'],
    [filter, 'seccomp(<1 instructions>)'],
    [map, 'write_id_map(uid=[{containerID=0, hostID=1000, size=1}], gid=[], setgroups="deny")'],
    [
      {
        op: 'clone_init',
        by: 'helper',
        at: '/linux/namespaces',
        namespaces: ['pid', 'mount'],
        cgroup: 'cgroup',
      },
      'clone_init(namespaces=pid|mount, cgroup)',
    ],
    [{ op: 'umask', by: 'init', at: '/process/user/umask', mask: 18 }, 'umask(mask=022)'],
    [{ op: 'setresuid', by: 'init', at: '/process/user/uid', uid: 0 }, 'setresuid(uid=0)'],
    [{ op: 'setsid', by: 'init', at: 'runtime:session' }, 'setsid()'],
  ]
  for (const [op, text] of texts) t.equal(opText(op), text)
  t.match(opText(exec, true), 'TOKEN=secret=1')
  t.end()
})

const plan: Plan = { format: 1, ops: [attach, attributes, exec, limit, filter] }

t.test('a plan as text', t => {
  const lines = planText(plan).split('\n')
  t.equal(lines.length, 6)
  t.equal(lines[1]?.slice(0, 60), 'init    mount_setattr(mount:4, set=ro|nosuid, recursive)    ')
  const columns = [lines[0]?.indexOf('/mounts/3'), lines[1]?.indexOf('/mounts/4')]
  t.equal(columns[0], columns[1], 'the causes stand below each other')
  t.notMatch(planText(plan), 'secret')
  t.notMatch(planText(plan), '\x1b')
  t.match(planText(plan, { colour: true }), '\x1b[36minit')
  t.match(planText(plan, { showEnv: true }), 'secret')
  t.end()
})

t.test('a plan as JSON', t => {
  const text = planJson(plan)
  t.match(text, '"hard": 18446744073709551615')
  t.match(text, '"program": "06000000')
  t.notMatch(text, 'secret')
  t.match(planJson(plan, { showEnv: true }), 'secret')
  const parsed = JSON.parse(text) as Plan
  t.strictSame(parsed.ops[0], attach)
  t.equal(planJson({ format: 1, ops: [] }), '{\n  "format": 1,\n  "ops": []\n}\n')
  t.end()
})

t.test('failures in words', t => {
  const find: Op = { op: 'find_executable', by: 'init', at: '/process/args/0', name: 'sh', path: '/bin' }
  const user: Op = { op: 'unshare', by: 'helper', at: '/u', namespaces: ['user'] }
  const time: Op = { ...user, at: '/t', namespaces: ['time'] }
  const ops = [tmpfs, attach, bind, attributes]
  const texts: readonly (readonly [string, string])[] = [
    [
      describeOp(tmpfs, 3, 28, '', ops),
      '/mounts/3: mount tmpfs on /data (nosuid, nodev, size=64k, mode=755): fsmount: ENOSPC, no space left on device',
    ],
    [
      describeOp(tmpfs, 1, 22, "tmpfs: Unknown parameter 'foo'\n"),
      "/mounts/3: mount tmpfs (nosuid, nodev, size=64k, mode=755): fsconfig: EINVAL, invalid argument: tmpfs: Unknown parameter 'foo'",
    ],
    [
      describeOp(tmpfs, 1, 22),
      '/mounts/3: mount tmpfs (nosuid, nodev, size=64k, mode=755): fsconfig: EINVAL, invalid argument (an option is unknown to the filesystem or has a bad value)',
    ],
    [
      describeOp(bind, 0, 2),
      '/mounts/4: bind /srv/a b: open_tree: ENOENT, no such file or directory (create the source or remove the mount)',
    ],
    [
      describeOp({ ...tmpfs, type: 'proc', options: [], attrs: [] }, 3, 1),
      '/mounts/3: mount proc: fsmount: EPERM, operation not permitted (proc needs a new pid namespace and a /proc outside that nothing covers: take the mounts on /proc of the outer container away (--security-opt systempaths=unconfined, podman: unmask=ALL), or bind /proc ({"type": "bind", "source": "/proc", "options": ["rbind"]}))',
    ],
    [describeOp(find, 0, 2), '/process/args/0: exec: "sh": executable file not found in $PATH'],
    [
      describeOp({ ...find, name: '/nope' }, 0, 2),
      '/process/args/0: exec: "/nope": stat /nope: no such file or directory',
    ],
    [describeOp({ ...find, name: '/x' }, 0, 13), '/process/args/0: exec: "/x": permission denied'],
    [
      describeOp({ ...find, name: '/etc' }, 1, 0),
      '/process/args/0: exec: "/etc": permission denied, it is a directory',
    ],
    [
      describeOp(
        {
          op: 'run_hook',
          by: 'init',
          at: '/hooks/createContainer/0',
          path: '/h',
          args: [],
          env: [],
          timeout: 5,
          before: '',
          after: '',
        },
        4,
        3,
        'no config\n',
      ),
      '/hooks/createContainer/0: run createContainer hook /h: exit status 3: no config',
    ],
    [
      describeOp(limit, 0, 1),
      '/process/rlimits/0: set RLIMIT_CORE to 0 (hard 18446744073709551615): EPERM, operation not permitted (raising a hard limit needs CAP_SYS_RESOURCE, and nothing exceeds /proc/sys/fs/nr_open)',
    ],
    [
      describeOp(time, 0, 1, '', [time]),
      '/t: make new namespaces (time): unshare: EPERM, operation not permitted (run as root, or add a user namespace to linux.namespaces)',
    ],
    [
      describeOp(time, 0, 1, '', [user, time]),
      '/t: make new namespaces (time): unshare: EPERM, operation not permitted (this system does not let ordinary users make user namespaces)',
    ],
    [phraseOf(attach, ops), 'attach tmpfs on /data'],
  ]
  for (const [got, expected] of texts) t.equal(got, expected)
  t.end()
})

t.test('every op has a phrase that does not throw', t => {
  for (const name of Object.keys(opcodes)) {
    const fields: Record<string, unknown> = {}
    for (const [field, kind] of Object.entries(opcodes[name as keyof typeof opcodes].fields)) {
      const plural = kind.startsWith('flags:') || kind === 'strs' || kind === 'u32s'
      fields[field] = kind === 'bytes' ? new Uint8Array(8) : plural ? [] : kind.startsWith('u') ? 1 : 'x'
    }
    const op = { op: name, by: 'init', at: '/x', ...fields } as unknown as Op
    t.ok(opText(op).startsWith(`${name}(`), opText(op))
    t.ok(describeOp(op, 0, 1).startsWith('/x: '), describeOp(op, 0, 1))
  }
  t.end()
})
