import { HostError } from '../base/errors.js'
import type { OpOf } from '../plan/op.js'
import { writeKernelFile } from '../sys/kernelfiles.js'

/**
 * Shifts the clocks of the time namespace that a process has unshared, for its children. Only as long as no process is in it: then
 * the kernel says EACCES (time_namespaces(7)).
 */
export function writeTimeOffsets({ at, text }: OpOf<'write_time_offsets'>, pid: number): void {
  try {
    writeKernelFile(`/proc/${pid}/timens_offsets`, text)
  } catch (error) {
    throw new HostError(
      `${at}: shift the clocks: ${(error as Error).message} (no clock may get below zero or beyond 146 years)`,
    )
  }
}
