/**
 * Where each property of config.json is seen to have its effect: in a real container, from inside, from outside, or both. Of a row: the
 * properties, a golden plan that has them (a config of fields.ts), and tests as `FILE: NAME` below test/, where … stands for the
 * rest of a name that is made of values. `unseen` says why no machine
 * that the tests know can show it, and what is tested instead. effects.test.ts holds it against the schema and the tests.
 */
export interface Effect {
  readonly of: readonly string[]
  readonly golden?: string
  readonly seen?: readonly string[]
  readonly unseen?: string
}

const below = (at: string, ...names: readonly string[]): readonly string[] =>
  names.map(name => `${at}/${name}`)

const process = (...names: readonly string[]) => below('/process', ...names)
const linux = (...names: readonly string[]) => below('/linux', ...names)
const memory = (...names: readonly string[]) => below('/linux/resources/memory', ...names)
const cpu = (...names: readonly string[]) => below('/linux/resources/cpu', ...names)
const blockIO = (...names: readonly string[]) => below('/linux/resources/blockIO', ...names)
const device = (list: string, ...names: readonly string[]) => blockIO(...below(`${list}/*`, ...names))

export const effects: readonly Effect[] = [
  {
    of: ['/ociVersion'],
    seen: ['conformance/required.test.ts: CF-001', 'conformance/required.test.ts: CF-002'],
  },
  {
    of: ['/root/path'],
    golden: 'base',
    seen: ['integration/rootfs.test.ts: an absolute path, and one with links'],
  },
  {
    of: ['/root/readonly'],
    golden: 'root-readonly',
    seen: [
      'integration/rootfs.test.ts: a writable and a read-only root',
      'integration/outside.test.ts: mounts, masks and read-only paths',
    ],
  },
  {
    of: process('terminal', 'consoleSize/height', 'consoleSize/width'),
    golden: 'terminal',
    seen: [
      'integration/terminal.test.ts: the console socket gets the master of the container’s terminal',
      'integration/terminal.test.ts: the size is there from the first moment',
    ],
  },
  {
    of: process('user/uid', 'user/gid', 'user/umask', 'user/additionalGids'),
    golden: 'user',
    seen: [
      'integration/process.test.ts: user, groups and umask',
      'integration/outside.test.ts: ids, groups, umask, capabilities, no_new_privs',
    ],
  },
  {
    of: process('args'),
    golden: 'base',
    seen: [
      'integration/process.test.ts: args arrive as they are',
      'integration/outside.test.ts: arguments, environment, working directory, root',
    ],
  },
  {
    of: process('env'),
    golden: 'environment',
    seen: [
      'integration/process.test.ts: env: order kept, the last of a name wins, HOME only when it is missing',
      'integration/outside.test.ts: arguments, environment, working directory, root',
    ],
  },
  {
    of: process('cwd'),
    golden: 'base',
    seen: [
      'integration/process.test.ts: cwd: entered, made when missing, not left',
      'integration/outside.test.ts: arguments, environment, working directory, root',
    ],
  },
  {
    of: process(...below('capabilities', 'bounding', 'effective', 'inheritable', 'permitted', 'ambient')),
    golden: 'capabilities',
    seen: [
      'integration/process.test.ts: the five sets of capabilities',
      'integration/outside.test.ts: ids, groups, umask, capabilities, no_new_privs',
    ],
  },
  {
    of: process(...below('rlimits/*', 'type', 'soft', 'hard')),
    golden: 'rlimits',
    seen: ['integration/process.test.ts: rlimits', 'integration/outside.test.ts: limits and the score'],
  },
  {
    of: process('noNewPrivileges'),
    golden: 'seccomp-notify',
    seen: [
      'integration/process.test.ts: noNewPrivileges and oomScoreAdj',
      'integration/outside.test.ts: ids, groups, umask, capabilities, no_new_privs',
    ],
  },
  {
    of: process('oomScoreAdj'),
    golden: 'oom-score',
    seen: [
      'integration/process.test.ts: noNewPrivileges and oomScoreAdj',
      'integration/outside.test.ts: limits and the score',
    ],
  },
  {
    of: process('apparmorProfile'),
    golden: 'labels',
    seen: ['integration/labels.test.ts: the profile of process.apparmorProfile'],
  },
  {
    of: process('selinuxLabel'),
    golden: 'labels',
    seen: ['integration/labels.test.ts: the label of process.selinuxLabel'],
  },
  {
    of: process('scheduler/policy', 'scheduler/nice'),
    golden: 'scheduler',
    seen: ['integration/scheduling.test.ts: scheduler …'],
  },
  {
    of: process('scheduler/priority'),
    golden: 'scheduler-fifo',
    seen: ['integration/scheduling.test.ts: scheduler …'],
  },
  {
    of: process('scheduler/flags'),
    golden: 'scheduler',
    seen: [
      'integration/scheduling.test.ts: scheduler …',
      'integration/scheduling.test.ts: scheduler SCHED_FLAG_KEEP_PARAMS',
    ],
  },
  {
    of: process('scheduler/runtime', 'scheduler/deadline', 'scheduler/period'),
    golden: 'scheduler-deadline',
    seen: ['integration/scheduling.test.ts: scheduler SCHED_DEADLINE'],
  },
  {
    of: process('ioPriority/class', 'ioPriority/priority'),
    golden: 'io-priority',
    seen: ['integration/scheduling.test.ts: ioPriority …'],
  },
  {
    of: process('execCPUAffinity/initial', 'execCPUAffinity/final'),
    seen: ['integration/scheduling.test.ts: execCPUAffinity'],
  },
  {
    of: ['/hostname'],
    golden: 'names',
    seen: [
      'integration/namespaces.test.ts: hostname',
      'integration/outside.test.ts: namespaces, names and maps',
    ],
  },
  { of: ['/domainname'], golden: 'names', seen: ['integration/namespaces.test.ts: domainname'] },
  {
    of: below('/mounts/*', 'destination', 'type', 'source', 'options'),
    golden: 'mount-label',
    seen: [
      'integration/mounts.test.ts: the ordinary file systems',
      'integration/mounts.test.ts: binds of directories and files, made where the target is missing',
      'integration/mountoptions.test.ts: flags …',
      'integration/outside.test.ts: mounts, masks and read-only paths',
    ],
  },
  {
    of: ['uidMappings', 'gidMappings'].flatMap(list =>
      below(`/mounts/*/${list}/*`, 'containerID', 'hostID', 'size'),
    ),
    golden: 'idmap',
    seen: [
      'integration/idmap.test.ts: maps of the mount, without a user namespace',
      'integration/idmap.test.ts: what a mapped user writes belongs to the unmapped one on the disk',
      'integration/idmap.test.ts: a tmpfs',
    ],
  },
  {
    of: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].flatMap(
      kind => below(`/hooks/${kind}/*`, 'path', 'args', 'env'),
    ),
    golden: 'hooks',
    seen: ['integration/hooks.test.ts: order, place and input of all kinds'],
  },
  {
    of: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].map(
      kind => `/hooks/${kind}/*/timeout`,
    ),
    golden: 'hooks',
    seen: ['integration/hooks.test.ts: a timeout ends the hook and all that it started'],
  },
  {
    of: ['/annotations'],
    golden: 'oci-run',
    seen: [
      'integration/hooks.test.ts: order, place and input of all kinds',
      'integration/state.test.ts: state prints the documented fields',
      'integration/annotations.test.ts: hooks.stdout and hooks.stderr',
    ],
  },
  {
    of: linux(...below('namespaces/*', 'type', 'path')),
    golden: 'namespaces-joined',
    seen: [
      'integration/namespaces.test.ts: each is new when it is listed, and the host’s when it is not',
      'integration/outside.test.ts: namespaces, names and maps',
      'integration/outside.test.ts: joined namespaces are those of the path',
    ],
  },
  {
    of: ['uidMappings', 'gidMappings'].flatMap(list =>
      below(`/linux/${list}/*`, 'containerID', 'hostID', 'size'),
    ),
    golden: 'user-namespace',
    seen: [
      'integration/userns.test.ts: maps of several lines',
      'integration/outside.test.ts: namespaces, names and maps',
    ],
  },
  {
    of: ['monotonic', 'boottime'].flatMap(clock => below(`/linux/timeOffsets/${clock}`, 'secs', 'nanosecs')),
    golden: 'time-offsets',
    seen: ['integration/limits.test.ts: timeOffsets'],
  },
  {
    of: linux(...below('devices/*', 'type', 'path', 'major', 'minor', 'fileMode', 'uid', 'gid')),
    golden: 'devices',
    seen: ['integration/rootfs.test.ts: listed devices'],
  },
  {
    of: ['/linux/netDevices/*/name'],
    golden: 'net-devices',
    seen: [
      'integration/netdevices.test.ts: a device with a new name',
      'integration/netdevices.test.ts: seen from inside, before the program runs',
    ],
  },
  {
    of: linux('cgroupsPath'),
    golden: 'cgroups-path',
    seen: [
      'integration/cgroups.test.ts: one directory in each hierarchy, with the process in it',
      'integration/cgroups.test.ts: a path of several directories',
    ],
  },
  {
    of: linux('resources/unified'),
    golden: 'unified',
    seen: [
      'integration/limits.test.ts: huge pages and unified on cgroup v2',
      'integration/cgroups2.test.ts: unified',
    ],
  },
  {
    of: linux(...below('resources/devices/*', 'allow', 'type', 'major', 'minor', 'access')),
    golden: 'device-rules',
    seen: [
      'integration/rootfs.test.ts: the device cgroup lets only known devices be used',
      'integration/systemd.test.ts: device rules hold through a daemon-reload',
    ],
  },
  {
    of: memory('limit', 'reservation'),
    golden: 'memory',
    seen: [
      'integration/cgroups.test.ts: limits, as the host’s files have them',
      'integration/cgroups.test.ts: the limits hold',
      'integration/cgroups2.test.ts: limits, as the host’s files have them',
    ],
  },
  {
    of: memory('swap'),
    golden: 'memory',
    seen: [
      'integration/cgroups.test.ts: swap, and the burst and the idleness of a CPU',
      'integration/cgroups2.test.ts: limits, as the host’s files have them',
    ],
  },
  {
    of: memory('swappiness', 'disableOOMKiller'),
    golden: 'memory-v1',
    seen: ['integration/cgroups.test.ts: limits, as the host’s files have them'],
  },
  {
    of: memory('kernelTCP'),
    golden: 'memory-v1',
    seen: ['integration/cgroups.test.ts: a limit of TCP memory'],
  },
  {
    of: memory('kernel', 'useHierarchy'),
    golden: 'memory-v1',
    unseen: 'no kernel of 5.16 or newer has an effect; the warning is: integration/strict.test.ts',
  },
  {
    of: memory('checkBeforeUpdate'),
    seen: ['integration/update.test.ts: all or nothing', 'conformance/cgroups.test.ts: LX-034'],
  },
  {
    of: cpu('shares', 'quota', 'period', 'cpus', 'mems'),
    golden: 'cpu',
    seen: [
      'integration/cgroups.test.ts: limits, as the host’s files have them',
      'integration/cgroups.test.ts: the limits hold',
      'integration/cgroups2.test.ts: limits, as the host’s files have them',
    ],
  },
  {
    of: cpu('burst'),
    golden: 'cpu',
    seen: ['integration/cgroups.test.ts: swap, and the burst and the idleness of a CPU'],
  },
  {
    of: cpu('idle'),
    golden: 'cpu-idle',
    seen: [
      'integration/cgroups.test.ts: swap, and the burst and the idleness of a CPU',
      'integration/cgroups2.test.ts: idle',
    ],
  },
  {
    of: cpu('realtimeRuntime', 'realtimePeriod'),
    golden: 'realtime',
    seen: ['integration/scheduling.test.ts: scheduler …'],
  },
  {
    of: linux('resources/pids/limit'),
    golden: 'pids',
    seen: [
      'integration/cgroups.test.ts: limits, as the host’s files have them',
      'integration/cgroups.test.ts: the limits hold',
    ],
  },
  {
    of: blockIO('weight'),
    golden: 'block-io',
    seen: [
      'integration/limits.test.ts: blockIO on cgroup v1',
      'integration/limits.test.ts: blockIO on cgroup v2',
    ],
  },
  {
    of: device('weightDevice', 'major', 'minor', 'weight'),
    golden: 'block-io',
    seen: [
      'integration/limits.test.ts: weightDevice on cgroup v1',
      'integration/limits.test.ts: blockIO on cgroup v2',
    ],
  },
  {
    of: [...blockIO('leafWeight'), ...device('weightDevice', 'leafWeight')],
    golden: 'block-io-leaf',
    unseen:
      'blkio.leaf_weight went with CFQ in Linux 5.0; that it is told is: integration/limits.test.ts: leafWeight, which no kernel has',
  },
  {
    of: [
      ...device('throttleReadBpsDevice', 'major', 'minor', 'rate'),
      ...device('throttleWriteIOPSDevice', 'major', 'minor', 'rate'),
    ],
    golden: 'block-io',
    seen: [
      'integration/limits.test.ts: blockIO on cgroup v1',
      'integration/limits.test.ts: blockIO on cgroup v2',
    ],
  },
  {
    of: [
      ...device('throttleWriteBpsDevice', 'major', 'minor', 'rate'),
      ...device('throttleReadIOPSDevice', 'major', 'minor', 'rate'),
    ],
    golden: 'block-io-more',
    seen: [
      'integration/limits.test.ts: blockIO on cgroup v1',
      'integration/limits.test.ts: blockIO on cgroup v2',
    ],
  },
  {
    of: linux(...below('resources/hugepageLimits/*', 'pageSize', 'limit')),
    golden: 'hugepages',
    seen: ['integration/limits.test.ts: huge pages and unified on cgroup v2'],
  },
  {
    of: linux(...below('resources/network', 'classID', 'priorities/*/name', 'priorities/*/priority')),
    golden: 'network',
    seen: ['integration/limits.test.ts: network class and priorities'],
  },
  {
    of: linux(...below('resources/rdma/*', 'hcaHandles', 'hcaObjects')),
    golden: 'rdma',
    unseen:
      'needs a device of RDMA: where there is one integration/limits.test.ts: rdma; without one the error is ' +
      'integration/limits.test.ts: rdma without the controller',
  },
  {
    of: linux('rootfsPropagation'),
    golden: 'propagation',
    seen: ['integration/rootfs.test.ts: rootfsPropagation'],
  },
  {
    of: linux('seccomp/defaultAction', 'seccomp/defaultErrnoRet'),
    golden: 'seccomp-arguments',
    seen: [
      'integration/seccomp.test.ts: a default action with its own errno, and the names that are allowed',
    ],
  },
  {
    of: linux('seccomp/architectures'),
    golden: 'seccomp-arguments',
    seen: ['integration/seccomp.test.ts: another architecture, with and without a rule'],
  },
  { of: linux('seccomp/flags'), golden: 'seccomp-notify', seen: ['integration/outside.test.ts: the filter'] },
  {
    of: linux('seccomp/listenerPath', 'seccomp/listenerMetadata'),
    golden: 'seccomp-notify',
    seen: [
      'integration/seccomp.test.ts: NOTIFY: a listener decides, …',
      'integration/seccomp.test.ts: NOTIFY: an exec has a listener of its own',
    ],
  },
  {
    of: linux(...below('seccomp/syscalls/*', 'names', 'action', 'errnoRet')),
    golden: 'seccomp-arguments',
    seen: [
      'integration/seccomp.test.ts: ERRNO, with and without a number',
      'integration/seccomp.test.ts: KILL, KILL_PROCESS, KILL_THREAD, TRAP and LOG',
      'integration/outside.test.ts: the filter',
    ],
  },
  {
    of: linux(...below('seccomp/syscalls/*/args/*', 'index', 'value', 'valueTwo', 'op')),
    golden: 'seccomp-arguments',
    seen: [
      'integration/seccomp.test.ts: every operator on arguments',
      'integration/seccomp.test.ts: values of 64 bits are exact',
    ],
  },
  { of: linux('sysctl'), golden: 'sysctl', seen: ['integration/namespaces.test.ts: sysctl'] },
  {
    of: linux('maskedPaths'),
    golden: 'paths',
    seen: [
      'integration/rootfs.test.ts: masked paths: files are empty, directories too, missing ones are passed over',
      'integration/outside.test.ts: mounts, masks and read-only paths',
    ],
  },
  {
    of: linux('readonlyPaths'),
    golden: 'paths',
    seen: [
      'integration/rootfs.test.ts: read-only paths',
      'integration/outside.test.ts: mounts, masks and read-only paths',
    ],
  },
  {
    of: linux('mountLabel'),
    golden: 'mount-label',
    seen: ['integration/labels.test.ts: the label of linux.mountLabel'],
  },
  {
    of: linux(...below('intelRdt', 'closID', 'schemata', 'l3CacheSchema', 'memBwSchema', 'enableMonitoring')),
    golden: 'intel-rdt',
    unseen:
      'needs a processor with RDT; unit/resctrl.test.ts does it in a tree like the kernel’s, and without one the error is: ' +
      'integration/limits.test.ts: intelRdt without resctrl',
  },
  {
    of: linux('intelRdt/enableCMT', 'intelRdt/enableMBM'),
    golden: 'intel-rdt-older',
    unseen: 'gone from specification 1.3, where enableMonitoring took their place: a warning',
  },
  {
    of: linux(...below('memoryPolicy', 'mode', 'nodes', 'flags')),
    golden: 'memory-policy',
    seen: ['integration/scheduling.test.ts: memoryPolicy …'],
  },
  {
    of: linux('personality/domain'),
    golden: 'personality',
    seen: ['integration/scheduling.test.ts: personality LINUX32'],
  },
  {
    of: linux('personality/flags'),
    golden: 'personality',
    unseen: 'the specification has no flag yet: a warning, integration/strict.test.ts',
  },
]

/** Other platforms' and deprecated blocks: read and passed over (config.md), as conformance/schema.test.ts shows. */
export const foreign: readonly string[] = [
  '/solaris',
  '/windows',
  '/vm',
  '/zos',
  '/freebsd',
  '/process/commandLine',
  '/process/user/username',
]
