import { type Document, others, tested } from './sentence.js'

const resctrl = { unit: 'few machines have resctrl: the functions get a tree in memory' } as const

export const linux: Document = {
  file: 'config-linux.md',
  prefix: 'LX',
  count: 101,
  sections: [
    [
      'Namespaces',
      {
        'LX-001': tested('required', 'a namespace has a type'),
        'LX-002': tested('required', 'the path of a namespace is absolute'),
        'LX-003': tested('namespaces', 'the process is in the namespace of the path'),
        'LX-004': tested('namespaces', 'a path of another type is an error'),
        'LX-005': tested('namespaces', 'without a path the namespace is new'),
        'LX-006': tested('namespaces', 'a type that is not listed is inherited'),
        'LX-007': tested('required', 'a type that is listed twice is an error'),
      },
    ],
    [
      'User namespace mappings',
      {
        'LX-008': tested('required', 'a mapping has containerID', {
          runc: ['choice', 'takes 0 for a missing id'],
        }),
        'LX-009': tested('required', 'a mapping has hostID', {
          runc: ['choice', 'takes 0 for a missing id'],
        }),
        'LX-010': tested('required', 'a mapping has a size'),
      },
    ],
    [
      'Devices',
      {
        'LX-011': tested('devices', 'devices are there'),
        'LX-012': tested('required', 'a device has a type'),
        'LX-013': tested('required', 'a device has a path', {
          runc: ['choice', 'makes nothing of a device without a path'],
        }),
        'LX-014': tested('devices', 'another file in its place is an error', {
          runc: ['find', 'leaves the file there and goes on'],
        }),
        'LX-015': tested('required', 'a device that is no pipe has numbers', {
          runc: ['choice', 'takes 0 for a missing number'],
        }),
      },
    ],
    ['Default Devices', { 'LX-016': tested('devices', 'the default devices are there') }],
    [
      'Network Devices',
      {
        'LX-017': tested('netdevices', 'network devices are moved into the container', {
          runc: ['newer', 'ignores netDevices'],
        }),
        'LX-018': tested('netdevices', 'a device that cannot be moved is an error', {
          runc: ['newer', 'ignores netDevices'],
        }),
        'LX-019': tested('netdevices', 'a name that is taken is an error', {
          runc: ['newer', 'ignores netDevices'],
        }),
        'LX-020': tested('netdevices', 'a name with %d lets the kernel choose', {
          runc: ['newer', 'ignores netDevices'],
        }),
        'LX-021': tested('netdevices', 'permanent global addresses go along', {
          runc: ['newer', 'ignores netDevices'],
        }),
        'LX-022': tested('netdevices', 'the device is up', { runc: ['newer', 'ignores netDevices'] }),
      },
    ],
    [
      'Namespace Lifecycle and Container Termination',
      {
        'LX-023': tested('netdevices', 'what is changed in the container stays', {
          runc: ['newer', 'ignores netDevices'],
        }),
        'LX-024': tested('netdevices', 'delete leaves the device in a namespace that was joined', {
          runc: ['newer', 'ignores netDevices'],
        }),
      },
    ],
    [
      'Control groups',
      {
        'LX-025': tested('cgroups', 'a cgroup that is unfit is an error', {
          runc: ['newer', 'only warns of a cgroup that is in use'],
        }),
      },
    ],
    [
      'Cgroups Path',
      {
        'LX-026': tested('cgroups', 'cgroupsPath may be absolute or relative'),
        'LX-027': tested('cgroups', 'an absolute path begins at the mount point'),
        'LX-028': tested('cgroups', 'the same path is the same place every time'),
        'LX-029': tested('cgroups', 'a path that is not taken is an error', {
          runc: ['choice', 'takes a path for systemd as a relative one'],
        }),
      },
    ],
    [
      'Cgroup ownership',
      {
        'LX-030': tested('cgroups', 'a file of the delegate list that is missing is no error', {
          needs: ['cgroup2'],
        }),
        'LX-031': others(
          'without the delegate list three files are given',
          'a runtime that changes the owner of cgroups, which is a MAY; tsrun does not',
        ),
      },
    ],
    [
      'Allowed Device list',
      {
        'LX-032': tested('devices', 'the rules count in their order'),
        'LX-033': tested('required', 'a rule has allow', {
          runc: ['choice', 'takes a missing allow for false'],
        }),
      },
    ],
    ['Memory', { 'LX-034': tested('cgroups', 'checkBeforeUpdate refuses a limit below the usage') }],
    [
      'CPU',
      {
        'LX-035': tested('required', 'a quota is not below the burst', { runc: ['newer', 'has no burst'] }),
        'LX-036': tested('required', 'a burst is not above the quota', { runc: ['newer', 'has no burst'] }),
      },
    ],
    [
      'Block IO',
      {
        'LX-037': tested('required', 'a weighted device has numbers'),
        'LX-038': tested('required', 'a weighted device has a weight', {
          runc: ['choice', 'writes nothing for such a device'],
        }),
        'LX-039': tested('required', 'a throttled device (bytes) has numbers'),
        'LX-040': tested('required', 'a throttled device (bytes) has a rate'),
        'LX-041': tested('required', 'a throttled device (operations) has numbers'),
        'LX-042': tested('required', 'a throttled device (operations) has a rate'),
      },
    ],
    [
      'Huge page limits',
      {
        'LX-043': tested('required', 'a limit of huge pages has their size'),
        'LX-044': tested('required', 'a limit of huge pages has a limit'),
      },
    ],
    [
      'Network',
      {
        'LX-045': tested('required', 'a network priority has a name'),
        'LX-046': tested('required', 'a network priority has a priority'),
      },
    ],
    ['RDMA', { 'LX-047': tested('required', 'an RDMA device has a limit') }],
    [
      'Unified',
      {
        'LX-048': tested('cgroups', 'the controllers of unified are enabled', { needs: ['cgroup2'] }),
        'LX-049': tested('cgroups', 'files that the runtime does not know are written', {
          needs: ['cgroup2'],
        }),
        'LX-050': tested('cgroups', 'a controller that is not there is an error'),
      },
    ],
    [
      'Example',
      {
        'LX-051': tested('cgroups', 'a field of v1 without a conversion is an error, with --strict', {
          unit: 'a machine has one version: lowering is asked for both; without --strict it is a warning, as engines send such fields',
        }),
      },
    ],
    [
      'IntelRdt',
      {
        'LX-052': tested('intelrdt', 'the process is written to tasks of its group', resctrl),
        'LX-053': tested('intelrdt', 'no resctrl is an error', {
          runc: ['find', 'goes on where there is no resctrl, when only closID is given'],
        }),
        'LX-054': tested('intelrdt', 'without intelRdt nothing is touched', resctrl),
        'LX-055': tested('intelrdt', '/ is the default group', resctrl),
        'LX-056': tested('required', 'memBwSchema begins with MB:'),
        'LX-057': tested('required', 'memBwSchema is one line'),
        'LX-058': tested('required', 'a line of schemata is one line', {
          runc: ['newer', 'ignores the field'],
        }),
        'LX-059': tested('intelrdt', 'all the rules that follow, in one run', resctrl),
        'LX-060': tested('intelrdt', 'both schemas are written', resctrl),
        'LX-061': tested('intelrdt', 'l3CacheSchema first, memBwSchema last', resctrl),
        'LX-062': tested('intelrdt', 'one schema is written', resctrl),
        'LX-063': tested('intelrdt', 'schemata are written, after the two schemas', resctrl),
        'LX-064': tested('intelrdt', 'without any schema nothing is written', resctrl),
        'LX-065': tested('intelrdt', 'without closID the group has the name of the container', resctrl),
        'LX-066': tested('intelrdt', 'a group that is missing is made', resctrl),
        'LX-067': tested('intelrdt', 'a group that is there is compared', resctrl),
        'LX-068': tested('intelrdt', 'a closID alone names a group that is there', resctrl),
        'LX-069': tested('intelrdt', 'which is joined, or its absence an error', resctrl),
        'LX-070': tested('intelrdt', 'a group that create made is removed', resctrl),
        'LX-071': tested('intelrdt', 'another group stays', resctrl),
        'LX-072': tested('intelrdt', 'enableMonitoring makes a monitoring group', resctrl),
        'LX-073': tested('intelrdt', 'named after the container', resctrl),
        'LX-074': tested('intelrdt', 'and removed with it', resctrl),
        'LX-075': tested('intelrdt', 'one that cannot be made is an error', resctrl),
      },
    ],
    [
      'Memory policy',
      {
        'LX-076': tested('required', 'a memory policy has a mode', { runc: ['newer', 'ignores the field'] }),
      },
    ],
    [
      'Seccomp',
      {
        'LX-077': tested('required', 'seccomp has defaultAction', { runc: ['choice', 'makes no filter'] }),
        'LX-078': tested('required', 'defaultErrnoRet of an action without errno is an error', {
          runc: ['find', 'ignores defaultErrnoRet there'],
        }),
        'LX-079': others(
          'the listener socket is an AF_UNIX stream',
          'of the agent that listens; LX-080 connects to one',
        ),
        'LX-080': tested('seccomp', 'one state per connection'),
        'LX-081': tested('seccomp', 'a connection is used once'),
        'LX-082': tested('seccomp', 'and closed then'),
        'LX-083': tested('seccomp', 'a state that cannot be sent is an error'),
        'LX-084': tested('seccomp', 'the descriptor is called seccompFd'),
        'LX-085': tested('required', 'listenerMetadata needs listenerPath', {
          runc: ['choice', 'ignores it'],
        }),
        'LX-086': tested('required', 'a rule has names', {
          runc: ['choice', 'ignores a rule without names'],
        }),
        'LX-087': tested('required', 'a rule has at least one name', {
          runc: ['choice', 'ignores a rule without names'],
        }),
        'LX-088': tested('required', 'a rule has an action'),
        'LX-089': tested('required', 'errnoRet of an action without errno is an error', {
          runc: ['find', 'ignores errnoRet there'],
        }),
        'LX-090': tested('required', 'an argument has an index', {
          runc: ['choice', 'takes 0 for a missing index'],
        }),
        'LX-091': tested('required', 'an argument has a value', {
          runc: ['choice', 'takes 0 for a missing value'],
        }),
        'LX-092': tested('required', 'an argument has an operator'),
      },
    ],
    [
      'The Container Process State',
      {
        'LX-093': tested('seccomp', 'the state is JSON'),
        'LX-094': tested('seccomp', 'the descriptor comes by SCM_RIGHTS'),
        'LX-095': tested('seccomp', 'with the first message'),
        'LX-096': tested('seccomp', 'the process state has ociVersion'),
        'LX-097': tested('seccomp', 'the process state has the pid as the runtime sees it'),
        'LX-098': tested('seccomp', 'the process state has the state of the container'),
      },
    ],
    [
      'Masked Paths',
      {
        'LX-099': tested('required', 'masked paths are absolute', {
          runc: ['choice', 'takes it relative to /'],
        }),
      },
    ],
    [
      'Readonly Paths',
      {
        'LX-100': tested('required', 'read-only paths are absolute', {
          runc: ['choice', 'takes it relative to /'],
        }),
      },
    ],
    [
      'Personality',
      {
        'LX-101': tested('required', 'a personality has a domain', { runc: ['newer', 'ignores the field'] }),
      },
    ],
  ],
}
