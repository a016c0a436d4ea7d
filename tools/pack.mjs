// Compresses the parts that parts.h calls PACKED: node tools/pack.mjs DIRECTORY. NAME.bc → NAME.z: its size in four bytes, then
// the same bytes as raw deflate (shim/static/inflate.c).
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, deflateRawSync } from 'node:zlib'

const [directory] = process.argv.slice(2)
for (const [, name] of readFileSync(join(directory, 'parts.h'), 'utf8').matchAll(/^PACKED\((\w+),/gm)) {
  const bytes = readFileSync(join(directory, `${name}.bc`))
  const size = Buffer.alloc(4)
  size.writeUInt32LE(bytes.length)
  const packed = deflateRawSync(bytes, { level: constants.Z_BEST_COMPRESSION, memLevel: 9 })
  writeFileSync(join(directory, `${name}.z`), Buffer.concat([size, packed]))
}
