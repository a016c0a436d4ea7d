import { HostError, TsrunError } from '../base/errors.js'
import { template } from '../spec/template.js'
import { check } from '../sys/call.js'
import { close, O } from '../sys/files.js'
import { native } from '../sys/native.js'
import { absolute } from './store.js'

const EEXIST = -17

/** `tsrun spec`: writes a config.json to begin with, indented by tabs. An existing one is never touched. Throws HostError, SyscallError. */
export function writeSpec(bundle: string, rootless: boolean): void {
  const sys = native()
  const owner = rootless ? { rootless: { uid: sys.geteuid(), gid: sys.getegid() } } : {}
  const text = JSON.stringify(template(owner), undefined, '\t')
  const path = `${absolute(bundle)}/config.json`
  const fd = sys.open(path, O.WRONLY | O.CREAT | O.EXCL | O.CLOEXEC, 0o666)
  if (fd === EEXIST) throw new HostError('File config.json exists. Remove it first')
  try {
    check(fd, 'open', JSON.stringify(path))
    const bytes = new Uint8Array(text.length * 3)
    const length = sys.utf8Write(text, bytes, 0)
    check(sys.write(fd, bytes, length), 'write', JSON.stringify(path))
  } catch (error) {
    throw error instanceof TsrunError ? error.wrap('write a config') : error
  } finally {
    if (fd >= 0) close(fd)
  }
}
