import { author, type Document, others, platform, type Rows, tested } from './sentence.js'

const windows = (what: string) => platform(what, 'of Windows')
const image = (name: string) =>
  author(
    `org.opencontainers.image.${name} has a valid value`,
    'written by who converts an image; tsrun reads none',
  )

/** The mount options that are no SHOULD or MAY, in the order of their table. */
export const options = [
  ...[
    'async',
    'atime',
    'bind',
    'defaults',
    'dev',
    'diratime',
    'dirsync',
    'exec',
    'iversion',
    'lazytime',
    'loud',
  ],
  ...['noatime', 'nodev', 'nodiratime', 'noexec', 'noiversion', 'nolazytime', 'norelatime', 'nostrictatime'],
  ...[
    'nosuid',
    'private',
    'rbind',
    'relatime',
    'remount',
    'ro',
    'rprivate',
    'rshared',
    'rslave',
    'runbindable',
  ],
  ...['rw', 'shared', 'silent', 'slave', 'strictatime', 'suid', 'sync', 'unbindable'],
] as const

/** What the option does on a container's mount; the test has the same names. */
const optionRows: Rows = Object.fromEntries(
  options.map((name, index) => [
    `CF-0${20 + index}`,
    tested('mountoptions', `mount option ${name}`, name === 'defaults' ? defaultsOfRunc() : {}),
  ]),
)

function defaultsOfRunc() {
  return { runc: ['find', 'hands the option to the file system, which refuses it'] } as const
}

const idmapRows = (first: number, option: string): Rows =>
  Object.fromEntries(
    [
      `${option} maps the ids of the mount`,
      `${option} with mappings of the mount uses those`,
      `${option} without any mapping to take is an error`,
      `${option} without mappings and without a user namespace is an error`,
    ].map((what, index) => [
      `CF-0${first + index}`,
      tested('idmap', what, { runc: ['newer', 'ignores idmap'] }),
    ]),
  )

