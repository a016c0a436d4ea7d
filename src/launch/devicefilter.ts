/**
 * Device rules on cgroup v2: an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE that the kernel asks before every open and mknod of
 * a device. It answers as v1's devices controller does.
 */
import { HostError } from '../base/errors.js'
import type { OpOf } from '../plan/op.js'
import { sleep, syscallError } from '../sys/call.js'
import { close, openDirectory } from '../sys/files.js'
import { native } from '../sys/native.js'

/** struct bpf_cgroup_dev_ctx: u32 access_type (access << 16 | type), u32 major, u32 minor. */
const types: Readonly<Record<string, number>> = { b: 1, c: 2 }
const accesses: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 }

/** Instructions of bpf(2), one opcode byte each: class, source and operation together. */
const LOAD_WORD = 0x61
const MOVE = 0xbf
const MOVE_NUMBER = 0xb7
const AND_NUMBER = 0x54
const SHIFT_RIGHT = 0x74
const JUMP_UNLESS_EQUAL = 0x55
const JUMP_IF_EQUAL = 0x15
const EXIT = 0x95

type Instruction = readonly [opcode: number, dst: number, src: number, offset: number, number: number]

const TYPE = 2
const ACCESS = 3
const MAJOR = 4
const MINOR = 5
const WORK = 6

/** Compiles lines like `c 1:3 rwm` (`*` is every number): one block each, the first that fits answers. */
export function deviceProgram(allowAll: boolean, exceptions: readonly string[]): Uint8Array {
  const program: Instruction[] = [
    [LOAD_WORD, TYPE, 1, 0, 0],
    [MOVE, ACCESS, TYPE, 0, 0],
    [AND_NUMBER, TYPE, 0, 0, 0xffff],
    [SHIFT_RIGHT, ACCESS, 0, 0, 16],
    [LOAD_WORD, MAJOR, 1, 4, 0],
    [LOAD_WORD, MINOR, 1, 8, 0],
  ]
  for (const line of exceptions) program.push(...block(line, allowAll))
  program.push([MOVE_NUMBER, 0, 0, 0, allowAll ? 1 : 0], [EXIT, 0, 0, 0, 0])
  const bytes = new Uint8Array(program.length * 8)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < program.length; i++) {
    const [opcode, dst, src, offset, number] = program[i] as Instruction
    view.setUint8(i * 8, opcode)
    view.setUint8(i * 8 + 1, dst | (src << 4))
    view.setInt16(i * 8 + 2, offset, true)
    view.setInt32(i * 8 + 4, number, true)
  }
  return bytes
}

/** Falls through to the next block where the device or the access is another. */
function block(line: string, allowAll: boolean): Instruction[] {
  const [type = '', numbers = '', letters = ''] = line.split(' ')
  const [major = '*', minor = '*'] = numbers.split(':')
  let access = 0
  for (const letter of letters) access |= accesses[letter] ?? 0
  const tests: Instruction[] = [[JUMP_UNLESS_EQUAL, TYPE, 0, 0, types[type] ?? 0]]
  if (major !== '*') tests.push([JUMP_UNLESS_EQUAL, MAJOR, 0, 0, Number(major)])
  if (minor !== '*') tests.push([JUMP_UNLESS_EQUAL, MINOR, 0, 0, Number(minor)])
  // Allowed is what asks for no more than the line says; denied is what asks for any of it.
  tests.push([MOVE, WORK, ACCESS, 0, 0], [AND_NUMBER, WORK, 0, 0, allowAll ? access : ~access])
  tests.push([allowAll ? JUMP_IF_EQUAL : JUMP_UNLESS_EQUAL, WORK, 0, 0, 0])
  const all: Instruction[] = [...tests, [MOVE_NUMBER, 0, 0, 0, allowAll ? 0 : 1], [EXIT, 0, 0, 0, 0]]
  // A jump counts from the instruction after it to the one after the block.
  return all.map(([opcode, dst, src, offset, number], i) =>
    opcode === JUMP_UNLESS_EQUAL || opcode === JUMP_IF_EQUAL
      ? [opcode, dst, src, all.length - i - 1, number]
      : [opcode, dst, src, offset, number],
  )
}

const BPF_PROG_LOAD = 5
const BPF_PROG_ATTACH = 8
const BPF_PROG_TYPE_CGROUP_DEVICE = 15
const BPF_CGROUP_DEVICE = 6
/** Programs of child cgroups are asked too, and none of them can take this one's place. */
const BPF_F_ALLOW_MULTI = 2
const ATTR_SIZE = 128
const EAGAIN = -11

/** Loads the program and attaches it to the cgroup; it goes with the cgroup. Throws SyscallError and HostError. */
export function attachDeviceFilter({ at, dir, allowAll, exceptions }: OpOf<'cgroup_devices'>): void {
  const calls = native()
  const bytes = deviceProgram(allowAll, exceptions)
  const license = 'Apache\0'
  const memory = calls.alloc(bytes.length + license.length)
  memory.bytes.set(bytes)
  calls.utf8Write(license, memory.bytes, bytes.length)
  const attr = new Uint8Array(ATTR_SIZE)
  const view = new DataView(attr.buffer)
  view.setUint32(0, BPF_PROG_TYPE_CGROUP_DEVICE, true)
  view.setUint32(4, bytes.length / 8, true)
  view.setBigUint64(8, BigInt(memory.address), true)
  view.setBigUint64(16, BigInt(memory.address + bytes.length), true)
  let program = calls.bpf(BPF_PROG_LOAD, attr, ATTR_SIZE)
  // The verifier gives up when a signal comes.
  for (let tries = 1; program === EAGAIN && tries < 5; tries++) {
    sleep(1)
    program = calls.bpf(BPF_PROG_LOAD, attr, ATTR_SIZE)
  }
  if (program < 0) throw refused(at, 'BPF_PROG_LOAD', -program)
  const cgroup = openDirectory(dir)
  attr.fill(0)
  view.setUint32(0, cgroup, true)
  view.setUint32(4, program, true)
  view.setUint32(8, BPF_CGROUP_DEVICE, true)
  view.setUint32(12, BPF_F_ALLOW_MULTI, true)
  const result = calls.bpf(BPF_PROG_ATTACH, attr, ATTR_SIZE)
  close(program)
  close(cgroup)
  if (result < 0) throw refused(at, 'BPF_PROG_ATTACH', -result)
}

function refused(at: string, command: string, errno: number): HostError {
  const { message } = syscallError(errno, 'bpf', command)
  return new HostError(
    `${at}: device rules on cgroup v2: ${message} (needs CAP_SYS_ADMIN and CONFIG_CGROUP_BPF; a container that may use every device needs neither)`,
  )
}
