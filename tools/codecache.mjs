// Writes dist/PART.v8 for src/cli/npm.ts: a part and what V8 makes of it, every function compiled. Usage: node
// tools/codecache.mjs [DIST]. V8 takes it only with the flags it was made with, so this starts itself again with those of bin/tsrun.
import { spawnSync } from 'node:child_process'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'

const house = fileURLToPath(new URL('..', import.meta.url))
const dist = process.argv[2] ?? join(house, 'dist')

const parts = ['boot', 'lifecycle', 'create', 'exec', 'operate', 'seccomp']

const launcher = readFileSync(join(house, 'shim/npm/launch.c'), 'utf8')
const flags = [.../flags\[\] = \{([^}]*)\}/.exec(launcher)[1].matchAll(/"(.*?)"/g)].map(([, flag]) => flag)
if (process.execArgv.length === 0 && flags.length > 0) {
  const { status } = spawnSync(process.execPath, [...flags, fileURLToPath(import.meta.url), dist], {
    stdio: 'inherit',
  })
  process.exit(status ?? 1)
}

/** Whether npm.ts may compile without node:vm here: tried, because Node aborts when it may not. */
const direct = () =>
  spawnSync(process.execPath, [...process.execArgv, join(dist, 'tsrun.cjs'), '--version']).status === 0

function write(release) {
  for (const [part, { source, cache }] of compiled) {
    const text = String(source.length).padStart(8, '0') + release.padEnd(16) + source
    const aligned = Buffer.from(text.padEnd((text.length + 7) & ~7), 'latin1')
    // npm.ts never sees half a file.
    writeFileSync(join(dist, `${part}.v8.new`), Buffer.concat([aligned, cache]))
    renameSync(join(dist, `${part}.v8.new`), join(dist, `${part}.v8`))
  }
}

const compiled = parts.map(part => {
  const path = join(dist, `${part}.cjs`)
  const source = readFileSync(path, 'latin1')
  setFlagsFromString('--no-lazy')
  const script = new Script(source, { filename: path })
  setFlagsFromString('--lazy')
  return [part, { source, cache: script.createCachedData() }]
})
write(process.version)
if (!direct()) write('')
