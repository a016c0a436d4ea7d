import type { Op } from '../plan/op.js'
import { type Input, ROOT } from './input.js'

const SLOT = 'console'

/** `process.terminal`: a pty of the container's own devpts, its slave on /dev/console, its master to whoever asked. */
export function openConsole(
  { process, request, spec }: Input,
  out: Op[],
  devIsMounted = (spec.mounts ?? []).length > 0,
): void {
  if (process.terminal !== true) return
  const size = process.consoleSize
  out.push({
    op: 'open_console',
    by: 'init',
    at: '/process/terminal',
    slot: SLOT,
    root: ROOT,
    rows: size?.height ?? 0,
    columns: size?.width ?? 0,
    console: devIsMounted ? 1 : 0,
  })
  out.push({
    op: 'receive_console',
    by: 'runtime',
    at: '/process/terminal',
    ...(request.consoleSocket === undefined ? {} : { socket: request.consoleSocket }),
  })
}

/** The pty becomes the controlling terminal; without one the inherited descriptors are handed to the user. */
export function useConsole({ process, user }: Input, out: Op[]): void {
  if (process.terminal === true) {
    out.push({ op: 'use_console', by: 'init', at: '/process/terminal', slot: SLOT })
  }
  const { uid, gid } = user
  out.push({
    op: 'chown_stdio',
    by: 'init',
    at: '/process/user',
    uid,
    gid,
    tolerate: ['EINVAL', 'EPERM', 'EROFS'],
  })
}
