/**
 * The command line, once, as data: the parser, the help, the completion scripts and the types of every handler come from
 * these tables. What is said about a row to people is in `texts.ts`, which does not compile when a row has no text.
 *
 * An option's value is its kind and, after a space, its one-letter names:
 *   boolean     `--detach`, `--detach=false`
 *   string      any text
 *   integer     decimal digits only, up to 2^31 - 1 (crun read `-u 1` as root: CVE-2026-30892)
 *   list        a string each time it is given, nothing is split
 *   a|b|c       one of these words
 * A positional ends in `?` when it may be missing, in `...` when there may be any number.
 */

/** Before the command. The union of what runc, crun and youki take. */
export const globalOptions = {
  root: 'string r',
  log: 'string l',
  'log-format': 'text|json',
  'log-level': 'error|warning|info|debug|warn|trace|fatal|panic',
  debug: 'boolean',
  'systemd-cgroup': 'boolean s',
  'cgroup-manager': 'cgroupfs|systemd|disabled',
  rootless: 'true|false|auto',
  strict: 'boolean',
  criu: 'string',
  version: 'boolean vV',
  help: 'boolean h?',
} as const satisfies OptionTable

const create = {
  bundle: 'string b',
  config: 'string f',
  'console-socket': 'string',
  'pid-file': 'string p',
  'pidfd-socket': 'string',
  'preserve-fds': 'integer',
  'no-pivot': 'boolean',
  'no-new-keyring': 'boolean',
  output: 'string',
} as const satisfies OptionTable

const run = {
  ...create,
  detach: 'boolean d',
  keep: 'boolean',
  'no-subreaper': 'boolean',
} as const satisfies OptionTable

const exec = {
  process: 'string p',
  tty: 'boolean t',
  detach: 'boolean d',
  cwd: 'string',
  env: 'list e',
  user: 'string u',
  'additional-gids': 'list g',
  cap: 'list c',
  'no-new-privs': 'boolean',
  'process-label': 'string',
  apparmor: 'string',
  'console-socket': 'string',
  'pid-file': 'string',
  'pidfd-socket': 'string',
  'preserve-fds': 'integer',
  'ignore-paused': 'boolean',
  cgroup: 'list',
} as const satisfies OptionTable

const update = {
  resources: 'string r',
  memory: 'string',
  'memory-reservation': 'string',
  'memory-swap': 'string',
  'cpu-period': 'string',
  'cpu-quota': 'string',
  'cpu-burst': 'string',
  'cpu-share': 'string',
  'cpu-idle': 'string',
  'cpu-rt-period': 'string',
  'cpu-rt-runtime': 'string',
  'cpuset-cpus': 'string',
  'cpuset-mems': 'string',
  'pids-limit': 'string',
  'blkio-weight': 'string',
  'kernel-memory': 'string',
  'kernel-memory-tcp': 'string',
  'l3-cache-schema': 'string',
  'mem-bw-schema': 'string',
} as const satisfies OptionTable

const criu = {
  'image-path': 'string',
  'work-path': 'string',
  'tcp-established': 'boolean',
  'ext-unix-sk': 'boolean',
  'shell-job': 'boolean',
  'file-locks': 'boolean',
  'lazy-pages': 'boolean',
  'manage-cgroups-mode': 'soft|full|strict|ignore',
  'empty-ns': 'list',
  'auto-dedup': 'boolean',
} as const satisfies OptionTable

const checkpoint = {
  ...criu,
  'parent-path': 'string',
  'leave-running': 'boolean',
  'pre-dump': 'boolean',
  'tcp-skip-in-flight': 'boolean',
  'link-remap': 'boolean',
  'page-server': 'string',
  'status-fd': 'integer',
  'network-lock': 'iptables|nftables|skip',
} as const satisfies OptionTable

const restore = {
  ...criu,
  bundle: 'string b',
  detach: 'boolean d',
  'console-socket': 'string',
  'pid-file': 'string',
  'no-subreaper': 'boolean',
  'no-pivot': 'boolean',
  'tcp-close': 'boolean',
  'lsm-profile': 'string',
  'lsm-mount-context': 'string',
  output: 'string',
} as const satisfies OptionTable

