/** Messages of rtnetlink(7), as bytes: links and their addresses. */
import { errnoName, errnoText } from '../base/errno.js'
import { SyscallError } from '../base/errors.js'
import { check } from '../sys/call.js'
import { native } from '../sys/native.js'

const AF_NETLINK = 16
const SOCK_RAW = 3
const SOCK_CLOEXEC = 0x80000
const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const NLM_F_REQUEST = 0x1
const NLM_F_ACK = 0x4
const NLM_F_DUMP = 0x300
const NLM_F_CREATE_EXCL = 0x600
const RTM_SETLINK = 19
const RTM_GETLINK = 18
const RTM_NEWADDR = 20
const RTM_GETADDR = 22
const IFF_UP = 1
const IFLA_IFNAME = 3
const IFLA_NET_NS_FD = 28
const IFA_FLAGS = 8
const IFA_LABEL = 3
const IFA_CACHEINFO = 6
const IFA_F_PERMANENT = 0x80
const RT_SCOPE_UNIVERSE = 0
/** nlmsghdr, ifinfomsg, ifaddrmsg. */
const HEADER = 16
const LINK = 16
const ADDRESS = 8
/** What the kernel sends at a time. */
const ROOM = 65536

const aligned = (length: number): number => (length + 3) & ~3

export interface Link {
  readonly index: number
  readonly name: string
}

/** A permanent global address of a device: what stands behind the index of its message, ready to be sent again. */
export interface Address {
  readonly family: number
  readonly prefix: number
  readonly attributes: readonly { readonly type: number; readonly value: Uint8Array }[]
}

/** A socket in the network namespace that the calling thread is in. */
export function openNetlink(): number {
  return check(native().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0), 'socket', 'AF_NETLINK, SOCK_RAW')
}

/** Builds one message: its header, a fixed part, and attributes. */
export function message(
  type: number,
  flags: number,
  fixed: Uint8Array,
  attributes: Address['attributes'] = [],
): Uint8Array {
  let length = HEADER + fixed.length
  for (const { value } of attributes) length += aligned(4 + value.length)
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, length, true)
  view.setUint16(4, type, true)
  view.setUint16(6, flags | NLM_F_REQUEST, true)
  bytes.set(fixed, HEADER)
  let at = HEADER + fixed.length
  for (const { type, value } of attributes) {
    view.setUint16(at, 4 + value.length, true)
    view.setUint16(at + 2, type, true)
    bytes.set(value, at + 4)
    at += aligned(4 + value.length)
  }
  return bytes
}

/** Sends a request and hands each answer to `take`, its fixed part and what follows. Throws SyscallError. */
function ask(socket: number, what: string, request: Uint8Array, take: (answer: Uint8Array) => void): void {
  check(native().write(socket, request, request.length), 'write', () => what)
  const room = new Uint8Array(ROOM)
  for (;;) {
    const length = check(native().read(socket, room, ROOM), 'read', () => what)
    const view = new DataView(room.buffer, 0, length)
    for (let at = 0; at + HEADER <= length; at += aligned(view.getUint32(at, true))) {
      const type = view.getUint16(at + 4, true)
      if (type === NLMSG_DONE) return
      if (type === NLMSG_ERROR) {
        const errno = -view.getInt32(at + HEADER, true)
        if (errno === 0) return
        const name = errnoName(errno)
        throw new SyscallError(what, errno, name, `${what}: ${name}, ${errnoText(errno)}`)
      }
      take(room.subarray(at + HEADER, at + view.getUint32(at, true)))
    }
  }
}

/** Attributes behind a fixed part of `from` bytes. The values are copies. */
export function attributesOf(bytes: Uint8Array, from: number): { type: number; value: Uint8Array }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const list: { type: number; value: Uint8Array }[] = []
  for (let at = from; at + 4 <= bytes.length; ) {
    const length = view.getUint16(at, true)
    if (length < 4) break
    list.push({ type: view.getUint16(at + 2, true) & 0x3fff, value: bytes.slice(at + 4, at + length) })
    at += aligned(length)
  }
  return list
}

/** All devices of the socket's namespace. */
export function listLinks(socket: number): Link[] {
  const links: Link[] = []
  ask(socket, 'RTM_GETLINK', message(RTM_GETLINK, NLM_F_DUMP, new Uint8Array(LINK)), answer => {
    const index = new DataView(answer.buffer, answer.byteOffset).getInt32(4, true)
    const name = attributesOf(answer, LINK).find(({ type }) => type === IFLA_IFNAME)?.value
    if (name !== undefined) links.push({ index, name: native().utf8Read(name, 0, name.length - 1) })
  })
  return links
}

/** The addresses of a device that are to go with it: permanent (IFA_F_PERMANENT) and global (RT_SCOPE_UNIVERSE) ones. */
export function listAddresses(socket: number, index: number): Address[] {
  const addresses: Address[] = []
  ask(socket, 'RTM_GETADDR', message(RTM_GETADDR, NLM_F_DUMP, new Uint8Array(ADDRESS)), answer => {
    const view = new DataView(answer.buffer, answer.byteOffset)
    if (view.getInt32(4, true) !== index || answer[3] !== RT_SCOPE_UNIVERSE) return
    const attributes = attributesOf(answer, ADDRESS)
    const flags = attributes.find(({ type }) => type === IFA_FLAGS)?.value ?? answer.subarray(2, 3)
    if (((flags[0] as number) & IFA_F_PERMANENT) === 0) return
    addresses.push({
      family: answer[0] as number,
      prefix: answer[1] as number,
      // The label holds the old name, and the kernel counts lifetimes itself.
      attributes: attributes.filter(({ type }) => type !== IFA_LABEL && type !== IFA_CACHEINFO),
    })
  })
  return addresses
}

/** Gives a device an address. Throws SyscallError. */
export function addAddress(socket: number, index: number, { family, prefix, attributes }: Address): void {
  const fixed = new Uint8Array(ADDRESS)
  fixed[0] = family
  fixed[1] = prefix
  new DataView(fixed.buffer).setInt32(4, index, true)
  const request = message(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE_EXCL, fixed, attributes)
  ask(socket, 'RTM_NEWADDR', request, () => {})
}

function linkMessage(index: number, flags: number, attributes: Address['attributes'] = []): Uint8Array {
  const fixed = new Uint8Array(LINK)
  const view = new DataView(fixed.buffer)
  view.setInt32(4, index, true)
  view.setUint32(8, flags, true)
  view.setUint32(12, IFF_UP, true)
  return message(RTM_SETLINK, NLM_F_ACK, fixed, attributes)
}

/** Brings a device up or down. Throws SyscallError. */
export function setLinkState(socket: number, index: number, up: boolean): void {
  ask(socket, 'RTM_SETLINK', linkMessage(index, up ? IFF_UP : 0), () => {})
}

/** Moves a device, which is brought down, into another network namespace under a name; `%d` in it is a free number. */
export function moveLink(socket: number, index: number, namespace: number, name: string): void {
  const value = new Uint8Array(name.length * 3 + 1)
  const length = native().utf8Write(name, value, 0)
  const fd = new Uint8Array(4)
  new DataView(fd.buffer).setInt32(0, namespace, true)
  const attributes = [
    { type: IFLA_NET_NS_FD, value: fd },
    { type: IFLA_IFNAME, value: value.subarray(0, length + 1) },
  ]
  ask(socket, 'RTM_SETLINK', linkMessage(index, 0, attributes), () => {})
}
