// While npm packs, package.json names the one processor that bin/tsrun and dist/tsrun-shim were built for: node tools/packcpu.mjs.
// Afterwards it names all that the sources build on, as before: node tools/packcpu.mjs --all.
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** e_machine of an ELF file → npm's word. */
const processors = new Map([
  [62, 'x64'],
  [183, 'arm64'],
])
const at = path => fileURLToPath(new URL(`../${path}`, import.meta.url))

function built() {
  const [command, shim] = ['bin/tsrun', 'dist/tsrun-shim'].map(path =>
    readFileSync(at(path)).readUInt16LE(18),
  )
  if (command !== shim || !processors.has(command))
    throw new Error(
      `bin/tsrun and dist/tsrun-shim are for ELF machines ${command} and ${shim}: make clean build`,
    )
  return [processors.get(command)]
}

const cpu = process.argv.includes('--all') ? [...processors.values()] : built()
const path = at('package.json')
const { atime, mtime } = statSync(path)
writeFileSync(path, `${JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), cpu }, null, 2)}\n`)
// It is the same for make, which would install all modules again.
utimesSync(path, atime, mtime)
