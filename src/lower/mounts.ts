import { ConfigError } from '../base/errors.js'
import type { MountAttr } from '../plan/flags.js'
import type { HostPath, Op } from '../plan/op.js'
import type { Mount } from '../spec/types.gen.js'
import { cgroupMount } from './cgroupmount.js'
import { applyIdmap, makeIdmaps } from './idmap.js'
import { type CreateInput, type Input, inRoot, ROOT } from './input.js'
import { checkMountLabel, contextOption, labelQueue } from './labels.js'
import { splitLong } from './longoptions.js'
import { type ParsedOptions, parseMountOptions } from './mountoptions.js'

/** Where one mount entry stands and what its options say. */
export interface Entry {
  readonly at: string
  readonly slot: string
  readonly mount: Mount
  readonly options: ParsedOptions
}

/** Mounts, in the order of the config. */
export function mounts(input: CreateInput, out: Op[]): void {
  checkMountLabel(input)
  const entries = input.spec.mounts ?? []
  for (let i = 0; i < entries.length; i++) {
    const mount = entries[i] as Mount
    const options = parseMountOptions(mount.options ?? [])
    const entry: Entry = { at: `/mounts/${i}`, slot: `mount:${i}`, mount, options }
    if (options.remount) remount(entry, out)
    else if (isBind(entry)) bind(input, entry, out)
    else if (mount.type === 'cgroup' || mount.type === 'cgroup2') cgroupMount(input, entry, out)
    else filesystem(input, entry, out)
  }
}

/**
 * The specification decides by the option; the type of a bind mount is a dummy. `type: bind` without the option is taken
 * as one, too: there is no filesystem of that name.
 */
const isBind = ({ mount, options }: Entry): boolean => options.bind !== undefined || mount.type === 'bind'

/** Whether this entry is a bind mount that a helper must open while it still has the host's rights. */
export function openedByHelper({ host, userNamespace }: Input): boolean {
  // A mapped root may not be able to walk to the source; an ordinary user cannot clone trees outside its namespace, but
  // root of the one that podman made for a user can.
  return userNamespace && host.euid === 0 && (!host.inUserNamespace || host.ownsMounts === true)
}

/** Opens the bind sources that init could not reach; runs in the helper, before the user namespace. */
export function openSources(input: Input, out: Op[]): void {
  makeIdmaps(input, out)
  if (!openedByHelper(input)) return
  const entries = input.spec.mounts ?? []
  for (let i = 0; i < entries.length; i++) {
    const mount = entries[i] as Mount
    const options = parseMountOptions(mount.options ?? [])
    const entry: Entry = { at: `/mounts/${i}`, slot: `mount:${i}`, mount, options }
    if (!options.remount && isBind(entry)) openSource(input, entry, 'helper', out)
  }
}

function openSource({ request }: Input, entry: Entry, by: 'helper' | 'init', out: Op[]): void {
  const { at, slot, mount, options } = entry
  if (mount.source === undefined || mount.source === '') {
    throw new ConfigError(`${at}/source`, 'bind-needs-source', 'a bind mount needs a source')
  }
  const source = mount.source.startsWith('/') ? mount.source : `${request.bundle}/${mount.source}`
  out.push({
    op: 'open_tree',
    by,
    at,
    slot,
    path: source as HostPath,
    flags: options.bind === 'rbind' ? ['clone', 'recursive'] : ['clone'],
    nofollow: options.links.includes('source') ? 1 : 0,
  })
  if (by === 'helper') {
    // The clone was made in the host's namespace: a peer of a shared mount, to which all that the container mounts on it would
    // go back. The kernel makes slaves of what a less privileged namespace copies; so do we.
    const still = { set: [], clear: [], propagation: 'slave', recursive: 1 } as const
    out.push({ op: 'mount_setattr', by, at, slot, ...still })
  }
  applyIdmap(entry, by, out)
}

function bind(input: Input, entry: Entry, out: Op[]): void {
  const { at, options } = entry
  if (options.data.length > 0) {
    // The kernel would ignore them, and other runtimes do.
    const names = options.data.join(',')
    input.warn(`${at}/options`, `${names}: ignored, a bind mount takes no options of a file system`)
  }
  if (options.copyUp) {
    throw new ConfigError(`${at}/options`, 'copy-up-needs-tmpfs', 'tmpcopyup is for tmpfs mounts only')
  }
  if (!openedByHelper(input)) openSource(input, entry, 'init', out)
  changeAttributes(entry, out)
  attach(entry, 'like_source', out)
  propagate(entry, out)
}

