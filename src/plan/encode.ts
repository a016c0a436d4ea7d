/** A plan as the bytes that the shim reads: `shim/README.md` is the format, `opcodes.ts` the table. */
import { PlanError } from '../base/errors.js'
import type { Op, RuntimeOp } from './op.js'
import { buildId, fieldCounts, writeOp } from './wire.gen.js'
import { begin, finish, head, pair, type Utf8Write } from './writer.js'

export type { Utf8Write } from './writer.js'

/** Bytes of a record before its fields. */
const RECORD = 16
/** `TSRP`, read as a little-endian word. */
const MAGIC = 0x50525354
/** Opcode of a barrier, which stands for runtime ops. */
const BARRIER = 1

export interface EncodedPlan {
  /** Exactly the file for the shim. */
  readonly bytes: Uint8Array
  /** What the runtime does at each barrier, by its number. */
  readonly barriers: readonly (readonly RuntimeOp[])[]
}

/** Puts each group of runtime ops into a barrier, and counts the records. */
function group(ops: readonly Op[]): { barriers: RuntimeOp[][]; count: number; size: number } {
  const barriers: RuntimeOp[][] = []
  let waiting: RuntimeOp[] | undefined
  let size = 0
  let count = 0
  for (let i = 0; i < ops.length; i++) {
    const op = ops[i] as Op
    if (op.by !== 'runtime') {
      waiting = undefined
      size += RECORD + 8 * fieldCounts[op.op]
      count += 1
    } else if (waiting === undefined) {
      waiting = [op]
      barriers.push(waiting)
      size += RECORD + 8
      count += 1
    } else waiting.push(op)
  }
  if (waiting !== undefined) throw new PlanError(`${waiting[0]?.op} stands after the last op of the shim`)
  return { barriers, count, size }
}

/**
 * Encodes a plan. Ops of the runtime are left out; a barrier stands where each group of them stood. Throws PlanError for a value
 * that the wire cannot carry, or a slot that nothing opened: bugs of lowering.
 */
export function encodePlan({ ops }: { readonly ops: readonly Op[] }, utf8Write: Utf8Write): EncodedPlan {
  const { barriers, count, size } = group(ops)
  begin(size, utf8Write)
  let n = 0
  let grouped = false
  let i = 0
  try {
    for (; i < ops.length; i++) {
      const op = ops[i] as Op
      if (op.by !== 'runtime') {
        grouped = false
        writeOp(op, i)
      } else if (!grouped) {
        grouped = true
        head({}, i, BARRIER, 1)
        pair(n, 0)
        n += 1
      }
    }
  } catch (error) {
    // A field that lowering forgot is a TypeError here: a bug of ours as much as a value that the wire cannot carry.
    throw new PlanError(`${ops[i]?.op} (${ops[i]?.at}): ${(error as Error).message}`)
  }
  return { bytes: finish(MAGIC, buildId, count), barriers }
}
