import { errnoName } from '../base/errno.js'
import { SyscallError } from '../base/errors.js'
import { describeOp } from '../plan/describe.js'
import type { Frame } from '../plan/frames.js'
import type { Op } from '../plan/op.js'
import { type OpName, opcodes } from '../plan/opcodes.js'

export type Failed = Extract<Frame, { readonly kind: 'failed' }>

/** What a `failed` frame of the shim means: the op's own words, the kernel's, and the config field that asked for it. */
export function failureOf(op: Op, { step, errno, detail }: Failed, ops: readonly Op[]): SyscallError {
  const steps = Object.hasOwn(opcodes, op.op) ? opcodes[op.op as OpName].steps : []
  const name = (steps as readonly string[])[step] ?? op.op
  return new SyscallError(name, errno, errnoName(errno), describeOp(op, step, errno, detail, ops))
}
