import type { EnumName } from '../plan/flags.js'
import type { HostPath, Op } from '../plan/op.js'
import type { Device } from '../spec/types.gen.js'
import { has } from './capabilities.js'
import { type Input, inRoot, ROOT } from './input.js'

/** The devices every container has (config-linux.md, default devices); all of them character devices, mode 0666. */
export const defaultDevices: readonly { path: string; major: number; minor: number }[] = [
  { path: '/dev/null', major: 1, minor: 3 },
  { path: '/dev/zero', major: 1, minor: 5 },
  { path: '/dev/full', major: 1, minor: 7 },
  { path: '/dev/random', major: 1, minor: 8 },
  { path: '/dev/urandom', major: 1, minor: 9 },
  { path: '/dev/tty', major: 5, minor: 0 },
]

/** Symbolic links of a new /dev. An image that brings its own keeps it. */
const links: readonly { path: string; target: string }[] = [
  { path: '/dev/fd', target: '/proc/self/fd' },
  { path: '/dev/stdin', target: '/proc/self/fd/0' },
  { path: '/dev/stdout', target: '/proc/self/fd/1' },
  { path: '/dev/stderr', target: '/proc/self/fd/2' },
  { path: '/dev/core', target: '/proc/kcore' },
  { path: '/dev/ptmx', target: 'pts/ptmx' },
]

const nodeTypes: Readonly<Record<string, EnumName<'nodeType'>>> = {
  c: 'char',
  u: 'char',
  b: 'block',
  p: 'fifo',
}

/** A bind mount over /dev is the user's own: nothing is made in it. */
function devIsBound({ spec }: Input): boolean {
  for (const mount of spec.mounts ?? []) {
    const bound = mount.type === 'bind' || mount.options?.includes('bind') || mount.options?.includes('rbind')
    if (bound && inRoot(mount.destination) === '/dev') return true
  }
  return false
}

/** Device nodes and links of /dev, the listed ones before the default ones that they replace. */
export function devices(input: Input, out: Op[]): void {
  if (devIsBound(input)) return
  const listed = input.linux.devices ?? []
  const seen: string[] = []
  for (let i = 0; i < listed.length; i++) {
    const device = listed[i] as Device
    seen.push(inRoot(device.path))
    node(input, `/linux/devices/${i}`, device, out)
  }
  for (const { path, major, minor } of defaultDevices) {
    if (seen.includes(path)) continue
    node(input, 'default:devices', { type: 'c', path, major, minor, fileMode: 0o666, uid: 0, gid: 0 }, out)
  }
  for (const { path, target } of links) {
    out.push({
      op: 'symlink',
      by: 'init',
      at: 'default:devices',
      root: ROOT,
      path: inRoot(path),
      target,
      tolerate: ['EEXIST'],
    })
  }
}

const CAP_MKNOD = 27

/** In a user namespace, and in a container that took CAP_MKNOD away. An ordinary user's plan is that of root. */
const mayNotMakeNodes = ({ host, userNamespace }: Input): boolean =>
  userNamespace || host.inUserNamespace || (host.euid === 0 && !has(host.capabilities, CAP_MKNOD))

/** Where nodes may not be made, the host's node of the same path is bound. */
function node(input: Input, at: string, device: Device, out: Op[]): void {
  const path = inRoot(device.path)
  if (mayNotMakeNodes(input)) {
    const slot = `device:${path}`
    out.push({
      op: 'open_tree',
      by: 'init',
      at,
      slot,
      path: path as string as HostPath,
      flags: ['clone'],
      nofollow: 0,
    })
    out.push({
      op: 'move_mount',
      by: 'init',
      at,
      slot,
      root: ROOT,
      target: path,
      create: 'file',
      links: 'in_root',
    })
    return
  }
  out.push({
    op: 'mknod',
    by: 'init',
    at,
    root: ROOT,
    path,
    type: nodeTypes[device.type] ?? 'char',
    major: device.major ?? 0,
    minor: device.minor ?? 0,
    // Go's FileMode and some writers keep the file type in the mode (FEATURES B.0).
    mode: (device.fileMode ?? 0o666) & 0o7777,
    uid: device.uid ?? 0,
    gid: device.gid ?? 0,
  })
}