function filesystem(input: CreateInput, entry: Entry, out: Op[]): void {
  const { at, slot, mount, options } = entry
  const type = mount.type ?? ''
  if (type === '' || type === 'none') {
    throw new ConfigError(
      `${at}/type`,
      'mount-needs-type',
      `mount on ${mount.destination} has no type and is no bind`,
    )
  }
  if (options.copyUp && type !== 'tmpfs') {
    throw new ConfigError(`${at}/options`, 'copy-up-needs-tmpfs', 'tmpcopyup is for tmpfs mounts only')
  }
  out.push({
    op: 'fsmount',
    by: 'init',
    at,
    slot,
    type,
    ...(mount.source === undefined ? {} : { source: mount.source }),
    options: [
      ...options.superblock,
      ...splitLong(type, options.data),
      ...contextOption(input, type, options.data),
    ],
    attrs: sealsLater(input, entry)
      ? fsmountAttributes(options).filter(name => name !== 'ro')
      : fsmountAttributes(options),
  })
  applyIdmap(entry, 'init', out)
  if (options.copyUp) {
    const source = inRoot(mount.destination)
    out.push({ op: 'copy_up', by: 'init', at, slot, root: ROOT, source })
  }
  labelQueue(input, entry, out)
  attach(entry, 'directory', out)
  propagate(entry, out)
}

/** A new tmpfs is empty: what is mounted and made in it (all of /dev, the hierarchies of cgroup v1) comes before `ro`. */
const sealsLater = ({ host }: CreateInput, { mount, options }: Pick<Entry, 'mount' | 'options'>): boolean =>
  (mount.type === 'tmpfs' || (mount.type === 'cgroup' && host.cgroup.mode !== 'v2')) &&
  options.bind === undefined &&
  options.own.set.includes('ro')

/** The `ro` of each tmpfs, unless a later entry has changed it: by slots, which are still open. */
export function sealMounts(input: CreateInput, out: Op[]): void {
  const mounts = input.spec.mounts ?? []
  for (let i = 0; i < mounts.length; i++) {
    const mount = mounts[i] as Mount
    if (mount.options?.includes('ro') !== true) continue
    const options = parseMountOptions(mount.options)
    if (options.remount || !sealsLater(input, { mount, options }) || isRemounted(mounts, i)) continue
    const still = { clear: [], propagation: 'none', recursive: 0 } as const
    out.push({
      op: 'mount_setattr',
      by: 'init',
      at: `/mounts/${i}`,
      slot: `mount:${i}`,
      set: ['ro'],
      ...still,
    })
  }
}

function isRemounted(mounts: readonly Mount[], index: number): boolean {
  const place = inRoot((mounts[index] as Mount).destination)
  return mounts.some(
    ({ destination, options = [] }, i) =>
      i > index && options.includes('remount') && inRoot(destination) === place,
  )
}

/** A new mount has no attributes yet, so there is nothing to clear, and its tree is itself. */
export function fsmountAttributes({ own, tree }: ParsedOptions): MountAttr[] {
  const attrs = own.set.filter(name => !tree.clear.includes(name))
  for (const name of tree.set) if (!attrs.includes(name)) attrs.push(name)
  return attrs
}

/** Attributes of a cloned tree, set before it can be seen anywhere. */
function changeAttributes({ at, slot, options }: Entry, out: Op[]): void {
  for (const [change, recursive] of [
    [options.own, 0],
    [options.tree, 1],
  ] as const) {
    if (change.set.length + change.clear.length === 0) continue
    const { set, clear } = change
    out.push({ op: 'mount_setattr', by: 'init', at, slot, set, clear, propagation: 'none', recursive })
  }
}

/** procfs and sysfs go on real directories only: a link could point a later write elsewhere (CVE-2019-19921). */
export function attach(
  { at, slot, mount, options }: Entry,
  create: 'directory' | 'like_source',
  out: Op[],
): void {
  const follow = options.links.includes('destination') ? 'nofollow' : 'in_root'
  const links = mount.type === 'proc' || mount.type === 'sysfs' ? 'refuse' : follow
  out.push({
    op: 'move_mount',
    by: 'init',
    at,
    slot,
    root: ROOT,
    target: inRoot(mount.destination),
    create,
    links,
  })
}

export function propagate({ at, slot, options }: Entry, out: Op[]): void {
  for (const { type, recursive } of options.propagation) {
    out.push({
      op: 'mount_setattr',
      by: 'init',
      at,
      slot,
      set: [],
      clear: [],
      propagation: type,
      recursive: recursive ? 1 : 0,
    })
  }
}

/** The propagation that mounts ask for, set once more after that of the whole tree: their slots are still open. */
export function propagateAgain(mounts: readonly Mount[], out: Op[]): void {
  for (let i = 0; i < mounts.length; i++) {
    const mount = mounts[i] as Mount
    const options = parseMountOptions(mount.options ?? [])
    propagate({ at: `/mounts/${i}`, slot: `mount:${i}`, mount, options }, out)
  }
}

/** `remount`: changes what an earlier entry mounted. */
function remount(entry: Entry, out: Op[]): void {
  const { at, slot, mount, options } = entry
  out.push({ op: 'open_target', by: 'init', at, slot, root: ROOT, path: inRoot(mount.destination) })
  const data = [...options.superblock, ...options.data]
  if (data.length > 0) out.push({ op: 'fspick', by: 'init', at, slot, options: data })
  changeAttributes(entry, out)
  propagate(entry, out)
}
