import type { MountAttr, Propagation } from '../plan/flags.js'

/**
 * One row per mount option of the specification. `features` and the printer read the same table; to add an option is to add
 * a row. What is not in the table is data for the filesystem.
 */
export interface MountOption {
  /** Attributes of the mount that are set or cleared (mount_setattr(2)). */
  readonly set?: MountAttr
  readonly clear?: MountAttr
  /** On the whole tree below, too (AT_RECURSIVE). */
  readonly recursive?: true
  /** A flag of the superblock, as fsconfig(2) spells it; bind mounts share theirs and ignore it. */
  readonly superblock?: string
  readonly propagation?: Propagation
  /** What the option does to the whole entry. */
  readonly action?: 'bind' | 'rbind' | 'remount' | 'tmpcopyup' | 'idmap' | 'ridmap'
  /** The link at the end of this path is meant, not what it names. */
  readonly link?: 'source' | 'destination'
}

/** Access times are one field of three values: setting any of them clears the field first. */
const atime = (set?: MountAttr): MountOption =>
  set === undefined ? { clear: 'atime_mask' } : { set, clear: 'atime_mask' }

export const mountOptions: Readonly<Record<string, MountOption>> = {
  defaults: {},
  ro: { set: 'ro' },
  rw: { clear: 'ro' },
  nosuid: { set: 'nosuid' },
  suid: { clear: 'nosuid' },
  nodev: { set: 'nodev' },
  dev: { clear: 'nodev' },
  noexec: { set: 'noexec' },
  exec: { clear: 'noexec' },
  nosymfollow: { set: 'nosymfollow' },
  symfollow: { clear: 'nosymfollow' },
  nodiratime: { set: 'nodiratime' },
  diratime: { clear: 'nodiratime' },
  noatime: atime('noatime'),
  atime: atime(),
  relatime: atime(),
  norelatime: {},
  strictatime: atime('strictatime'),
  nostrictatime: atime(),
  rro: { set: 'ro', recursive: true },
  rrw: { clear: 'ro', recursive: true },
  rnosuid: { set: 'nosuid', recursive: true },
  rsuid: { clear: 'nosuid', recursive: true },
  rnodev: { set: 'nodev', recursive: true },
  rdev: { clear: 'nodev', recursive: true },
  rnoexec: { set: 'noexec', recursive: true },
  rexec: { clear: 'noexec', recursive: true },
  rnosymfollow: { set: 'nosymfollow', recursive: true },
  rsymfollow: { clear: 'nosymfollow', recursive: true },
  rnodiratime: { set: 'nodiratime', recursive: true },
  rdiratime: { clear: 'nodiratime', recursive: true },
  rnoatime: { ...atime('noatime'), recursive: true },
  ratime: { ...atime(), recursive: true },
  rrelatime: { ...atime(), recursive: true },
  rnorelatime: { ...atime(), recursive: true },
  rstrictatime: { ...atime('strictatime'), recursive: true },
  rnostrictatime: { ...atime(), recursive: true },
  sync: { superblock: 'sync' },
  async: { superblock: 'async' },
  dirsync: { superblock: 'dirsync' },
  mand: { superblock: 'mand' },
  nomand: { superblock: 'nomand' },
  lazytime: { superblock: 'lazytime' },
  nolazytime: { superblock: 'nolazytime' },
  // MS_I_VERSION is a flag of mount(2) that fsconfig(2) cannot say; since 6.1 the filesystems that have such a counter always keep it.
  iversion: {},
  noiversion: {},
  // Only silence kernel messages of mount(2); the fd-based API hands those to the caller.
  silent: {},
  loud: {},
  bind: { action: 'bind' },
  rbind: { action: 'rbind' },
  remount: { action: 'remount' },
  tmpcopyup: { action: 'tmpcopyup' },
  idmap: { action: 'idmap' },
  ridmap: { action: 'ridmap' },
  // Of crun.
  'src-nofollow': { link: 'source' },
  'dest-nofollow': { link: 'destination' },
  private: { propagation: 'private' },
  rprivate: { propagation: 'private', recursive: true },
  shared: { propagation: 'shared' },
  rshared: { propagation: 'shared', recursive: true },
  slave: { propagation: 'slave' },
  rslave: { propagation: 'slave', recursive: true },
  unbindable: { propagation: 'unbindable' },
  runbindable: { propagation: 'unbindable', recursive: true },
}

/** Attributes to set and to clear. Both are small: arrays, in the order of the options. */
interface Change {
  readonly set: MountAttr[]
  readonly clear: MountAttr[]
}

/** The options of one mount entry, sorted by what they act on. */
export interface ParsedOptions {
  readonly bind: 'bind' | 'rbind' | undefined
  readonly remount: boolean
  readonly copyUp: boolean
  readonly idmap: 'idmap' | 'ridmap' | undefined
  /** The paths whose last link is not followed. */
  readonly links: readonly ('source' | 'destination')[]
  /** The mount alone, and the whole tree below it. */
  readonly own: Readonly<Change>
  readonly tree: Readonly<Change>
  readonly superblock: readonly string[]
  readonly propagation: readonly { readonly type: Propagation; readonly recursive: boolean }[]
  /** Passed to the filesystem: `key=value` or `flag`. */
  readonly data: readonly string[]
}

function remove(list: MountAttr[], name: MountAttr): void {
  const at = list.indexOf(name)
  if (at >= 0) list.splice(at, 1)
}

function add(list: MountAttr[], name: MountAttr): void {
  if (!list.includes(name)) list.push(name)
}

/** The later of two options on one attribute wins, as in mount(8): `ro,rw` is writable. */
function apply(change: Change, { set, clear }: MountOption): void {
  if (clear === 'atime_mask') {
    remove(change.set, 'noatime')
    remove(change.set, 'strictatime')
  } else if (clear !== undefined) remove(change.set, clear)
  if (clear !== undefined) add(change.clear, clear)
  if (set === undefined) return
  remove(change.clear, set)
  add(change.set, set)
}

/** Sorts the options of a mount entry. Unknown ones are data for the filesystem. */
export function parseMountOptions(options: readonly string[]): ParsedOptions {
  let bind: 'bind' | 'rbind' | undefined
  let remount = false
  let copyUp = false
  let idmap: 'idmap' | 'ridmap' | undefined
  const own: Change = { set: [], clear: [] }
  const tree: Change = { set: [], clear: [] }
  const superblock: string[] = []
  const propagation: { type: Propagation; recursive: boolean }[] = []
  const links: ('source' | 'destination')[] = []
  const data: string[] = []
  for (const name of options) {
    const option = Object.hasOwn(mountOptions, name) ? mountOptions[name] : undefined
    if (option === undefined) {
      if (name !== '') data.push(name)
      continue
    }
    if (option.action === 'remount') remount = true
    else if (option.action === 'tmpcopyup') copyUp = true
    else if (option.action === 'idmap' || option.action === 'ridmap') idmap = option.action
    else if (option.action !== undefined) bind = option.action
    if (option.link !== undefined) links.push(option.link)
    if (option.superblock !== undefined) superblock.push(option.superblock)
    if (option.propagation !== undefined) {
      propagation.push({ type: option.propagation, recursive: option.recursive === true })
    } else apply(option.recursive === true ? tree : own, option)
  }
  return { bind, remount, copyUp, idmap, links, own, tree, superblock, propagation, data }
}
