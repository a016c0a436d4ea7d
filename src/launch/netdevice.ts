import { HostError, InternalError, SyscallError } from '../base/errors.js'
import type { OpOf } from '../plan/op.js'
import { check } from '../sys/call.js'
import { native } from '../sys/native.js'
import { addAddress, listAddresses, listLinks, moveLink, openNetlink, setLinkState } from './netlink.js'

const O_CLOEXEC = 0x80000
const CLONE_NEWNET = 0x40000000

/**
 * Moves a device of the host into the container's network namespace, with its permanent global addresses, and brings it up there.
 * When the namespace ends the kernel gives physical devices back, under their last name; virtual ones end with it.
 */
export function moveNetDevice({ at, from, name }: OpOf<'move_net_device'>, pid: number): void {
  let host: number | undefined
  let namespace: number | undefined
  let inside: number | undefined
  try {
    host = openNetlink()
    const device = listLinks(host).find(link => link.name === from)
    if (device === undefined) throw new HostError(`${at}: there is no network device ${from}`)
    namespace = openNamespace(`/proc/${pid}/ns/net`)
    inside = socketInside(namespace)
    const before = listLinks(inside)
    if (before.some(link => link.name === name)) {
      throw new HostError(
        `${at}: the container has a network device ${name} already: name another one, or ${name}%d`,
      )
    }
    const addresses = listAddresses(host, device.index)
    setLinkState(host, device.index, false)
    moveLink(host, device.index, namespace, name)
    // Its index may be another one there, and its name was perhaps the kernel's choice.
    const moved = listLinks(inside).find(({ index }) => !before.some(link => link.index === index))
    if (moved === undefined) throw new InternalError(`network device ${from} got lost on its way`)
    for (const address of addresses) addAddress(inside, moved.index, address)
    setLinkState(inside, moved.index, true)
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    throw new HostError(
      `${at}: move network device ${from} into the container: ${error.message}${hint(error)}`,
    )
  } finally {
    for (const fd of [host, namespace, inside]) if (fd !== undefined) native().close(fd)
  }
}

/** Brings up the loopback device of a process's network namespace. Throws SyscallError. */
export function bringUpLoopback(pid: number): void {
  const namespace = openNamespace(`/proc/${pid}/ns/net`)
  let inside: number | undefined
  try {
    inside = socketInside(namespace)
    const device = listLinks(inside).find(({ name }) => name === 'lo')
    if (device !== undefined) setLinkState(inside, device.index, true)
  } finally {
    for (const fd of [namespace, inside]) if (fd !== undefined) native().close(fd)
  }
}

function hint({ errnoName }: SyscallError): string {
  if (errnoName === 'EPERM') return ' (it takes CAP_NET_ADMIN over both network namespaces: run as root)'
  if (errnoName === 'EINVAL') return ' (this device cannot leave its namespace, or the name is no name)'
  return ''
}

function openNamespace(path: string): number {
  return check(native().open(path, O_CLOEXEC, 0), 'open', () => JSON.stringify(path))
}

/**
 * A socket that belongs to another network namespace. The calling thread is there for as long as it takes to make it, and nothing else
 * runs on this thread meanwhile.
 */
function socketInside(namespace: number): number {
  const own = openNamespace('/proc/thread-self/ns/net')
  const entered = native().setns(namespace, CLONE_NEWNET)
  let socket: number | undefined
  let failure: unknown
  try {
    check(entered, 'setns', 'CLONE_NEWNET')
    socket = openNetlink()
  } catch (error) {
    failure = error
  }
  const returned = entered < 0 ? 0 : native().setns(own, CLONE_NEWNET)
  native().close(own)
  if (returned < 0) throw new InternalError('cannot return to the network namespace')
  if (socket === undefined) throw failure
  return socket
}