export const config: Document = {
  file: 'config.md',
  prefix: 'CF',
  count: 149,
  sections: [
    [
      'Specification version',
      {
        'CF-001': tested('required', 'ociVersion is there', { runc: ['choice', 'takes a missing version'] }),
        'CF-002': tested('required', 'ociVersion is a semantic version', {
          runc: ['find', 'takes any text for a version'],
        }),
      },
    ],
    [
      'Root',
      {
        'CF-003': windows('root is there for Windows Server containers'),
        'CF-004': windows('root is not there for Hyper-V containers'),
        'CF-005': tested('required', 'root is there'),
        'CF-006': tested('required', 'root.path is there'),
        'CF-007': windows('root.path is a volume path'),
        'CF-008': tested('required', 'root.path is a directory that exists'),
        'CF-009': tested('mounts', 'root.readonly makes the root read-only, and is false by default'),
        'CF-010': windows('root.readonly is not there or false'),
      },
    ],
    [
      'Mounts',
      {
        'CF-011': tested('mounts', 'mounts are made in their order'),
        'CF-012': tested('required', 'a mount has a destination'),
        'CF-013': tested('mounts', 'a relative destination begins at /'),
        'CF-014': windows('a destination is absolute'),
        'CF-015': windows('no destination is inside of another'),
        'CF-016': platform('a destination is absolute', 'of Solaris'),
        'CF-017': author(
          'a destination is absolute',
          'CF-013 says how a runtime takes a relative one; it is warned of',
        ),
        'CF-018': windows('the option ro'),
      },
    ],
    [
      'Linux mount options',
      {
        'CF-019': tested('mountoptions', 'all options are implemented', {
          runc: ['find', 'hands defaults to the file system, which refuses it'],
        }),
        ...optionRows,
        ...idmapRows(57, 'idmap'),
        ...idmapRows(61, 'ridmap'),
        'CF-065': others(
          'the options are those of mount(8)',
          'says where the meaning of CF-020 to CF-056 stands',
        ),
      },
    ],
    [
      'POSIX-platform Mounts',
      {
        'CF-066': tested('required', 'uidMappings of a mount need gidMappings', {
          runc: ['newer', 'ignores the field'],
        }),
        'CF-067': tested('required', 'gidMappings of a mount need uidMappings', {
          runc: ['newer', 'ignores the field'],
        }),
      },
    ],
    [
      'Process',
      {
        'CF-068': tested('operations', 'process is there when start is called'),
        'CF-069': tested('process', 'consoleSize without a terminal is ignored'),
        'CF-070': tested('required', 'consoleSize has a height'),
        'CF-071': tested('required', 'consoleSize has a width'),
        'CF-072': tested('required', 'cwd is there'),
        'CF-073': tested('required', 'cwd is absolute'),
        'CF-074': tested('required', 'args have at least one entry'),
        'CF-075': windows('commandLine is there, or args'),
      },
    ],
    [
      'POSIX process',
      {
        'CF-076': tested('required', 'an rlimit has a type'),
        'CF-077': tested('required', 'an rlimit that the kernel does not have is an error'),
        'CF-078': tested('process', 'getrlimit works for every type'),
        'CF-079': tested('required', 'an rlimit has soft', {
          runc: ['choice', 'takes 0 for a missing limit'],
        }),
        'CF-080': tested('process', 'rlim_cur is soft'),
        'CF-081': tested('required', 'an rlimit has hard', {
          runc: ['choice', 'takes 0 for a missing limit'],
        }),
        'CF-082': tested('process', 'rlim_max is hard'),
        'CF-083': tested('required', 'an rlimit that is there twice is an error', {
          runc: ['find', 'takes the later of two limits'],
        }),
      },
    ],
    [
      'Linux Process',
      {
        'CF-084': tested('process', 'a capability that cannot be given is a warning', {
          runc: ['find', 'does not warn of a capability that it may not give'],
        }),
        'CF-085': tested('process', 'oomScoreAdj is set'),
        'CF-086': tested('process', 'without oomScoreAdj the score stays'),
        'CF-087': tested('required', 'scheduler has a policy', { runc: ['newer', 'ignores the field'] }),
        'CF-088': tested('required', 'ioPriority has a class', { runc: ['newer', 'ignores the field'] }),
        'CF-089': author('ioPriority has a priority', 'the official schema does not ask for it: absent is 0'),
      },
    ],
    [
      'POSIX-platform User',
      {
        'CF-090': author(
          'user has uid',
          'the official schema does not ask for it: absent is 0, as with runc',
        ),
        'CF-091': author(
          'user has gid',
          'the official schema does not ask for it: absent is 0, as with runc',
        ),
      },
    ],
    ['Platform-specific configuration', { 'CF-092': windows('the section windows is there') }],
    [
      'POSIX-platform Hooks',
      {
        'CF-093': tested('required', 'a prestart hook has a path'),
        'CF-094': tested('required', 'which is absolute'),
        'CF-095': tested('required', 'a timeout of a prestart hook is positive'),
        'CF-096': tested('hooks', 'the path of a prestart hook is of the runtime'),
        'CF-097': tested('hooks', 'prestart hooks run in the runtime’s namespaces'),
        'CF-098': tested('required', 'a hook has a path', {
          runc: ['choice', 'tells of a startContainer hook without a path at start'],
        }),
        'CF-099': tested('required', 'which is absolute', {
          runc: ['find', 'takes a relative path of a startContainer hook'],
        }),
        'CF-100': tested('required', 'a timeout of a hook is positive', {
          runc: ['find', 'takes a timeout of 0 for a hook that runs later than create'],
        }),
        'CF-101': tested('hooks', 'the path of a createRuntime hook is of the runtime'),
        'CF-102': tested('hooks', 'createRuntime hooks run in the runtime’s namespaces'),
        'CF-103': tested('hooks', 'the path of a createContainer hook is of the runtime'),
        'CF-104': tested('hooks', 'createContainer hooks run in the container’s namespaces'),
        'CF-105': tested('hooks', 'the path of a startContainer hook is of the container'),
        'CF-106': tested('hooks', 'startContainer hooks run in the container’s namespaces'),
        'CF-107': tested('hooks', 'the path of a poststart hook is of the runtime'),
        'CF-108': tested('hooks', 'poststart hooks run in the runtime’s namespaces'),
        'CF-109': tested('hooks', 'the path of a poststop hook is of the runtime'),
        'CF-110': tested('hooks', 'poststop hooks run in the runtime’s namespaces'),
        'CF-111': tested('hooks', 'hooks are called in their order'),
        'CF-112': tested('hooks', 'hooks get the state on stdin'),
      },
    ],
    [
      'Prestart',
      {
        'CF-113': tested('hooks', 'prestart: at create, after the environment, before the root changes'),
        'CF-114': tested('hooks', 'prestart comes before createRuntime'),
        'CF-115': tested('hooks', 'the path of prestart is of the runtime (again)'),
        'CF-116': tested('hooks', 'prestart runs in the runtime’s namespaces (again)'),
      },
    ],
    [
      'CreateRuntime Hooks',
      {
        'CF-117': tested('hooks', 'createRuntime: at create, after the environment, before the root changes'),
        'CF-118': tested('hooks', 'the path of createRuntime is of the runtime (again)'),
        'CF-119': tested('hooks', 'createRuntime runs in the runtime’s namespaces (again)'),
      },
    ],
    [
      'CreateContainer Hooks',
      {
        'CF-120': tested(
          'hooks',
          'createContainer: at create, after the environment, before the root changes',
        ),
        'CF-121': tested('hooks', 'createContainer comes after createRuntime'),
        'CF-122': tested('hooks', 'the path of createContainer is of the runtime (again)'),
        'CF-123': tested('hooks', 'createContainer runs in the container’s namespaces (again)'),
      },
    ],
    [
      'StartContainer Hooks',
      {
        'CF-124': tested('hooks', 'startContainer: at start, before the program'),
        'CF-125': tested('hooks', 'the path of startContainer is of the container (again)'),
        'CF-126': tested('hooks', 'startContainer runs in the container’s namespaces (again)'),
      },
    ],
    [
      'Poststart',
      {
        'CF-127': tested('hooks', 'poststart: after the program began, before start returns', {
          runc: ['find', 'runs poststart hooks at create'],
        }),
        'CF-128': tested('hooks', 'the path of poststart is of the runtime (again)'),
        'CF-129': tested('hooks', 'poststart runs in the runtime’s namespaces (again)'),
      },
    ],
    [
      'Poststop',
      {
        'CF-130': tested('hooks', 'poststop: after the container is gone, before delete returns'),
        'CF-131': tested('hooks', 'the path of poststop is of the runtime (again)'),
        'CF-132': tested('hooks', 'poststop runs in the runtime’s namespaces (again)'),
      },
    ],
    [
      'Annotations',
      {
        'CF-133': tested('required', 'annotations are a map'),
        'CF-134': tested('required', 'keys are strings'),
        'CF-135': tested('required', 'no key is empty', { runc: ['find', 'takes an empty key'] }),
        'CF-136': author(
          'keys of org.opencontainers are used as written',
          'tsrun gives them no meaning of its own',
        ),
        'CF-137': image('os'),
        'CF-138': image('os.version'),
        'CF-139': image('os.features'),
        'CF-140': image('architecture'),
        'CF-141': image('variant'),
        'CF-142': image('author'),
        'CF-143': image('created'),
        'CF-144': image('stopSignal'),
        'CF-145': others('other keys of org.opencontainers stay free', 'asks later specifications'),
        'CF-146': tested('state', 'unknown annotations are ignored'),
        'CF-147': tested('required', 'values are strings'),
      },
    ],
    ['Extensibility', { 'CF-148': tested('lifecycle', 'unknown properties are ignored') }],
    [
      'Valid values',
      { 'CF-149': tested('required', 'a value that is invalid or not supported is an error') },
    ],
  ],
}
