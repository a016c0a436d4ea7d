import { commit, version } from '../base/version.js'
import { SPEC_VERSION } from '../spec/statedoc.js'
import { native } from '../sys/native.js'

/** runc's lines in runc's order, then our own: docker and go-runc read the first three. */
export function versionText(): string {
  const { engine, arch } = native()
  return `tsrun version ${version}\ncommit: ${commit}\nspec: ${SPEC_VERSION}\nengine: ${engine} ${arch}\n`
}