export const commands = {
  create: { part: 'create', positionals: ['container-id'], options: create },
  start: { part: 'lifecycle', positionals: ['container-id'], options: {} },
  run: { part: 'create', positionals: ['container-id'], options: run },
  state: { part: 'lifecycle', positionals: ['container-id'], options: {} },
  kill: { part: 'lifecycle', positionals: ['container-id', 'signal?'], options: { all: 'boolean a' } },
  delete: { part: 'lifecycle', positionals: ['container-id'], options: { force: 'boolean f' } },
  exec: {
    part: 'exec',
    positionals: ['container-id', 'command?', 'argument...'],
    options: exec,
    stopAtPositional: true,
    failure: 255,
  },
  pause: { part: 'operate', positionals: ['container-id'], options: {} },
  resume: { part: 'operate', positionals: ['container-id'], options: {} },
  ps: {
    part: 'operate',
    positionals: ['container-id', 'ps-option...'],
    options: { format: 'table|json f' },
    stopAtPositional: true,
  },
  update: { part: 'operate', positionals: ['container-id'], options: update },
  events: {
    part: 'operate',
    positionals: ['container-id'],
    options: { interval: 'string', stats: 'boolean' },
  },
  logs: {
    part: 'operate',
    positionals: ['container-id'],
    options: { follow: 'boolean f', tail: 'integer n' },
  },
  list: { part: 'lifecycle', positionals: [], options: { format: 'table|json f', quiet: 'boolean q' } },
  checkpoint: { part: 'checkpoint', positionals: ['container-id'], options: checkpoint },
  restore: { part: 'checkpoint', positionals: ['container-id'], options: restore },
  spec: { part: 'rest', positionals: [], options: { bundle: 'string b', rootless: 'boolean' } },
  features: { part: 'rest', positionals: [], options: {} },
  plan: {
    part: 'rest',
    positionals: ['container-id?'],
    options: {
      bundle: 'string b',
      config: 'string f',
      json: 'boolean',
      'show-env': 'boolean',
      'no-pivot': 'boolean',
      'no-new-keyring': 'boolean',
    },
  },
  completion: { part: 'help', positionals: ['shell'], options: {} },
  help: { part: 'help', positionals: ['command?'], options: {} },
} as const satisfies Record<string, CommandRow>

/** Commands that tsrun gives itself: no help and no completion knows them. */
export const hiddenCommands: CommandTable = {
  _told: { part: 'create', positionals: ['container-id', 'told'], options: {} },
  _oom: { part: 'operate', positionals: ['container-id'], options: {} },
  '_failed-exec': {
    part: 'exec',
    positionals: ['container-id', 'ops', 'told'],
    options: {},
    failure: 255,
  },
}

/** Groups of subcommands that are loaded together. */
export type PartName = 'lifecycle' | 'create' | 'exec' | 'operate' | 'checkpoint' | 'rest' | 'help'
export type OptionTable = Readonly<Record<string, string>>
export interface CommandRow {
  readonly part: PartName
  readonly positionals: readonly string[]
  readonly options: OptionTable
  /** Options end at the first positional: what follows belongs to a program. */
  readonly stopAtPositional?: true
  /** Exit code of tsrun's own failure, where 1 may be the program's. */
  readonly failure?: number
}
export type CommandTable = Readonly<Record<string, CommandRow>>
export type CommandName = keyof typeof commands

type KindValue<K> = K extends 'boolean'
  ? boolean
  : K extends 'string'
    ? string
    : K extends 'integer'
      ? number
      : K extends 'list'
        ? readonly string[]
        : K extends `${infer A}|${infer B}`
          ? A | KindValue<`${B}`>
          : K
type OptionValue<S> = KindValue<S extends `${infer K} ${string}` ? K : S>
/** The values that were given; absent ones are absent. */
export type Options<T> = { readonly [N in keyof T]?: OptionValue<T[N]> }
export type GlobalOptions = Options<typeof globalOptions>
export type CommandOptions<N extends CommandName> = Options<(typeof commands)[N]['options']>
