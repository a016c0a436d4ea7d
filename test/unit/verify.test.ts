/** Each rule of the verifier is seen to refuse a plan that was good before one change. */
import t from 'tap'
import { PlanError } from '../../src/base/errors.js'
import { lower } from '../../src/lower/index.js'
import type { HostPath, Op, Plan } from '../../src/plan/op.js'
import { ruleNames, verify } from '../../src/plan/verify.js'
import type { Spec } from '../../src/spec/types.gen.js'
import { hosts } from '../golden/hosts.js'

const spec: Spec = {
  ociVersion: '1.2.0',
  root: { path: 'rootfs' },
  process: {
    cwd: '/',
    args: ['/bin/true'],
    noNewPrivileges: true,
    capabilities: { bounding: ['CAP_KILL'], permitted: ['CAP_KILL'], effective: ['CAP_KILL'] },
  },
  mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
  linux: {
    namespaces: [{ type: 'pid' }, { type: 'mount' }, { type: 'network', path: '/proc/1/ns/net' }],
    seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }] },
  },
}
const request = {
  id: 'x',
  bundle: '/b' as HostPath,
  rootfs: '/b/rootfs' as HostPath,
  stateDir: '/run/tsrun/x' as HostPath,
  cgroupManager: 'cgroupfs',
  noPivot: false,
  noNewKeyring: false,
  preservedFds: 0,
  extraEnv: [],
} as const
const good = lower(spec, hosts.v1 as (typeof hosts)[string], request, () => {}).plan

const indexOf = (name: string): number => good.ops.findIndex(op => op.op === name)

/** The plan with the first op of a name taken away, and put before or behind another one. */
function moved(name: string, where: 'before' | 'after', other: string): Plan {
  const op = good.ops[indexOf(name)] as Op
  const rest = good.ops.filter(it => it !== op)
  const names = rest.map(it => it.op)
  const at = where === 'before' ? names.indexOf(other as Op['op']) : names.lastIndexOf(other as Op['op']) + 1
  return { format: 1, ops: [...rest.slice(0, at), op, ...rest.slice(at)] }
}

const broken: Readonly<Record<string, Plan>> = {
  'namespaces-opened-before-joined': moved('open_namespace', 'after', 'setns'),
  'root-before-targets': moved('open_root', 'after', 'move_mount'),
  'mounts-before-capabilities-drop': moved('move_mount', 'after', 'drop_bounding'),
  'devices-before-root-changes': moved('mknod', 'after', 'pivot_root'),
  'bounding-before-user': moved('drop_bounding', 'after', 'setresuid'),
  'groups-before-user': moved('setgroups', 'after', 'setresuid'),
  'gid-before-uid': moved('setresgid', 'after', 'setresuid'),
  'user-before-capset': moved('capset', 'before', 'setresuid'),
  'capset-before-ambient': moved('raise_ambient', 'before', 'capset'),
  'no-new-privs-before-seccomp': moved('set_no_new_privs', 'after', 'seccomp'),
  'ready-before-wait': moved('ready', 'after', 'wait_start'),
  'no-host-path-after-root-changes': moved('open_fd_directory', 'after', 'pivot_root'),
  'actors-in-turn': moved('clone_init', 'before', 'open_path'),
  'ends-once-and-last': { format: 1, ops: good.ops.slice(0, -1) },
  'seccomp-after-set-up': moved('umask', 'after', 'seccomp'),
}

t.doesNotThrow(() => verify(good), 'the plan itself is good')
for (const rule of ruleNames) {
  const plan = broken[rule]
  t.ok(plan, `${rule} has a plan that breaks it`)
  if (plan === undefined) continue
  let message = ''
  try {
    verify(plan)
  } catch (error) {
    t.ok(error instanceof PlanError)
    message = (error as Error).message
  }
  t.match(message, `plan breaks ${rule}:`)
}
