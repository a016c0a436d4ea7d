/**
 * The first file of the npm form's command: loads the parts of the program, each a function that tools/bundlejs.mjs wrapped.
 * PART.cjs is its text. PART.v8 is the same text once more with what V8 made of it at build time (tools/codecache.mjs), which
 * spares compiling: 8 ms of a run. V8 refuses what another release of it or other flags made and compiles the text. Nothing is
 * written here: whoever can write a cache can write the part itself.
 */
import { readFileSync } from 'node:fs'

/** This file only runs as a CommonJS bundle. */
declare const require: (module: 'node:vm') => typeof import('node:vm')

type Part = (module: { exports: unknown }, require: unknown, filename: string, load: typeof loadPart) => void

interface Ready {
  readonly source: string
  readonly cachedData: Uint8Array
  /** The release of Node.js that `compileDirectly` was tried with at build time. */
  readonly release: string
}

const loaded: Record<string, unknown> = {}
const file = import.meta.url
const dist = file.slice(0, file.lastIndexOf('/'))

/**
 * PART.v8: eight digits, the length of the text; sixteen characters, the release of Node.js; the text; from the next multiple of
 * eight on, where V8 need not copy it, the cache.
 */
const LENGTH = 8
const HEADER = 24

function ready(path: string): Ready | undefined {
  let bytes: Bytes
  try {
    // As Node itself has just read this file: every other function of fs, or of Buffer, would have to be compiled, 20 µs each.
    bytes = readFileSync(path) as Buffer & Bytes
  } catch {
    return undefined
  }
  if (bytes.length < HEADER) return undefined
  const header = bytes.latin1Slice(0, HEADER)
  const end = HEADER + Number(header.slice(0, LENGTH))
  const cache = (end + 7) & ~7
  if (!(cache < bytes.length)) return undefined
  const cachedData = new Uint8Array(bytes.buffer, bytes.byteOffset + cache, bytes.length - cache)
  return { source: bytes.latin1Slice(HEADER, end), cachedData, release: header.slice(LENGTH).trim() }
}

/** What Buffer.toString comes to. */
interface Bytes extends Uint8Array {
  latin1Slice(from: number, to: number): string
}

/** What `new Script` of node:vm comes to. Its arguments are Node's own affair, and Node aborts when they are wrong. */
function compileDirectly({ source, cachedData }: Ready, filename: string): Part {
  const { ContextifyScript } = (process as unknown as Internals).binding('contextify')
  const origin = Symbol(filename)
  const script = new ContextifyScript(source, filename, 0, 0, cachedData, false, undefined, origin)
  return script.runInContext(null, -1, true, false, false)
}

interface Internals {
  binding(name: 'contextify'): {
    ContextifyScript: new (...args: unknown[]) => { runInContext(...args: unknown[]): Part }
  }
}

function compile(part: string): Part {
  const filename = `${dist}/${part}.cjs`
  const it = ready(`${dist}/${part}.v8`)
  // node:vm itself is compiled each time it is loaded, which takes 0.6 ms.
  if (it?.release === process.version) return compileDirectly(it, filename)
  const { Script } = require('node:vm')
  const script = new Script(it?.source ?? readFileSync(filename, 'latin1'), {
    filename,
    ...(it !== undefined && { cachedData: it.cachedData }),
  })
  return script.runInThisContext()
}

function loadPart(part: string): unknown {
  const known = loaded[part]
  if (known !== undefined) return known
  const module = { exports: {} }
  compile(part)(module, require, file, loadPart)
  loaded[part] = module.exports
  return module.exports
}

loadPart('boot')
