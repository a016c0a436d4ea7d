import { ConfigError } from '../base/errors.js'
import type { HostPath } from '../plan/op.js'
import { type Explainer, loadSpec, type ValidSpec } from '../spec/load.js'
import { warnings } from '../spec/rules/index.js'
import { close, openPath, readLink, tryStat } from '../sys/files.js'
import { native } from '../sys/native.js'
import { loadFile } from './document.js'
import type { CreateOptions } from './options.js'
import { absolute } from './store.js'
import { warnerOf } from './warn.js'

const S_IFMT = 0o170000
const S_IFDIR = 0o040000

/** A config, checked, with where it lies. */
export interface LoadedBundle {
  readonly bundle: string
  readonly rootfs: string
  readonly spec: ValidSpec
  /** As it was read: what is frozen in the state directory. */
  readonly text: string
}

const NO_CONFIG = 'tsrun spec writes one; --bundle names the directory that holds it'

/** Reads and checks a bundle's config. Throws ConfigError with a JSON pointer, SyscallError. */
export function loadBundle(options: Pick<CreateOptions, 'bundle' | 'config' | 'common'>): LoadedBundle {
  const bundle = realDirectory(absolute(options.bundle), 'bundle')
  const path = options.config === undefined ? `${bundle}/config.json` : absolute(options.config)
  const explain = () => native().load('explain') as Explainer
  const { text, value: spec } = loadFile('config', path, text => loadSpec(text, explain), NO_CONFIG)
  const warn = warnerOf(options.common)
  for (const { pointer, message } of warnings(spec)) warn(pointer, message)
  const { path: root } = spec.root
  return { bundle, rootfs: root.startsWith('/') ? root : `${bundle}/${root}`, spec, text }
}

/** The same path without symbolic links; it must be a directory. */
function realDirectory(path: string, what: string): string {
  try {
    const fd = openPath(path)
    try {
      const real = readLink(`/proc/self/fd/${fd}`)
      const status = tryStat(real)
      if (status === undefined || (status.mode & S_IFMT) !== S_IFDIR) {
        throw new ConfigError('', `${what}-is-directory`, `${what} ${path} is no directory`)
      }
      return real
    } finally {
      close(fd)
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError('', `${what}-exists`, `${what} ${path}: ${(error as Error).message}`)
  }
}

/** The rootfs without symbolic links. Throws ConfigError `invalid rootfs`. */
export function realRootfs(path: string): HostPath {
  try {
    return realDirectory(path, 'rootfs') as HostPath
  } catch (error) {
    throw new ConfigError('/root/path', 'rootfs-exists', `invalid rootfs: ${(error as Error).message}`)
  }
}
