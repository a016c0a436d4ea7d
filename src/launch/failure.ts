import { HostError, SyscallError, type TsrunError } from '../base/errors.js'
import type { FailedFrame } from '../plan/frames.js'
import type { Op } from '../plan/op.js'
import { native } from '../sys/native.js'
import { refusals } from './userns.js'

/** The part that has words for failures: a start that goes well does not load it. */
type FailurePart = { readonly describeFailure: typeof import('../plan/describe.js').describeFailure }

/** What a `failed` frame of the shim means: the op's own words, the kernel's, and the config field that asked for it. */
export function failureOf(op: Op, frame: FailedFrame, ops: readonly Op[]): TsrunError {
  const { describeFailure } = native().load('failure') as FailurePart
  const { syscall, errnoName, finding, message } = describeFailure(op, frame, ops)
  if (finding) return new HostError(message)
  const why = madeUserNamespace.includes(op.op) && refused.includes(errnoName) ? refusals() : ''
  return new SyscallError(syscall, frame.errno, errnoName, message + why)
}

/** What fails where a user may make no user namespace, or gets no rights in it. */
const madeUserNamespace: readonly string[] = [
  'unshare',
  'clone_init',
  'become_root',
  'mount_setattr',
  'fsmount',
]
const refused: readonly string[] = ['EPERM', 'EACCES', 'ENOSPC', 'EUSERS']
