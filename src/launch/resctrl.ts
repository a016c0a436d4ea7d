/** Resource groups of resctrl (Intel RDT and AMD QoS): Documentation/filesystems/resctrl.rst, config-linux.md. */
import { HostError } from '../base/errors.js'
import type { OpOf } from '../plan/op.js'
import { mkdirs, tryRmdir } from '../sys/directories.js'
import { exists, statfsType } from '../sys/files.js'
import { readKernelFile, writeKernelFile } from '../sys/kernelfiles.js'

const RDTGROUP_SUPER_MAGIC = 0x7655821

/** What this module does to files: the tests have a tree of their own. */
export interface Tree {
  isResctrl(path: string): boolean
  exists(path: string): boolean
  /** Makes one directory. Throws SyscallError. */
  mkdir(path: string): void
  rmdir(path: string): void
  read(path: string): string | undefined
  /** Throws SyscallError. */
  write(path: string, text: string): void
}

const kernel: Tree = {
  isResctrl: path => statfsType(path) === RDTGROUP_SUPER_MAGIC,
  exists,
  mkdir: path => void mkdirs(path),
  rmdir: path => void tryRmdir(path),
  read: readKernelFile,
  write: writeKernelFile,
}

type Values = Map<string, Map<string, string>>

/** `L3:0=00ff;1=ff` by resource and domain. The kernel pads and reorders: masks lose their zeros, blanks go. */
export function parseSchemata(text: string): Values {
  const values: Values = new Map()
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    if (colon < 0) continue
    const name = line.slice(0, colon).trim()
    const domains = values.get(name) ?? new Map<string, string>()
    values.set(name, domains)
    for (const part of line.slice(colon + 1).split(';')) {
      const equals = part.indexOf('=')
      if (equals >= 0) domains.set(part.slice(0, equals).trim(), withoutZeros(part.slice(equals + 1).trim()))
    }
  }
  return values
}

function withoutZeros(digits: string): string {
  let at = 0
  while (at < digits.length - 1 && digits.charAt(at) === '0') at++
  return digits.slice(at).toLowerCase()
}

/** The first value of `asked` that a group with `actual` does not have, as `L3:0=f`. */
export function difference(asked: string, actual: string): string | undefined {
  const have = parseSchemata(actual)
  for (const [name, domains] of parseSchemata(asked)) {
    for (const [domain, value] of domains) {
      if (have.get(name)?.get(domain) !== value) return `${name}:${domain}=${value}`
    }
  }
  return undefined
}

/**
 * Makes the resource group of a container, or checks the one that is there, and the monitoring group in it. Returns the directories
 * that are new, parents first; a failure removes them. Throws HostError, SyscallError.
 */
export function createResctrl(op: OpOf<'resctrl_create'>, tree: Tree = kernel): string[] {
  const { at, mount, group, compare, schemata, monitor } = op
  const lines = compare + schemata
  if (!tree.isResctrl(mount)) {
    throw new HostError(
      `${at}: intelRdt is specified in config, but resctrl is not mounted on ${mount}: mount -t resctrl resctrl ${mount} (the CPU and the kernel must have it), or leave intelRdt out`,
    )
  }
  const made: string[] = []
  try {
    if (tree.exists(group)) {
      check(op, tree)
      if (schemata !== '') writeSchemata({ at, mount, group, lines }, tree)
    } else {
      if (op.mustExist) {
        throw new HostError(
          `${at}/closID: there is no resource group ${group}: make it, or give schemata for a new one`,
        )
      }
      tree.mkdir(group)
      made.push(group)
      if (lines !== '') writeSchemata({ at, mount, group, lines }, tree)
    }
    if (monitor !== undefined && !tree.exists(monitor)) {
      tree.mkdir(monitor)
      made.push(monitor)
    }
    return made
  } catch (error) {
    for (let i = made.length - 1; i >= 0; i--) tree.rmdir(made[i] as string)
    throw error
  }
}

/** Those of the new directories that go with the container. A group that was named stays, as others may have joined it. */
export function ownGroups({ keep, group }: OpOf<'resctrl_create'>, made: readonly string[]): string[] {
  return made.filter(directory => !keep || directory !== group)
}

/** A group that is there may be somebody else's: it must be as the older fields say. */
function check({ at, group, compare }: OpOf<'resctrl_create'>, tree: Tree): void {
  if (compare === '') return
  const wrong = difference(compare, tree.read(`${group}/schemata`) ?? '')
  if (wrong === undefined) return
  throw new HostError(`${at}: the resource group ${group} exists, and has not ${wrong} in its schemata`)
}

function writeSchemata({ at, mount, group, lines }: ResctrlChange & { at: string }, tree: Tree): void {
  try {
    tree.write(`${group}/schemata`, lines)
  } catch (error) {
    const why = tree.read(`${mount}/info/last_cmd_status`)?.trim() ?? ''
    const told = why === '' || why === 'ok' ? '' : ` (${why})`
    throw new HostError(`${at}: set the schemata: ${(error as Error).message}${told}`)
  }
}

/** What `update` asks of a container's resource group. */
export interface ResctrlChange {
  readonly mount: string
  readonly group: string
  /** Lines of schemata; what they do not name stays. */
  readonly lines: string
}

/**
 * Changes the schemata of a group, then does the rest; when either fails the group is as it was. Throws HostError, and what `after` throws.
 */
export function changeResctrl(
  { mount, group, lines }: ResctrlChange,
  after: () => void,
  tree: Tree = kernel,
): void {
  const at = '/linux/intelRdt'
  const known = parseSchemata(tree.isResctrl(mount) ? (tree.read(`${mount}/schemata`) ?? '') : '')
  for (const name of parseSchemata(lines).keys()) {
    if (known.has(name)) continue
    // runc's texts for the two that there are options for.
    if (name.startsWith('MB')) throw new HostError('Intel RDT/MBA: memory bandwidth schema is not enabled')
    throw new HostError(`Intel RDT/CAT: l3 cache schema is not enabled (no ${name} in ${mount}/schemata)`)
  }
  const old = tree.read(`${group}/schemata`)
  if (old === undefined) throw new HostError(`${at}: the resource group ${group} is gone`)
  try {
    writeSchemata({ at, mount, group, lines }, tree)
    after()
  } catch (error) {
    try {
      tree.write(`${group}/schemata`, old)
    } catch {}
    throw error
  }
}

/** Moves a process into its groups; the group itself first, which would take it out of a monitoring group. */
export function joinResctrl({ dirs }: OpOf<'resctrl_join'>, pid: number, tree: Tree = kernel): void {
  for (const dir of dirs) tree.write(`${dir}/tasks`, `${pid}`)
}

/** Removes groups that a container made: its processes fall back to the group above. */
export function removeResctrl(directories: readonly string[]): void {
  for (let i = directories.length - 1; i >= 0; i--) tryRmdir(directories[i] as string)
}
