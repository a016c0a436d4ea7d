import { op } from './assembler.js'

/** Words of struct seccomp_data by offset; args follow, low word first. */
const words: { readonly [offset: number]: string } = { 0: 'number', 4: 'arch', 8: 'ip.low', 12: 'ip.high' }
const word = (offset: number): string =>
  words[offset] ?? `args[${(offset - 16) >> 3}].${offset % 8 === 0 ? 'low' : 'high'}`

const returns: { readonly [value: number]: string } = {
  0: 'KILL_THREAD',
  2147483648: 'KILL_PROCESS',
  196608: 'TRAP',
  2143289344: 'NOTIFY',
  2147221504: 'LOG',
  2147418112: 'ALLOW',
}

/** A filter's return value as text: `ALLOW`, `ERRNO(38)`. */
export function verdict(value: number): string {
  const data = value & 0xffff
  if (value >>> 16 === 5) return `ERRNO(${data})`
  if (value >>> 16 === 0x7ff0) return `TRACE(${data})`
  return returns[value] ?? hex(value)
}

const hex = (value: number): string => (value < 10 ? String(value) : `0x${value.toString(16)}`)

const tests: { readonly [code: number]: string } = {
  [op.equal]: '==',
  [op.greater]: '>',
  [op.atLeast]: '>=',
  [op.anyBit]: '&',
}

/** A program as text, one numbered line for each instruction; jumps name the line that they go to. */
export function print(program: Uint8Array): string {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength)
  const lines: string[] = []
  for (let at = 0; at < program.length / 8; at++) {
    const code = view.getUint16(8 * at, true)
    const k = view.getUint32(8 * at + 4, true)
    const next = at + 1
    const yes = next + (program[8 * at + 2] as number)
    const no = next + (program[8 * at + 3] as number)
    lines.push(`${String(at).padStart(4)}  ${instruction(code, k, next, yes, no)}\n`)
  }
  return lines.join('')
}

function instruction(code: number, k: number, next: number, yes: number, no: number): string {
  if (code === op.load) return `A = ${word(k)}`
  if (code === op.and) return `A &= ${hex(k)}`
  if (code === op.jump) return `goto ${next + k}`
  if (code === op.return) return `return ${verdict(k)}`
  const test = `A ${tests[code] ?? `?${code}`} ${hex(k)}`
  if (no === next) return `if (${test}) goto ${yes}`
  if (yes === next) return `if (!(${test})) goto ${no}`
  return `if (${test}) goto ${yes} else ${no}`
}
