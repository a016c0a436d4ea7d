import type { Op } from '../plan/op.js'
import type { Input } from './input.js'

/** Made while the shim starts, joined by the helper while it is still the host's. */
export function joinCgroup({ cgroup }: Input, out: Op[]): void {
  out.push(...cgroup.create, ...cgroup.join)
}

/** What only the runtime may do with init. */
export function moveInit({ cgroup }: Input, out: Op[]): void {
  out.push(...cgroup.moveInit)
}

const hasRuntimeHooks = ({ spec }: Input): boolean =>
  (spec.hooks?.prestart ?? []).length + (spec.hooks?.createRuntime ?? []).length > 0

/**
 * Limits that would hinder init at its work. Before the runtime's hooks where there are some: a hook may widen them (GPUs are added
 * to the device rules that way), and a later write would take that back.
 */
export function limitBeforeHooks(input: Input, out: Op[]): void {
  if (hasRuntimeHooks(input)) out.push(...input.cgroup.limit)
}

/** Without such hooks they share the last barrier. */
export function limitBeforeStart(input: Input, out: Op[]): void {
  if (!hasRuntimeHooks(input)) out.push(...input.cgroup.limit)
}
