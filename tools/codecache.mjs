// Writes dist/PART.cjs.cache for src/cli/npm.ts: what V8 makes of a part, every function of it compiled. Usage: node
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

const [, words] = /exec "\$\{TSRUN_NODE:-node\}" (.*) "\$_main"/.exec(
  readFileSync(join(house, 'bin/tsrun'), 'utf8'),
)
const flags = words.split(' ')
if (process.execArgv.length === 0 && flags.length > 0) {
  const { status } = spawnSync(process.execPath, [...flags, fileURLToPath(import.meta.url), dist], {
    stdio: 'inherit',
  })
  process.exit(status ?? 1)
}

for (const part of parts) {
  const path = join(dist, `${part}.cjs`)
  const source = readFileSync(path, 'utf8')
  setFlagsFromString('--no-lazy')
  const script = new Script(source, { filename: path })
  setFlagsFromString('--lazy')
  const cache = Buffer.concat([Buffer.from(source.slice(-32), 'latin1'), script.createCachedData()])
  // npm.ts never sees half a file.
  writeFileSync(`${path}.cache.new`, cache)
  renameSync(`${path}.cache.new`, `${path}.cache`)
}
