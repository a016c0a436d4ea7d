import { probeHost } from '../host/probe.js'
import { lower } from '../lower/index.js'
import type { VerifiedPlan } from '../plan/op.js'
import { verify } from '../plan/verify.js'
import { loadBundle, requestOf } from './create.js'
import type { CreateOptions } from './options.js'
import { checkId } from './store.js'

/** `tsrun plan`: what create would do. Needs no root and changes nothing; the rootfs need not exist. */
export function planContainer(options: CreateOptions): VerifiedPlan {
  checkId(options.id)
  const loaded = loadBundle(options)
  const { log } = options.common
  const warn = (pointer: string, message: string): void => log.warn(`${pointer}: ${message}`, { pointer })
  return verify(lower(loaded.spec, probeHost(options.common.rootless), requestOf(options, loaded), warn).plan)
}
