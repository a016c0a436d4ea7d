// Puts the memory of a started program into its file: node tools/image.mjs START DIRECTORY OUT (shim/static/image.c). The segment of
// START that can be written ends with variables that are zero; in OUT the file goes on to the end of the image, so that the kernel maps
// it as it was.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

const [start, directory, out] = process.argv.slice(2)
const PT_LOAD = 1
const PF_W = 2

/** What START prints. Without random addresses of the stack, what lies in unused memory is the same each time; where that is forbidden, it differs. */
function run(...args) {
  const options = { maxBuffer: 1 << 26 }
  const { status, stdout } = spawnSync('setarch', ['--addr-no-randomize', start, ...args], options)
  return status === 0 ? stdout : execFileSync(start, args, options)
}

const small = run(directory).toString()
const memory = run(directory, small)
const address = memory.readBigUInt64LE(0)
const image = memory.subarray(8)

const elf = readFileSync(start)
const headers = Number(elf.readBigUInt64LE(32))
const size = elf.readUInt16LE(54)
const count = elf.readUInt16LE(56)
for (let i = 0; i < count; i++) {
  const header = elf.subarray(headers + i * size, headers + (i + 1) * size)
  if (header.readUInt32LE(0) !== PT_LOAD || (header.readUInt32LE(4) & PF_W) === 0) continue
  const offset = header.readBigUInt64LE(8)
  const from = header.readBigUInt64LE(16)
  const initialized = header.readBigUInt64LE(32)
  const whole = header.readBigUInt64LE(40)
  const length = address - from + BigInt(image.length)
  if (address < from + initialized || length > whole)
    throw new Error(`${start}: the image is not where it should be`)
  header.writeBigUInt64LE(length, 32)
  // Section headers came after it.
  elf.writeBigUInt64LE(0n, 40)
  elf.fill(0, 58, 64)
  const zeros = Buffer.alloc(Number(address - from - initialized))
  const bytes = Buffer.concat([elf.subarray(0, Number(offset + initialized)), zeros, image])
  writeFileSync(`${out}.new`, bytes)
  chmodSync(`${out}.new`, 0o755)
  renameSync(`${out}.new`, out)
  process.exit()
}
throw new Error(`${start}: no segment can be written`)
