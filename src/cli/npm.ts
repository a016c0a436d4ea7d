/**
 * The first file of the npm form's command: loads the parts of the program, each a function that tools/bundlejs.mjs wrapped.
 * PART.cjs is its text. PART.v8 is the same text once more with what V8 made of it at build time (tools/codecache.mjs), which
 * spares compiling: 8 ms of a run. V8 refuses what another release of it or other flags made and compiles the text. Nothing is
 * written here: whoever can write a cache can write the part itself.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { dirname } from 'node:path'
import { Script } from 'node:vm'

/** This file only runs as a CommonJS bundle. */
declare const require: unknown

const loaded: Record<string, unknown> = {}
const file = import.meta.url
const dist = dirname(file)

/** For a whole file in one read(2); pages that are not written do not exist. */
const room = Buffer.allocUnsafeSlow(1 << 20)

/** Eight digits, the length of the text; the text; from the next multiple of eight on, where V8 need not copy it, the cache. */
const HEADER = 8

function compiled(path: string): { source: string; cachedData: Buffer } | undefined {
  let fd: number
  try {
    fd = openSync(path, 0)
  } catch {
    return undefined
  }
  const length = readSync(fd, room, 0, room.length, null)
  closeSync(fd)
  const end = HEADER + Number(room.toString('latin1', 0, HEADER))
  if (length === room.length || !(end < length)) return undefined
  return { source: room.toString('latin1', HEADER, end), cachedData: room.subarray((end + 7) & ~7, length) }
}

function loadPart(part: string): unknown {
  const known = loaded[part]
  if (known !== undefined) return known
  const path = `${dist}/${part}.cjs`
  const ready = compiled(`${dist}/${part}.v8`)
  const script = new Script(ready?.source ?? readFileSync(path, 'latin1'), {
    filename: path,
    ...(ready !== undefined && { cachedData: ready.cachedData }),
  })
  const module = { exports: {} }
  script.runInThisContext()(module, require, file, loadPart)
  loaded[part] = module.exports
  return module.exports
}

loadPart('boot')
