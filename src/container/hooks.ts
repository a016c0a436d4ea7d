import type { Log } from '../base/log.js'
import { runHook } from '../launch/hook.js'
import { hookOutput } from '../lower/hooks.js'
import { stateDocument } from '../spec/statedoc.js'
import type { Hook } from '../spec/types.gen.js'
import type { Record } from './record.js'

/**
 * Runs the hooks that follow a container's life. A poststop hook that fails is told and the next one runs; a poststart hook
 * that fails is thrown, and the caller stops the container (runtime.md, lifecycle).
 */
export function runHooks(
  kind: 'poststart' | 'poststop',
  hooks: readonly Hook[],
  record: Record,
  pid: number | undefined,
  log: Log,
): void {
  for (let i = 0; i < hooks.length; i++) {
    const hook = hooks[i] as Hook
    const status = kind === 'poststart' ? 'running' : 'stopped'
    try {
      runHook(
        { ...hook, ...hookOutput(record), kind, at: `/hooks/${kind}/${i}` },
        stateDocument(record, record.annotations, status, pid),
        record.bundle,
        log,
      )
    } catch (error) {
      if (kind === 'poststart') throw error
      log.warn((error as Error).message)
    }
  }
}
