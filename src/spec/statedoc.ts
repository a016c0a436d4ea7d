import { SPEC_VERSION } from '../base/version.js'

export { SPEC_VERSION }

/** The status words of runtime.md, and runc's `paused`. */
export type Status = 'creating' | 'created' | 'running' | 'stopped' | 'paused'

/**
 * The container state of runtime.md as hooks receive it. `pid` is a number, or a text that the shim replaces by the pid that
 * init has in its own namespace; undefined once the container has stopped.
 */
export function stateDocument(
  container: { readonly id: string; readonly bundle: string },
  annotations: Readonly<Record<string, string>> | undefined,
  status: Status,
  pid: number | string | undefined,
): string {
  const { id, bundle } = container
  const head = JSON.stringify({ ociVersion: SPEC_VERSION, id, status })
  const tail = JSON.stringify({ bundle, annotations })
  const middle = pid === undefined ? '' : `,"pid":${pid}`
  return `${head.slice(0, -1)}${middle},${tail.slice(1)}`
}
