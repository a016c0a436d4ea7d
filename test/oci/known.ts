/**
 * Programs that no runtime can pass, or none on some machines: what they ask for, and why the answer is right. Each reason was
 * traced: by the program's source, by what the kernel answers, and by what runc 1.1 and crun 1.8 do.
 */
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

const CAP_SYS_RESOURCE = 24n
const effective = (): bigint =>
  BigInt(`0x${/CapEff:\s*(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`)
const onV1 = (controller: string): boolean => existsSync(`/sys/fs/cgroup/${controller}/cgroup.procs`)
const release = (/^(\d+)\.(\d+)/.exec(readFileSync('/proc/sys/kernel/osrelease', 'utf8')) ?? []).map(Number)
const older = (major: number, minor: number): boolean =>
  (release[1] ?? 0) < major || (release[1] === major && (release[2] ?? 0) < minor)

/** What programs print where they cannot create the container, if anything. */
const gaveUp = ['exit status 1']

export interface Known {
  readonly why: string
  /** Beginnings of the points that fail, all of them; absent where the program gives up before its first. */
  readonly points?: readonly string[]
  /** What this machine would need for a pass; absent: no machine has it. */
  readonly unless?: () => boolean
}

const leafWeight: Known = {
  why:
    'sets blockIO.leafWeight: blkio.leaf_weight went with the CFQ scheduler in Linux 5.0. runc fails on that file, crun on blkio.weight, ' +
    'which went with it, tsrun names the field; weights and throttles are seen in tests of ours',
  points: gaveUp,
}

const noV1 = (controller: string, more = ''): Known => ({
  why: `asks for limits below /sys/fs/cgroup/${controller}, and that controller is not mounted here as cgroup v1${more}`,
  points: gaveUp,
  unless: () => onV1(controller),
})

const kernelMemory: Known = {
  why:
    'reads memory.kmem.limit_in_bytes, a limit of kernel memory, which Linux gave up in 5.16: a write is taken and has no effect, ' +
    'whoever writes; tsrun warns',
  points: ['memory kernel is set correctly'],
  unless: () => onV1('memory') && older(5, 16),
}

export const known: Readonly<Record<string, Known>> = {
  delete: {
    why:
      'deletes a container that is `created` and wants an error: runc, crun and tsrun kill and delete it, because every engine ' +
      'cleans up a failed start that way; a running one is refused',
    points: [
      'attempting to `delete` a container that is not `stopped` MUST generate an error',
      'attempting to `delete` a container that is not `stopped` MUST have no effect on the container',
    ],
  },
  hooks: {
    why:
      'compares the hooks’ output with lines that its own hooks do not print (`post-start1` for `post-start1 called`), and would ' +
      'crash on a nil error if they were equal; that the order is right shows in hooks_stdin and in tests of ours',
    points: ['Hooks MUST be called in the listed order'],
  },
  linux_cgroups_blkio: leafWeight,
  linux_cgroups_relative_blkio: leafWeight,
  linux_cgroups_cpus: {
    why: 'writes `0-0` on a machine with one processor, and wants to read that; the kernel says `0`',
    points: ['cpu cpus is set correctly'],
    unless: () => availableParallelism() > 1,
  },
  linux_cgroups_hugetlb: noV1('hugetlb'),
  linux_cgroups_memory: kernelMemory,
  linux_cgroups_network: noV1('net_cls'),
  linux_cgroups_relative_memory: kernelMemory,
  linux_cgroups_relative_hugetlb: noV1('hugetlb'),
  linux_cgroups_relative_network: noV1('net_cls'),
  linux_process_apparmor_profile: {
    why:
      'enters an AppArmor profile of its own making, and AppArmor is off here: runc, crun and tsrun refuse to start a program ' +
      'without the profile that it was to have',
    unless: () => existsSync('/sys/kernel/security/apparmor/profiles'),
  },
  poststart_fail: {
    why:
      'wants the container to go on after a poststart hook failed, the rule until specification 1.2; since 1.3 (runtime.md, ' +
      'lifecycle 9) the runtime generates an error and stops it, as runc and tsrun do',
    points: ['if any poststart hook fails, the runtime MUST log a warning'],
  },
  prestart: {
    why:
      'wants prestart hooks to run at `start`, the rule until specification 1.0.1; since then they are called at `create` ' +
      '(runtime.md, lifecycle 3), as by runc and crun',
    points: ['Pre-start hooks MUST be called after the `start` operation is called'],
  },
  process_capabilities: {
    why:
      'asks for all capabilities, and root has no CAP_SYS_RESOURCE here: nobody can give what he has not (capabilities(7)). runc and ' +
      'crun give up, tsrun warns and gives the others (config.md: SHOULD NOT fail)',
    points: ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'].map(
      set => `expected ${set} capability CAP_SYS_RESOURCE set`,
    ),
    unless: () => ((effective() >> CAP_SYS_RESOURCE) & 1n) === 1n,
  },
  process_capabilities_fail: {
    why:
      'wants an error for CAP_TEST, a capability that there is not; config.md (Linux process) says that runtimes SHOULD NOT fail ' +
      'then: runc, crun and tsrun warn or ignore it',
    points: ['Any value which cannot be mapped to a relevant kernel interface MUST cause an error'],
  },
  process_rlimits: {
    why:
      'compares the soft RLIMIT_NOFILE in its own process, where the run time of Go 1.19 and later has raised it to the hard one ' +
      'before main; a program that is not Go sees what was asked for (process.test.ts)',
    points: ['has expected soft RLIMIT_NOFILE'],
  },
  start: {
    why:
      'takes away `process` and wants `start` to succeed, under the heading that it MUST generate an error: the comparison is the ' +
      'wrong way round. tsrun creates such a container and refuses to start it (runtime.md, Start), runc and crun refuse it at create',
    points: [
      '`start` operation MUST generate an error if `process` was not set',
      'timeout in waiting for the container status',
      ...gaveUp,
    ],
  },
}
