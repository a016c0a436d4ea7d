/** Hand-made plans. */
import type { Op } from '../../src/plan/op.js'
import { helper, host, init, inRoot } from './support.js'

/** A container with a root, /proc and /dev/pts, up to where a test wants to go on. */
export function container(rootfs: string, more: readonly Op[], args: readonly string[]): Op[] {
  return [
    helper({ op: 'clone_init', namespaces: ['mount', 'pid', 'ipc', 'uts', 'network'] }),
    init({ op: 'setsid' }),
    init({ op: 'set_propagation', path: host('/'), propagation: 'slave', recursive: 1 }),
    init({ op: 'make_parent_private', path: host(rootfs) }),
    init({ op: 'open_root', slot: 'root', path: host(rootfs) }),
    init({
      op: 'fsmount',
      slot: 'proc',
      type: 'proc',
      source: 'proc',
      options: [],
      attrs: ['nosuid', 'noexec', 'nodev'],
    }),
    init({
      op: 'move_mount',
      slot: 'proc',
      root: 'root',
      target: inRoot('/proc'),
      create: 'directory',
      links: 'refuse',
    }),
    ...more,
    init({ op: 'pivot_root', root: 'root' }),
    init({ op: 'sethostname', name: 'shim' }),
    init({ op: 'chdir', path: '/', retry: 0 }),
    init({ op: 'check_cwd', retry: 0 }),
    init({ op: 'find_home', uid: 0 }),
    init({ op: 'find_executable', name: args[0] ?? '', path: '/:/bin' }),
    init({ op: 'ready' }),
    init({ op: 'close_on_exec', first: 3 }),
    init({ op: 'exec', args, env: ['A=b'] }),
  ]
}
