import { errnoName } from '../base/errno.js'

const WHOLE_DISK = 'no such device, or a partition: give the major and minor number of the whole disk'

/** What an errno means for a file: the first row whose file and errno fit (`''`: any file). */
const hints: readonly (readonly [file: string, errno: string, hint: string])[] = [
  ['memory.limit_in_bytes', 'EBUSY', 'the cgroup uses more than that already: raise the limit'],
  ['memory.limit_in_bytes', 'EINVAL', 'memory.limit must not be above memory.swap, which counts both'],
  [
    'memory.memsw.limit_in_bytes',
    'EINVAL',
    'memory.swap counts memory and swap: it must not be below memory.limit',
  ],
  [
    'memory.memsw.limit_in_bytes',
    'ENOENT',
    'the kernel does not account swap: boot with swapaccount=1, or leave memory.swap out',
  ],
  [
    'memory.swap.max',
    'ENOENT',
    'the kernel does not account swap: boot with swapaccount=1, or leave memory.swap out',
  ],
  [
    'cpu.cfs_quota_us',
    'EINVAL',
    'at least 1000, and its share of the period not above that of the parent cgroup',
  ],
  [
    'cpu.cfs_period_us',
    'EINVAL',
    'from 1000 to 1000000, and the quota not above the share of the parent cgroup',
  ],
  ['cpu.cfs_burst_us', 'EINVAL', 'the burst must not be above the quota'],
  ['cpu.max.burst', 'EINVAL', 'the burst must not be above the quota'],
  ['cpu.max', 'EINVAL', 'the quota is at least 1000, the period from 1000 to 1000000'],
  [
    'cpu.rt_runtime_us',
    'EINVAL',
    'the parent cgroups have no real-time budget of that size: set theirs first',
  ],
  ['cpuset.cpus', 'EINVAL', 'CPUs that this machine or the parent cgroup does not have'],
  ['cpuset.cpus', 'ERANGE', 'numbers of CPUs that no machine has'],
  ['cpuset.mems', 'ERANGE', 'numbers of memory nodes that no machine has'],
  ['cpuset.cpus', 'EACCES', 'CPUs that the parent cgroup does not have'],
  ['cpuset.mems', 'EINVAL', 'memory nodes that this machine or the parent cgroup does not have'],
  ['cpuset.mems', 'EACCES', 'memory nodes that the parent cgroup does not have'],
  ['devices.allow', 'EPERM', 'the parent cgroup does not have these devices either'],
  ['blkio.throttle.read_bps_device', 'ENODEV', WHOLE_DISK],
  ['blkio.throttle.write_bps_device', 'ENODEV', WHOLE_DISK],
  ['blkio.throttle.read_iops_device', 'ENODEV', WHOLE_DISK],
  ['blkio.throttle.write_iops_device', 'ENODEV', WHOLE_DISK],
  ['blkio.weight_device', 'ENODEV', WHOLE_DISK],
  ['io.max', 'ENODEV', WHOLE_DISK],
  ['io.bfq.weight', 'ENODEV', WHOLE_DISK],
  ['blkio.leaf_weight', 'ENOENT', 'weights against child cgroups went with Linux 5.0: leave them out'],
  ['blkio.leaf_weight_device', 'ENOENT', 'weights against child cgroups went with Linux 5.0: leave them out'],
  ['blkio.weight', 'ENOENT', 'no I/O scheduler with weights is there: load bfq'],
  ['blkio.weight_device', 'ENOENT', 'no I/O scheduler with weights is there: load bfq'],
  ['io.bfq.weight', 'ENOENT', 'no I/O scheduler with weights is there: load bfq'],
  ['net_prio.ifpriomap', 'ENODEV', 'no such network interface in the network namespace of the runtime'],
  ['rdma.max', 'ENODEV', 'no such RDMA device'],
  ['cgroup.procs', 'ENOSPC', 'the cpuset has no CPUs or no memory nodes'],
  [
    'cgroup.procs',
    'EBUSY',
    'the cgroup hands controllers to children, so it may hold no process: give another cgroupsPath',
  ],
  [
    'cgroup.procs',
    'EOPNOTSUPP',
    'the cgroup is threaded or below one with processes: give another cgroupsPath',
  ],
  ['cgroup.procs', 'EINVAL', 'a real-time process needs cpu.rt_runtime_us in the new cgroup'],
  ['cgroup.subtree_control', 'EBUSY', 'processes are in that cgroup: on cgroup v2 only leaves may hold any'],
  ['', 'ENOENT', 'the kernel or this cgroup does not have the file: is the controller there?'],
  ['', 'EACCES', 'no permission: run as root, or have the cgroup delegated'],
  ['', 'EPERM', 'no permission: run as root, or have the cgroup delegated'],
  ['', 'EROFS', 'cgroups are mounted read-only here'],
  ['', 'ENODEV', 'the cgroup was removed meanwhile'],
]

/** ` (hint)`, or nothing. `file` without its directory. */
export function hintFor(file: string, errno: number): string {
  const name = errnoName(errno)
  for (const [wanted, error, hint] of hints) {
    if (error === name && (wanted === '' || wanted === file)) return ` (${hint})`
  }
  return ''
}
