import type { Int64 } from '../../base/int64.js'
import type { Rdma, ThrottleDevice, WeightDevice } from '../../spec/types.gen.js'
import {
  checkShares,
  cpuMax,
  INFINITY,
  ioWeight,
  listMask,
  nonZero,
  orInfinity,
  orMax,
  pidsMax,
  quotaPerSecond,
  swapAlone,
  weightOfShares,
} from './convert.js'
import { type DeviceValues, type Knob, knob } from './knob.js'

const text = (value: Int64 | string): string => String(value)
const filled = (list: string | undefined): string | undefined => (list === '' ? undefined : list)
const whenZero = (written: string): readonly string[] => (written === '0' ? ['ENOENT'] : [])
const IGNORED = 'ignored by every driver: spec/rules/warnings.ts tells the user'
const NO_REAL_TIME = 'cgroup v2 has no real-time group scheduling'
const ON_UPDATE = 'not a setting: asked before an update lowers a limit'

const NOT_ON_V1 = 'systemd writes no such file of cgroup v1'
const TCP_BUFFERS = 'cgroup v2 counts buffers of TCP as memory'
const NO_LEAF = 'cgroup v2 knows no weights against child cgroups'
const NO_CLASSES = 'cgroup v2 has no network classes: match the cgroup in a firewall rule'

const node = (major: number, minor: number): string => `/dev/block/${major}:${minor}`
const someDevices = <T>(list: readonly T[] | undefined): readonly T[] | undefined =>
  list === undefined || list.length === 0 ? undefined : list
const weights = (devices: readonly WeightDevice[]): string[] =>
  devices.map(({ major, minor, weight }) => `${major}:${minor} ${weight}`)
/** A rate of 0 is none. */
const rates = (devices: readonly ThrottleDevice[]): string[] =>
  devices.map(({ major, minor, rate = 0 }) => `${major}:${minor} ${rate}`)
const maxima = (devices: readonly ThrottleDevice[], key: string): string[] =>
  devices.map(({ major, minor, rate = 0 }) => `${major}:${minor} ${key}=${nonZero(rate) ?? 'max'}`)
const nodes = (devices: readonly ThrottleDevice[]): DeviceValues =>
  devices.map(({ major, minor, rate = 0 }) => [node(major, minor), orInfinity(nonZero(rate) ?? -1)])
const rdmaLines = (devices: readonly (readonly [string, Rdma])[]): string[] =>
  devices.map(([name, { hcaHandles, hcaObjects }]) => {
    const handles = hcaHandles === undefined ? '' : ` hca_handle=${hcaHandles}`
    return hcaObjects === undefined ? `${name}${handles}` : `${name}${handles} hca_object=${hcaObjects}`
  })

/**
 * Every setting of `linux.resources` but device rules (`devices.ts`) and those of `families.ts`: one row each, in the order of writing.
 * Files: cgroup-v1/*.rst and cgroup-v2.rst of the kernel; conversions: `convert.ts`.
 *
 * Before the join stand only two kinds. A v1 cpuset takes no process while its CPUs or nodes are empty (ENOSPC). A real-time
 * process cannot enter a v1 cpu cgroup without a real-time budget (EINVAL). All else waits until the container is set up:
 * a quota would slow the set-up down, pids.max 1 refuse init, a small memory limit kill it, device rules refuse a mount.
 * It comes before the hooks: they may rely on it or change it (GPU hooks add device rules).
 *
 * In a new cgroup this order is one the kernel takes. In one that has other values already it may want another (limit and
 * memsw, quota and period each check the other): `launch` writes what met EINVAL once more after the rest.
 */
