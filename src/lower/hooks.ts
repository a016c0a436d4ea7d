import type { HookKind, Op } from '../plan/op.js'
import { stateDocument } from '../spec/statedoc.js'
import type { Hook } from '../spec/types.gen.js'
import type { Input } from './input.js'

/** Hooks of one kind that the runtime runs in its own namespaces. */
function byRuntime({ spec }: Input, kind: HookKind, out: Op[]): void {
  const hooks = spec.hooks?.[kind] ?? []
  for (let i = 0; i < hooks.length; i++) {
    const { path, args = [], env = [], timeout } = hooks[i] as Hook
    const limit = timeout === undefined ? {} : { timeout }
    out.push({ op: 'hook', by: 'runtime', at: `/hooks/${kind}/${i}`, kind, path, args, env, ...limit })
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
    const { path, args = [], env, timeout = 0 } = hooks[i] as Hook
    const at = `/hooks/${kind}/${i}`
    out.push({ op: 'run_hook', by: 'init', at, path, args, env: env ?? defaultEnv, timeout, before, after })
  }
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
