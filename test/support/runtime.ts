/**
 * The runtime under test. TSRUN_RUNTIME says which: unset is both forms of tsrun, `npm` and `static` are one of
 * them, anything else is the command of another runtime (`runc`), which proves the tests themselves.
 * TSRUN_WITHOUT: see without.ts.
 */
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Test } from 'tap'
import { repository } from './payload.js'
import { filtered } from './without.js'

/** What only some runtimes can do; a test that needs one of these asks `rt.lacks(…)`. */
const lacking: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  runc: {
    'newer-knobs': 'runc 1.1 ignores cpu.burst, cpu.idle and memory.kernelTCP',
    'seccomp-flags': 'runc 1.1 has no flags of seccomp filters',
    nofollow: 'runc has no src-nofollow and dest-nofollow',
    'copy-up-links': 'runc copies each name of a file',
    'no-process': 'runc 1.1 wants a process at create',
    'run-oci': 'runc has no annotations run.oci.*',
    scheduler: 'runc 1.1 ignores process.scheduler and ioPriority',
    personality: 'runc 1.1 ignores linux.personality',
    time: 'runc 1.1 has no time namespaces',
    hybrid: 'runc 1.1 takes what it finds at /sys/fs/cgroup for what it began with',
    idmap: 'runc 1.1 has no id-mapped mounts',
    'net-devices': 'runc 1.1 ignores linux.netDevices',
    notify: 'runc 1.1 was built without seccomp notification by this distribution',
    'memory-policy': 'runc 1.1 ignores linux.memoryPolicy',
    'kill-all': 'runc 1.1 kills only the first process (kill --all is the other way)',
    'delete-broken': 'runc 1.1 cannot delete a container whose state it cannot read',
    'notify-barrier': 'runc 1.1 sends no BARRIER=1',
    'restored-loopback': 'runc leaves the loopback device of a restored container down',
    'careless-caller': 'runc 1.1 hands down blocked signals, and the soft limit that Go raised',
    'map-rules': 'runc 1.1 does not check the maps of user namespaces',
    'tmpfs-mode': 'runc 1.1 gives a tmpfs the mode of the directory below, whatever mode= says',
    defaults: 'runc 1.1 hands the option defaults to the file system',
    nosymfollow: 'runc 1.1 does not know nosymfollow',
    'root-propagation': 'runc 1.1 leaves the root of the container private',
    'hook-rules': 'runc 1.1 runs hooks with a relative path',
    poststart: 'runc 1.1 runs poststart at create',
    'shared-mounts': 'runc leaves the mounts of a container without a mount namespace behind',
    'exec-affinity': 'runc 1.1 ignores execCPUAffinity',
    'prestart-created': 'runc tells prestart hooks `creating`, the validation programs want `created`',
    'poststop-goes-on': 'runc 1.1 stops at the first poststop hook that fails',
    'create-race': 'runc 1.1 may fail both of two creates with one id',
    'list-root': 'runc 1.1 takes a state root that is missing for an empty one',
    'initial-size': 'runc 1.1 sets the size of a terminal after the process started',
    'tiny-memory': 'runc 1.1 itself needs several MiB in the container’s cgroup',
    'cgroup-in-use': 'runc 1.1 only warns of a cgroup that is in use',
    'config-rules': 'runc 1.1 does not check this',
    recovery: 'only tsrun promises this',
    domainname: 'runc 1.1 does not set domainname',
    'recursive-attributes': 'runc 1.1 has no recursive mount attributes',
    'pidfd-socket': 'runc 1.1 has no --pidfd-socket',
    'exec-format': 'runc 1.1 does not tell of it (detached), or ends with 1',
    'events-end': 'runc 1.1 goes on after the end of the container',
    'exec-cgroup': 'runc 1.1 has other words, and takes .. of a path away',
    config: 'runc has no --config',
    plan: 'runc has no plan',
    pointers: 'error texts with JSON pointers are of tsrun',
    'log-level': 'runc has no --log-level',
    'cgroup-manager': 'runc has no --cgroup-manager',
    tsrun: 'only tsrun promises this',
  },
  // Run for the advisories that it is known for, nothing else.
  crun: {
    plan: 'crun has no plan',
    tsrun: 'only tsrun promises this',
    'link-as-target': 'crun 1.8 refuses a mount whose target is a link to a directory',
    'volume-at-proc': 'crun 1.8 allows it, and looks when it writes',
    'path-limit': 'crun 1.8 makes paths that are longer than the kernel takes',
    'exec-cap': 'crun: --cap replaces the capabilities',
    'cgroup-tmpfs': 'crun 1.8 mounts a tmpfs that can be written at /sys/fs/cgroup',
  },
}

/** What stands before a runtime. crun 1.8 refuses hybrid cgroups: it sees pure v1, in a mount namespace of its own. */
const before: Readonly<Record<string, readonly string[]>> = {
  crun: ['unshare', '-m', 'sh', '-c', 'umount /sys/fs/cgroup/unified 2> /dev/null; exec "$0" "$@"'],
}

export interface Runtime {
  readonly name: string
  /** the command, without global options */
  readonly argv: readonly string[]
  /** the file of the runtime itself, behind what `argv` may put before it */
  readonly program: string
  /** False, or why this runtime cannot pass a test of `feature`. */
  readonly lacks: (feature: string) => false | string
}

const runtime = (name: string, program: string): Runtime => ({
  name,
  argv: [...(before[basename(name)] ?? []), program.includes('/') ? filtered(name, program) : program],
  program,
  lacks: feature => lacking[basename(name)]?.[feature] ?? false,
})

const npmForm = (): Runtime => runtime('npm', join(repository, 'bin', 'tsrun'))
const staticForm = (): Runtime => runtime('static', join(repository, 'build', 'tsrun'))

/** The runtimes that TSRUN_RUNTIME asks for. */
export const runtimes = (): readonly Runtime[] => {
  const asked = process.env.TSRUN_RUNTIME
  if (asked === undefined || asked === '') return [npmForm(), staticForm()]
  if (asked === 'npm') return [npmForm()]
  if (asked === 'static') return [staticForm()]
  return [runtime(asked, asked)]
}

const buildHint = 'is not built: make build static'

/** Runs the tests of `body` once for each runtime under test. */
export const forms = (
  t: Test,
  skip: false | string,
  body: (t: Test, rt: Runtime) => void | Promise<void>,
): void => {
  t.setTimeout(Number(process.env.TSRUN_TIMEOUT ?? 180) * 1000)
  for (const rt of runtimes()) {
    t.test(rt.name, { skip }, async t => {
      if (rt.program.includes('/') && !existsSync(rt.program)) {
        t.fail(`${rt.program} ${buildHint}`)
        return
      }
      await body(t, rt)
    })
  }
}
