/**
 * What tsrun says to criu and hears from it, once, as data: the fields of criu's RPC (images/rpc.proto of criu, 3.16 and later) that it
 * uses, by their numbers. `wire.ts` reads and writes them, the types come from here.
 *
 * A field: its number and its kind, with `*` where it repeats.
 *   int     a whole number that is not negative, or on the way from criu any int32
 *   bool    true or false
 *   text    UTF-8
 *   NAME    a message of this table
 */
export const messages = {
  request: {
    type: '1 int',
    options: '2 options',
    notifySuccess: '3 bool',
    features: '5 features',
  },
  options: {
    imagesDirFd: '1 int',
    pid: '2 int',
    leaveRunning: '3 bool',
    extUnixSk: '4 bool',
    tcpEstablished: '5 bool',
    evasiveDevices: '6 bool',
    shellJob: '7 bool',
    fileLocks: '8 bool',
    logLevel: '9 int',
    logFile: '10 text',
    pageServer: '11 pageServer',
    notifyScripts: '12 bool',
    root: '13 text',
    parentImage: '14 text',
    trackMemory: '15 bool',
    autoDedup: '16 bool',
    workDirFd: '17 int',
    linkRemap: '18 bool',
    externalMounts: '23 externalMount*',
    manageCgroups: '24 bool',
    cgroupRoots: '25 cgroupRoot*',
    restoreAsSibling: '26 bool',
    inheritFds: '27 inheritFd*',
    manageCgroupsMode: '34 int',
    external: '37 text*',
    emptyNs: '38 int',
    joinNamespaces: '39 joinNamespace*',
    freezeCgroup: '44 text',
    tcpSkipInFlight: '46 bool',
    lazyPages: '48 bool',
    orphanPtsMaster: '50 bool',
    configFile: '51 text',
    tcpClose: '52 bool',
    lsmProfile: '53 text',
    lsmMountContext: '63 text',
    networkLock: '64 int',
  },
  pageServer: { address: '1 text', port: '2 int' },
  externalMount: { key: '1 text', value: '2 text' },
  joinNamespace: { namespace: '1 text', file: '2 text' },
  inheritFd: { key: '1 text', fd: '2 int' },
  cgroupRoot: { controller: '1 text', path: '2 text' },
  features: { memoryTracking: '1 bool', lazyPages: '2 bool' },
  response: {
    type: '1 int',
    success: '2 bool',
    notification: '5 notification',
    errno: '7 int',
    features: '8 features',
    version: '10 version',
  },
  notification: { script: '1 text', pid: '2 int' },
  version: { major: '1 int', minor: '2 int', gitid: '3 text', sublevel: '4 int' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>

/** Types of requests and responses. The names are those that criu and runc print. */
export const requestTypes = {
  DUMP: 1,
  RESTORE: 2,
  PRE_DUMP: 4,
  NOTIFY: 6,
  FEATURE_CHECK: 9,
  VERSION: 10,
} as const

/** `--manage-cgroups-mode`; without it criu decides. */
export const cgroupModes = { ignore: 0, soft: 3, full: 4, strict: 5, default: 6 } as const

/** `--network-lock`: how criu keeps packets away while it works. */
export const networkLocks = { iptables: 1, nftables: 2, skip: 3 } as const

export type MessageName = keyof typeof messages

type Value<K> = K extends 'int'
  ? number
  : K extends 'bool'
    ? boolean
    : K extends 'text'
      ? string
      : K extends MessageName
        ? Message<K>
        : never
type Field<S> = S extends `${number} ${infer K}*`
  ? readonly Value<K>[]
  : S extends `${number} ${infer K}`
    ? Value<K>
    : never

/** A message. Nothing is required: an absent field is not sent, or was not there. */
export type Message<N extends MessageName> = {
  readonly [F in keyof (typeof messages)[N]]?: Field<(typeof messages)[N][F]>
}
