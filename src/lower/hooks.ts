import type { HookKind, HostPath, Op } from '../plan/op.js'
import { annotated } from '../spec/ocirun.js'
import { stateDocument } from '../spec/statedoc.js'
import type { Hook, Spec } from '../spec/types.gen.js'
import type { Input } from './input.js'

/** Files that hooks append their output to, for hooks that the runtime runs itself. */
export interface HookOutput {
  readonly stdout?: string
  readonly stderr?: string
}

/** What annotations say of them. */
export function hookOutput(of: Pick<Spec, 'annotations'>): HookOutput {
  const stdout = annotated(of, 'run.oci.hooks.stdout')
  const stderr = annotated(of, 'run.oci.hooks.stderr')
  return { ...(stdout !== undefined && { stdout }), ...(stderr !== undefined && { stderr }) }
}

/** The same for hooks that the shim runs: it opens the files before them, where the paths are the host's. */
export function openHookOutput(of: Pick<Spec, 'annotations'>, by: 'helper' | 'monitor', out: Op[]): void {
  for (const [stream, path] of Object.entries(hookOutput(of))) {
    const at = `/annotations/run.oci.hooks.${stream}`
    out.push({ op: 'open_hook_output', by, at, stream: stream === 'stdout' ? 1 : 2, path: path as HostPath })
  }
}

/** For createContainer and startContainer. */
export function openOutputOfInit({ spec }: Input, out: Op[]): void {
  const { createContainer = [], startContainer = [] } = spec.hooks ?? {}
  if (createContainer.length + startContainer.length > 0) openHookOutput(spec, 'helper', out)
}

/** Hooks of one kind that the runtime runs in its own namespaces. */
function byRuntime({ spec }: Input, kind: HookKind, out: Op[]): void {
  const hooks = spec.hooks?.[kind] ?? []
  for (let i = 0; i < hooks.length; i++) {
    const { path, args = [], env = [], timeout } = hooks[i] as Hook
    const rest = { ...(timeout !== undefined && { timeout }), ...hookOutput(spec) }
    out.push({ op: 'hook', by: 'runtime', at: `/hooks/${kind}/${i}`, kind, path, args, env, ...rest })
  }
}

/** Hooks of one kind that init runs in the container's namespaces, with its own pid there in the state. */
function byInit(
  input: Input,
  kind: HookKind,
  status: 'creating' | 'created',
  defaultEnv: readonly string[],
  out: Op[],
) {
  const hooks = input.spec.hooks?.[kind] ?? []
  if (hooks.length === 0) return
  const mark = '\u0001'
  const text = stateDocument(input.request, input.spec.annotations, status, mark)
  const cut = text.indexOf(mark)
  const before = text.slice(0, cut)
  const after = text.slice(cut + mark.length)
  for (let i = 0; i < hooks.length; i++) {
    const hook = hooks[i] as Hook
    const { path, args = [], env = defaultEnv } = hook
    const at = `/hooks/${kind}/${i}`
    out.push({ op: 'run_hook', by: 'init', at, path, args, env, timeout: timeoutOf(hook), before, after })
  }
}

/** For run_hook: seconds, 0 without one. More than 136 years do not fit into an op and are not missed. */
export function timeoutOf({ timeout = 0 }: Hook): number {
  return Math.min(timeout, 0xffffffff)
}

/** prestart and createRuntime: namespaces and mounts are there, the root has not changed. */
export function createRuntimeHooks(input: Input, out: Op[]): void {
  byRuntime(input, 'prestart', out)
  byRuntime(input, 'createRuntime', out)
}

/** createContainer: in the container's namespaces, paths still those of the host. */
export function createContainerHooks(input: Input, out: Op[]): void {
  byInit(input, 'createContainer', 'creating', [], out)
}

/** startContainer: in the container, between `start` and the program; its environment is the container's by default. */
export function startContainerHooks(input: Input, out: Op[]): void {
  byInit(input, 'startContainer', 'created', input.process.env ?? [], out)
}
