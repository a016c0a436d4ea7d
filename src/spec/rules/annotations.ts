import { annotated, type HonouredAnnotation } from '../ocirun.js'
import { show } from '../pointer.js'
import type { Spec } from '../types.gen.js'
import { broken, type SpecRule } from './rule.js'

/** Their values are paths on the host. crun takes relative ones, too, from wherever it is. */
const paths: readonly HonouredAnnotation[] = [
  'run.oci.hooks.stdout',
  'run.oci.hooks.stderr',
  'run.oci.seccomp.receiver',
  'run.oci.pidfd_receiver',
]

const contexts: readonly string[] = ['context', 'fscontext', 'defcontext', 'rootcontext']

export const annotations: SpecRule = spec => {
  if (spec.annotations === undefined) return undefined
  return spec.annotations[''] === undefined
    ? ociRun(spec)
    : broken('/annotations/', 'annotation-key', 'the key of an annotation must not be empty')
}

/** Values of crun's annotations that are none, and the one that cannot be passed over: it asks for more isolation than there is. */
function ociRun(spec: Spec): ReturnType<SpecRule> {
  for (const name of paths) {
    const path = annotated(spec, name)
    if (path !== undefined && path.charAt(0) !== '/') {
      return broken(`/annotations/${name}`, 'annotation-path', `must be an absolute path, is ${show(path)}`)
    }
  }
  const context = annotated(spec, 'run.oci.mount_context_type')
  if (context !== undefined && !contexts.includes(context)) {
    const text = `must be one of ${contexts.join(', ')}, is ${show(context)}`
    return broken('/annotations/run.oci.mount_context_type', 'annotation-context', text)
  }
  const handler = spec.annotations?.['run.oci.handler']
  if (handler === undefined) return undefined
  const text = `tsrun has no handler ${show(handler)}: it runs programs of this kernel, in no virtual machine and no interpreter`
  return broken('/annotations/run.oci.handler', 'annotation-handler', text)
}
