/**
 * The first file of the npm form's command: loads the parts of the program, each a function that tools/bundlejs.mjs wrapped.
 * Beside a part lies what V8 made of it at build time (tools/codecache.mjs), which spares compiling: 8 ms of a run. V8 refuses
 * what another release of it or other flags made, but knows a source by its length only, so both end, or begin, with its
 * hash. Nothing is written here: whoever can write a cache can write the part itself.
 */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Script } from 'node:vm'

/** This file only runs as a CommonJS bundle. */
declare const require: unknown

const HASH = 32
const loaded: Record<string, unknown> = {}
const file = import.meta.url
const dist = dirname(file)

function cacheOf(path: string, source: string): Buffer | undefined {
  try {
    const cache = readFileSync(`${path}.cache`)
    return cache.toString('latin1', 0, HASH) === source.slice(-HASH) ? cache.subarray(HASH) : undefined
  } catch {
    return undefined
  }
}

function loadPart(part: string): unknown {
  const known = loaded[part]
  if (known !== undefined) return known
  const path = `${dist}/${part}.cjs`
  const source = readFileSync(path, 'utf8')
  const cachedData = cacheOf(path, source)
  const script = new Script(source, { filename: path, ...(cachedData !== undefined && { cachedData }) })
  const module = { exports: {} }
  script.runInThisContext()(module, require, file, loadPart)
  loaded[part] = module.exports
  return module.exports
}

loadPart('boot')
