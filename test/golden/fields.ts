/** One config section each: patches to a small config, by the name of their golden file. */
import type { Json, JsonObject } from '../support/config.js'

const linux = (patch: JsonObject): JsonObject => ({ linux: patch })
const resources = (patch: JsonObject): JsonObject => linux({ resources: patch })
const namespaces = (...types: readonly string[]): Json => ['mount', 'pid', ...types].map(type => ({ type }))

/** The small config. */
export const base: JsonObject = {
  ociVersion: '1.3.0',
  root: { path: 'rootfs' },
  process: { cwd: '/', args: ['/bin/true'] },
  linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }] },
}

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
  'root-readonly': { root: { readonly: true } },
  terminal: { process: { terminal: true, consoleSize: { height: 25, width: 80 } } },
  user: { process: { user: { uid: 7, gid: 8, umask: 0o27, additionalGids: [9, 10] } } },
  environment: { process: { env: ['PATH=/bin', 'SECRET=hidden'] } },
  capabilities: {
    process: {
      capabilities: {
        bounding: ['CAP_KILL', 'CAP_CHOWN', 'CAP_NOBODY_KNOWS'],
        effective: ['CAP_KILL'],
        permitted: ['CAP_KILL', 'CAP_CHOWN'],
        inheritable: ['CAP_CHOWN', 'CAP_KILL'],
        ambient: ['CAP_CHOWN'],
      },
    },
  },
  rlimits: {
    process: {
      rlimits: [
        { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 },
        { type: 'RLIMIT_CORE', soft: 0, hard: 1 },
      ],
    },
  },
  'oom-score': { process: { oomScoreAdj: 500 } },
  'scheduler-fifo': { process: { scheduler: { policy: 'SCHED_FIFO', priority: 10 } } },
  names: {
    hostname: 'box',
    domainname: 'example',
    linux: { namespaces: namespaces('uts') },
  },
  hooks: {
    annotations: { 'org.example': 'told to hooks' },
    hooks: Object.fromEntries(
      ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].map(
        kind => [kind, [{ path: `/hooks/${kind}`, args: [kind, '-v'], env: ['A=b'], timeout: 5 }]],
      ),
    ),
  },
  'namespaces-joined': linux({
    namespaces: [
      { type: 'mount' },
      { type: 'network', path: '/run/netns/box' },
      { type: 'ipc', path: '/proc/5/ns/ipc' },
    ],
  }),
  'user-namespace': linux({
    namespaces: namespaces('user'),
    uidMappings: [
      { containerID: 0, hostID: 100000, size: 1000 },
      { containerID: 2000, hostID: 200000, size: 10 },
    ],
    gidMappings: [
      { containerID: 0, hostID: 100000, size: 1000 },
      { containerID: 2000, hostID: 200000, size: 10 },
    ],
  }),
  'time-offsets-nanoseconds': linux({
    namespaces: namespaces('time'),
    timeOffsets: { monotonic: { secs: 1 }, boottime: { secs: 1, nanosecs: 5 } },
  }),
  devices: linux({
    devices: [
      { type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 0o660, uid: 3, gid: 4 },
      { type: 'p', path: '/run/pipe' },
    ],
  }),
  'cgroups-path': linux({ cgroupsPath: '/machine/box' }),
  unified: resources({ unified: { 'memory.high': '1048576', 'io.max': '8:0 rbps=1\n8:16 rbps=2' } }),
  'device-rules': resources({
    devices: [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' },
      { allow: true, type: 'b', major: 8, access: 'r' },
    ],
  }),
  memory: resources({ memory: { limit: 67108864, reservation: 33554432, swap: 134217728 } }),
  'memory-v1': resources({
    memory: {
      swappiness: 10,
      disableOOMKiller: true,
      kernel: 1048576,
      kernelTCP: 1048576,
      useHierarchy: true,
    },
  }),
  cpu: resources({ cpu: { shares: 512, quota: 50000, period: 100000, burst: 1000, cpus: '0-1', mems: '0' } }),
  'cpu-idle': resources({ cpu: { idle: 1 } }),
  pids: resources({ pids: { limit: 42 } }),
  'block-io-more': resources({
    blockIO: {
      weightDevice: [{ major: 8, minor: 0, leafWeight: 100 }],
      throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 1 }],
      throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 2 }],
    },
  }),
  propagation: linux({ rootfsPropagation: 'rshared' }),
  'seccomp-arguments': linux({
    seccomp: {
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 38,
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
      syscalls: [
        {
          names: ['personality'],
          action: 'SCMP_ACT_ALLOW',
          args: [{ index: 0, value: 8, valueTwo: 0, op: 'SCMP_CMP_EQ' }],
        },
        {
          names: ['clone'],
          action: 'SCMP_ACT_ALLOW',
          args: [{ index: 0, value: 2114060288, valueTwo: 131072, op: 'SCMP_CMP_MASKED_EQ' }],
        },
        { names: ['kcmp'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
      ],
    },
  }),
  sysctl: linux({
    namespaces: namespaces('network'),
    sysctl: { 'net.ipv4.ip_forward': '1', 'net/ipv4/conf/eno2.100/forwarding': '0' },
  }),
  paths: linux({ maskedPaths: ['/proc/kcore', '/sys/firmware'], readonlyPaths: ['/proc/sys'] }),
  'overlay-layers': {
    mounts: [
      {
        destination: '/few',
        type: 'overlay',
        options: ['lowerdir=/one:/two', 'upperdir=/upper', 'workdir=/work'],
      },
      {
        destination: '/many',
        type: 'overlay',
        options: [`lowerdir=/with\\:colon:/${'long'.repeat(62)}:/last::/data`, 'metacopy=on'],
      },
    ],
  },
  'oci-run': {
    annotations: {
      'run.oci.keep_original_groups': '1',
      'run.oci.hooks.stdout': '/var/log/hooks',
      'run.oci.hooks.stderr': '/var/log/hooks.err',
      'run.oci.mount_context_type': 'rootcontext',
      'run.oci.seccomp.receiver': '/run/agent.sock',
      'run.oci.systemd.subgroup': 'deeper',
      'run.oci.unheard.of': '1',
    },
    hooks: {
      createRuntime: [{ path: '/hooks/one' }],
      createContainer: [{ path: '/hooks/two' }],
      startContainer: [{ path: '/hooks/three' }],
    },
    mounts: [{ destination: '/own', type: 'tmpfs' }],
    linux: {
      namespaces: namespaces('user'),
      uidMappings: [{ containerID: 0, hostID: 200000, size: 65536 }],
      gidMappings: [{ containerID: 0, hostID: 200000, size: 65536 }],
      mountLabel: 'system_u:object_r:tmp_t:s0',
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdirat'], action: 'SCMP_ACT_NOTIFY' }],
      },
    },
  },
  'mount-links': {
    mounts: [
      { destination: '/alias', source: '/srv/link', options: ['bind', 'src-nofollow', 'dest-nofollow'] },
      { destination: '/other', type: 'tmpfs', options: ['dest-nofollow'] },
    ],
  },
  'no-process': { process: undefined },
  'intel-rdt-older': linux({ intelRdt: { closID: 'gold', enableMBM: true } }),
}
