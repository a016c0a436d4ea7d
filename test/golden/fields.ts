/** One config section each: patches to a small config, by the name of their golden file. */
import type { Json, JsonObject } from '../support/config.js'

const linux = (patch: JsonObject): JsonObject => ({ linux: patch })
const resources = (patch: JsonObject): JsonObject => linux({ resources: patch })
const namespaces = (...types: readonly string[]): Json => ['mount', 'pid', ...types].map(type => ({ type }))

export const fields: Readonly<Record<string, JsonObject>> = {
  scheduler: {
    process: { scheduler: { policy: 'SCHED_BATCH', nice: -5, flags: ['SCHED_FLAG_RESET_ON_FORK'] } },
  },
  'scheduler-deadline': {
    process: {
      scheduler: { policy: 'SCHED_DEADLINE', runtime: 1000000, deadline: 5000000, period: 10000000 },
    },
  },
  'io-priority': { process: { ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 7 } } },
  'memory-policy': linux({
    memoryPolicy: { mode: 'MPOL_BIND', nodes: '0,2-3', flags: ['MPOL_F_STATIC_NODES'] },
  }),
  personality: linux({ personality: { domain: 'LINUX32', flags: ['SHORT_INODE'] } }),
  'time-offsets': linux({
    namespaces: namespaces('time'),
    timeOffsets: { monotonic: { secs: -3600, nanosecs: 5 }, boottime: { secs: 86400 } },
  }),
  'block-io': resources({
    blockIO: {
      weight: 500,
      weightDevice: [{ major: 8, minor: 0, weight: 100 }],
      throttleReadBpsDevice: [
        { major: 8, minor: 0, rate: 1048576 },
        { major: 8, minor: 16, rate: 2097152 },
      ],
      throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 100 }],
    },
  }),
  'block-io-leaf': resources({ blockIO: { leafWeight: 10 } }),
  hugepages: resources({ hugepageLimits: [{ pageSize: '2MB', limit: 4194304 }] }),
  network: resources({ network: { classID: 1048577, priorities: [{ name: 'eth0', priority: 5 }] } }),
  rdma: resources({ rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 }, mlx4_0: { hcaObjects: 1 } } }),
  labels: {
    process: { selinuxLabel: 'system_u:system_r:container_t:s0:c1,c2', apparmorProfile: 'docker-default' },
  },
  'mount-label': {
    mounts: [
      { destination: '/proc', type: 'proc' },
      { destination: '/dev', type: 'tmpfs' },
      { destination: '/dev/mqueue', type: 'mqueue' },
      { destination: '/own', type: 'tmpfs', options: ['rootcontext=system_u:object_r:tmp_t:s0'] },
    ],
    linux: { mountLabel: 'system_u:object_r:container_file_t:s0:c1,c2' },
  },
  idmap: {
    mounts: [
      {
        destination: '/data',
        source: '/srv/data',
        options: ['rbind', 'ro'],
        uidMappings: [{ containerID: 0, hostID: 100000, size: 1 }],
        gidMappings: [{ containerID: 0, hostID: 100000, size: 1 }],
      },
      { destination: '/whole', source: '/srv/whole', options: ['rbind', 'ridmap'] },
      { destination: '/scratch', type: 'tmpfs', options: ['idmap'] },
    ],
    linux: {
      namespaces: namespaces('user'),
      uidMappings: [{ containerID: 0, hostID: 200000, size: 65536 }],
      gidMappings: [{ containerID: 0, hostID: 200000, size: 65536 }],
    },
  },
  'seccomp-notify': {
    process: { noNewPrivileges: true },
    linux: {
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],
        listenerPath: '/run/agent.sock',
        listenerMetadata: 'for the agent',
        syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_NOTIFY' }],
      },
    },
  },
  'seccomp-notify-early': linux({
    seccomp: {
      defaultAction: 'SCMP_ACT_ALLOW',
      listenerPath: '/run/agent.sock',
      syscalls: [{ names: ['mkdirat'], action: 'SCMP_ACT_NOTIFY' }],
    },
  }),
  'intel-rdt': linux({
    intelRdt: {
      closID: 'guaranteed',
      l3CacheSchema: 'L3:0=7f0;1=1f\nMB:0=10',
      memBwSchema: 'MB:0=20;1=70',
      schemata: ['L2:0=3'],
      enableMonitoring: true,
      enableCMT: true,
    },
  }),
  'intel-rdt-empty': linux({ intelRdt: {} }),
  'net-devices': linux({
    namespaces: namespaces('network'),
    netDevices: { eth1: {}, dummy0: { name: 'eth%d' } },
  }),
  realtime: resources({ cpu: { realtimePeriod: 1000000, realtimeRuntime: 50000 } }),
}
