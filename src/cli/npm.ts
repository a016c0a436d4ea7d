/**
 * The first file of the npm form's command: loads the parts of the program, each a function that tools/bundlejs.mjs wrapped.
 * PART.cjs is its text. PART.v8 is the same text once more with what V8 made of it at build time (tools/codecache.mjs), which
 * spares compiling: 8 ms of a run. V8 refuses what another release of it or other flags made and compiles the text. Nothing is
 * written here: whoever can write a cache can write the part itself.
 */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Script } from 'node:vm'

/** This file only runs as a CommonJS bundle. */
declare const require: unknown

const loaded: Record<string, unknown> = {}
const file = import.meta.url
const dist = dirname(file)

/** Eight digits, the length of the text; the text; from the next multiple of eight on, where V8 need not copy it, the cache. */
const HEADER = 8

function compiled(path: string): { source: string; cachedData: Buffer } | undefined {
  let bytes: Buffer
  try {
    // As Node itself has just read this file: every other function of fs would have to be compiled, 20 µs each.
    bytes = readFileSync(path)
  } catch {
    return undefined
  }
  const end = HEADER + Number(bytes.toString('latin1', 0, HEADER))
  if (!(end < bytes.length)) return undefined
  return { source: bytes.toString('latin1', HEADER, end), cachedData: bytes.subarray((end + 7) & ~7) }
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