export const knobs: readonly Knob[] = [
  knob({
    field: '/linux/resources/cpu/cpus',
    get: r => filled(r.cpu?.cpus),
    v1: { controller: 'cpuset', file: 'cpuset.cpus', text },
    v2: { controller: 'cpuset', file: 'cpuset.cpus', text },
    systemd: {
      property: 'AllowedCPUs',
      value: list => listMask(list, '/linux/resources/cpu/cpus'),
      v1: { none: NOT_ON_V1 },
    },
    when: 'join',
  }),
  knob({
    field: '/linux/resources/cpu/mems',
    get: r => filled(r.cpu?.mems),
    v1: { controller: 'cpuset', file: 'cpuset.mems', text },
    v2: { controller: 'cpuset', file: 'cpuset.mems', text },
    systemd: {
      property: 'AllowedMemoryNodes',
      value: list => listMask(list, '/linux/resources/cpu/mems'),
      v1: { none: NOT_ON_V1 },
    },
    when: 'join',
  }),
  knob({
    field: '/linux/resources/cpu/realtimePeriod',
    get: r => nonZero(r.cpu?.realtimePeriod),
    v1: { controller: 'cpu', file: 'cpu.rt_period_us', text },
    v2: { none: NO_REAL_TIME },
    systemd: { none: NO_REAL_TIME },
    when: 'join',
  }),
  knob({
    field: '/linux/resources/cpu/realtimeRuntime',
    get: r => nonZero(r.cpu?.realtimeRuntime),
    v1: { controller: 'cpu', file: 'cpu.rt_runtime_us', text },
    v2: { none: NO_REAL_TIME },
    systemd: { none: NO_REAL_TIME },
    when: 'join',
  }),
  knob({
    field: '/linux/resources/pids/limit',
    get: r => r.pids?.limit,
    v1: { controller: 'pids', file: 'pids.max', text: limit => orMax(pidsMax(limit)) },
    v2: { controller: 'pids', file: 'pids.max', text: limit => orMax(pidsMax(limit)) },
    systemd: { property: 'TasksMax', value: limit => orInfinity(pidsMax(limit)) },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/memory/limit',
    get: r => nonZero(r.memory?.limit),
    v1: { controller: 'memory', file: 'memory.limit_in_bytes', text },
    v2: { controller: 'memory', file: 'memory.max', text: orMax },
    systemd: { property: 'MemoryMax', value: orInfinity },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/memory/swap',
    // Memory without limit means swap without limit too, where nothing else was said.
    get: r => nonZero(r.memory?.swap) ?? (Number(r.memory?.limit) === -1 ? -1 : undefined),
    v1: {
      controller: 'memory',
      file: 'memory.memsw.limit_in_bytes',
      text,
      // The file is missing where the kernel does not account swap.
      tolerate: written => (written === '-1' ? ['ENOENT'] : []),
    },
    v2: {
      controller: 'memory',
      file: 'memory.swap.max',
      text: (swap, r, field) => orMax(swapAlone(swap, nonZero(r.memory?.limit), field)),
      // Likewise: without swap accounting nothing is swapped on its account.
      tolerate: written => (written === 'max' || written === '0' ? ['ENOENT'] : []),
    },
    systemd: {
      property: 'MemorySwapMax',
      value: (swap, r) =>
        orInfinity(swapAlone(swap, nonZero(r.memory?.limit), '/linux/resources/memory/swap')),
      v1: { none: NOT_ON_V1 },
    },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/memory/reservation',
    get: r => nonZero(r.memory?.reservation),
    v1: { controller: 'memory', file: 'memory.soft_limit_in_bytes', text },
    v2: { controller: 'memory', file: 'memory.low', text: orMax },
    systemd: { property: 'MemoryLow', value: orInfinity, v1: { none: NOT_ON_V1 } },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/memory/swappiness',
    get: r => r.memory?.swappiness,
    v1: { controller: 'memory', file: 'memory.swappiness', text },
    v2: { none: 'cgroup v2 has no swappiness for each cgroup' },
    systemd: { none: 'cgroup v2 has no swappiness for each cgroup' },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/memory/disableOOMKiller',
    get: r => (r.memory?.disableOOMKiller === true ? true : undefined),
    v1: { controller: 'memory', file: 'memory.oom_control', text: () => '1' },
    v2: { none: 'cgroup v2 cannot switch the OOM killer off' },
    systemd: { none: 'cgroup v2 cannot switch the OOM killer off' },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/memory/kernel',
    get: r => r.memory?.kernel,
    v1: { elsewhere: IGNORED },
    v2: { elsewhere: IGNORED },
    systemd: { elsewhere: IGNORED },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/memory/kernelTCP',
    get: r => nonZero(r.memory?.kernelTCP),
    v1: { controller: 'memory', file: 'memory.kmem.tcp.limit_in_bytes', text },
    v2: { none: TCP_BUFFERS },
    systemd: { none: TCP_BUFFERS },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/memory/useHierarchy',
    get: r => r.memory?.useHierarchy,
    v1: { elsewhere: IGNORED },
    v2: { elsewhere: IGNORED },
    systemd: { elsewhere: IGNORED },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/memory/checkBeforeUpdate',
    get: r => r.memory?.checkBeforeUpdate,
    v1: { elsewhere: ON_UPDATE },
    v2: { elsewhere: ON_UPDATE },
    systemd: { elsewhere: ON_UPDATE },
    when: 'setup',
  }),
  knob({
    // Before the weight: while idle is 1 the kernel refuses weights (EINVAL).
    field: '/linux/resources/cpu/idle',
    get: r => r.cpu?.idle,
    v1: { controller: 'cpu', file: 'cpu.idle', text, tolerate: whenZero },
    v2: { controller: 'cpu', file: 'cpu.idle', text, tolerate: whenZero },
    // systemd 252 and later. Leaving it sets the weight: the default one, which has a value of its own, or that of the shares.
    systemd: {
      property: 'CPUWeight',
      value: (idle, r) => (idle === 1 ? 0 : nonZero(r.cpu?.shares) === undefined ? INFINITY : undefined),
      v1: { none: NOT_ON_V1 },
    },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/cpu/shares',
    get: r => (r.cpu?.idle === 1 ? undefined : nonZero(r.cpu?.shares)),
    v1: { controller: 'cpu', file: 'cpu.shares', text: (shares, _, field) => checkShares(shares, field) },
    v2: { controller: 'cpu', file: 'cpu.weight', text: shares => String(weightOfShares(shares)) },
    systemd: {
      property: 'CPUWeight',
      value: weightOfShares,
      v1: { property: 'CPUShares', value: shares => shares },
    },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/cpu/period',
    get: r => nonZero(r.cpu?.period),
    v1: { controller: 'cpu', file: 'cpu.cfs_period_us', text },
    v2: {
      controller: 'cpu',
      file: 'cpu.max',
      // The quota's row writes both.
      text: (period, r) => (nonZero(r.cpu?.quota) === undefined ? cpuMax(undefined, period) : undefined),
    },
    // systemd 242 and later.
    systemd: { property: 'CPUQuotaPeriodUSec', value: period => period },
    when: 'setup',
  }),
  knob({
    // Before the quota, which must not be below it; a new cgroup has none yet.
    field: '/linux/resources/cpu/burst',
    get: r => r.cpu?.burst,
    v1: { controller: 'cpu', file: 'cpu.cfs_burst_us', text, tolerate: whenZero },
    v2: { controller: 'cpu', file: 'cpu.max.burst', text, tolerate: whenZero },
    systemd: { none: 'systemd has no property for it' },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/cpu/quota',
    get: r => nonZero(r.cpu?.quota),
    v1: { controller: 'cpu', file: 'cpu.cfs_quota_us', text },
    v2: { controller: 'cpu', file: 'cpu.max', text: (quota, r) => cpuMax(quota, nonZero(r.cpu?.period)) },
    systemd: {
      property: 'CPUQuotaPerSecUSec',
      value: (quota, r) => quotaPerSecond(quota, nonZero(r.cpu?.period)),
    },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/blockIO/weight',
    get: r => nonZero(r.blockIO?.weight),
    v1: {
      controller: 'blkio',
      file: 'blkio.weight',
      text,
      // CFQ, which had that file, is gone since Linux 5.0.
      otherwise: { file: 'blkio.bfq.weight', text },
    },
    v2: {
      controller: 'io',
      file: 'io.bfq.weight',
      text,
      otherwise: { file: 'io.weight', text: weight => text(ioWeight(weight)) },
    },
    systemd: {
      property: 'IOWeight',
      value: ioWeight,
      v1: { property: 'BlockIOWeight', value: weight => weight },
    },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/blockIO/leafWeight',
    get: r => nonZero(r.blockIO?.leafWeight),
    v1: { controller: 'blkio', file: 'blkio.leaf_weight', text },
    v2: { none: NO_LEAF },
    systemd: { none: NO_LEAF },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/blockIO/weightDevice',
    get: r => someDevices(r.blockIO?.weightDevice?.filter(({ weight = 0 }) => weight !== 0)),
    v1: {
      controller: 'blkio',
      file: 'blkio.weight_device',
      text: weights,
      otherwise: { file: 'blkio.bfq.weight_device', text: weights },
    },
    v2: { controller: 'io', file: 'io.bfq.weight', text: weights },
    systemd: {
      property: 'IODeviceWeight',
      value: devices => devices.map(({ major, minor, weight = 0 }) => [node(major, minor), ioWeight(weight)]),
      v1: {
        property: 'BlockIODeviceWeight',
        value: devices => devices.map(({ major, minor, weight = 0 }) => [node(major, minor), weight]),
      },
    },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/blockIO/weightDevice/leafWeight',
    get: r => someDevices(r.blockIO?.weightDevice?.filter(({ leafWeight = 0 }) => leafWeight !== 0)),
    v1: {
      controller: 'blkio',
      file: 'blkio.leaf_weight_device',
      text: devices => devices.map(({ major, minor, leafWeight }) => `${major}:${minor} ${leafWeight}`),
    },
    v2: { none: NO_LEAF },
    systemd: { none: NO_LEAF },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/blockIO/throttleReadBpsDevice',
    get: r => someDevices(r.blockIO?.throttleReadBpsDevice),
    v1: { controller: 'blkio', file: 'blkio.throttle.read_bps_device', text: rates },
    v2: { controller: 'io', file: 'io.max', text: devices => maxima(devices, 'rbps') },
    systemd: { property: 'IOReadBandwidthMax', value: nodes },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/blockIO/throttleWriteBpsDevice',
    get: r => someDevices(r.blockIO?.throttleWriteBpsDevice),
    v1: { controller: 'blkio', file: 'blkio.throttle.write_bps_device', text: rates },
    v2: { controller: 'io', file: 'io.max', text: devices => maxima(devices, 'wbps') },
    systemd: { property: 'IOWriteBandwidthMax', value: nodes },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/blockIO/throttleReadIOPSDevice',
    get: r => someDevices(r.blockIO?.throttleReadIOPSDevice),
    v1: { controller: 'blkio', file: 'blkio.throttle.read_iops_device', text: rates },
    v2: { controller: 'io', file: 'io.max', text: devices => maxima(devices, 'riops') },
    systemd: { property: 'IOReadIOPSMax', value: nodes, v1: { none: NOT_ON_V1 } },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/blockIO/throttleWriteIOPSDevice',
    get: r => someDevices(r.blockIO?.throttleWriteIOPSDevice),
    v1: { controller: 'blkio', file: 'blkio.throttle.write_iops_device', text: rates },
    v2: { controller: 'io', file: 'io.max', text: devices => maxima(devices, 'wiops') },
    systemd: { property: 'IOWriteIOPSMax', value: nodes, v1: { none: NOT_ON_V1 } },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/network/classID',
    get: r => nonZero(r.network?.classID),
    v1: { controller: 'net_cls', file: 'net_cls.classid', text },
    v2: { none: NO_CLASSES },
    systemd: { none: NO_CLASSES },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/network/priorities',
    get: r => someDevices(r.network?.priorities),
    v1: {
      controller: 'net_prio',
      file: 'net_prio.ifpriomap',
      text: priorities => priorities.map(({ name, priority }) => `${name} ${priority}`),
    },
    v2: { none: NO_CLASSES },
    systemd: { none: NO_CLASSES },
    when: 'setup',
  }),
  knob({
    field: '/linux/resources/rdma',
    get: r => someDevices(r.rdma === undefined ? undefined : Object.entries(r.rdma)),
    v1: { controller: 'rdma', file: 'rdma.max', text: rdmaLines },
    v2: { controller: 'rdma', file: 'rdma.max', text: rdmaLines },
    systemd: { none: 'systemd has no property for it' },
    when: 'setup',
  }),
]
