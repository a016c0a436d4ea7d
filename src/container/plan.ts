import { probeHost } from '../host/probe.js'
import { lower } from '../lower/index.js'
import type { VerifiedPlan } from '../plan/op.js'
import { verify } from '../plan/verify.js'
import { loadBundle } from './bundle.js'
import { requestOf } from './create.js'
import type { CreateOptions } from './options.js'
import { checkId } from './store.js'
import { warnerOf } from './warn.js'

/** `tsrun plan`: what create would do. Needs no root and changes nothing; the rootfs need not exist. */
export function planContainer(options: CreateOptions): VerifiedPlan {
  checkId(options.id)
  const loaded = loadBundle(options)
  const host = probeHost(options.common.rootless, loaded.spec.linux?.mountLabel)
  return verify(lower(loaded.spec, host, requestOf(options, loaded), warnerOf(options.common)).plan)
}
