/** The device program of cgroup v2: interpreted here, and compared with what v1's controller answers. */
import t from 'tap'
import { deviceProgram } from '../../src/launch/devicefilter.js'
import { deviceLines, foldDeviceRules } from '../../src/lower/cgroup/devices.js'
import type { DeviceRule } from '../../src/spec/types.gen.js'

interface Device {
  readonly type: 'b' | 'c'
  readonly major: number
  readonly minor: number
  /** Letters of rwm. */
  readonly access: string
}
const TYPE = { b: 1, c: 2 }
const ACCESS: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 }
const bits = (letters: string): number => [...letters].reduce((sum, letter) => sum | (ACCESS[letter] ?? 0), 0)

/** Runs the program as the kernel's interpreter does: 64-bit registers, forward jumps only. */
function allows(program: Uint8Array, { type, major, minor, access }: Device): boolean {
  const view = new DataView(program.buffer)
  const context: Readonly<Record<number, bigint>> = {
    0: BigInt((bits(access) << 16) | TYPE[type]),
    4: BigInt(major),
    8: BigInt(minor),
  }
  const r: bigint[] = Array(11).fill(0n)
  for (let at = 0; at < program.length; at += 8) {
    const opcode = view.getUint8(at)
    const dst = view.getUint8(at + 1) & 15
    const src = view.getUint8(at + 1) >> 4
    const offset = view.getInt16(at + 2, true)
    const number = BigInt(view.getInt32(at + 4, true))
    const value = r[dst] as bigint
    if (opcode === 0x61) r[dst] = context[offset] as bigint
    else if (opcode === 0xbf) r[dst] = r[src] as bigint
    else if (opcode === 0xb7) r[dst] = BigInt.asUintN(64, number)
    else if (opcode === 0x54) r[dst] = BigInt.asUintN(32, value & number)
    else if (opcode === 0x74) r[dst] = BigInt.asUintN(32, value) >> number
    else if (opcode === 0x55) at += value === BigInt.asUintN(64, number) ? 0 : offset * 8
    else if (opcode === 0x15) at += value === BigInt.asUintN(64, number) ? offset * 8 : 0
    else if (opcode === 0x95) return r[0] === 1n
    else throw new Error(`opcode ${opcode}`)
  }
  throw new Error('runs off its end')
}

/** devices.c of the kernel: a line allows what asks for no more, and denies what asks for any of it. */
function v1Allows(allowAll: boolean, lines: readonly string[], device: Device): boolean {
  const asked = bits(device.access)
  const fits = lines.some(line => {
    const [type, numbers = '', letters = ''] = line.split(' ')
    const [major, minor] = numbers.split(':')
    if (type !== device.type || (major !== '*' && Number(major) !== device.major)) return false
    if (minor !== '*' && Number(minor) !== device.minor) return false
    return allowAll ? (asked & bits(letters)) !== 0 : (asked & ~bits(letters)) === 0
  })
  return fits !== allowAll
}

const lists: readonly (readonly DeviceRule[])[] = [
  [],
  [{ allow: true, access: 'rwm' }],
  [
    { allow: false, access: 'rwm' },
    { type: 'c', major: 10, minor: 229, allow: true, access: 'rw' },
    { type: 'b', major: 8, allow: true, access: 'r' },
    { type: 'b', minor: 3, allow: true, access: 'w' },
    { type: 'c', major: 4095, minor: 1048575, allow: true, access: 'm' },
  ],
  [
    { allow: true, access: 'rwm' },
    { type: 'b', major: 8, allow: false, access: 'w' },
    { type: 'c', major: 10, minor: 229, allow: false, access: 'rm' },
  ],
]
const devices: Device[] = []
for (const type of ['b', 'c'] as const) {
  for (const major of [0, 1, 5, 8, 10, 136, 4095]) {
    for (const minor of [0, 1, 2, 3, 200, 229, 1048575]) {
      for (const access of ['r', 'w', 'm', 'rw', 'rwm', 'wm']) devices.push({ type, major, minor, access })
    }
  }
}

for (const [i, rules] of lists.entries()) {
  t.test(`list ${i}`, async t => {
    const folded = foldDeviceRules(rules)
    const lines = deviceLines(folded)
    const program = deviceProgram(folded.allowAll, lines)
    const wrong = devices.filter(
      device => allows(program, device) !== v1Allows(folded.allowAll, lines, device),
    )
    t.same(wrong, [])
    const answers = new Set(devices.map(device => allows(program, device)))
    t.equal(answers.size, lines.length === 0 ? 1 : 2, 'both answers are there')
  })
}

t.test('the defaults', async t => {
  const program = deviceProgram(false, deviceLines(foldDeviceRules([])))
  const may = (type: 'b' | 'c', major: number, minor: number, access: string) =>
    allows(program, { type, major, minor, access })
  t.equal(may('c', 1, 3, 'rw'), true, '/dev/null')
  t.equal(may('b', 8, 0, 'm'), true, 'any node may be made')
  t.equal(may('b', 8, 0, 'r'), false, 'but a disk not be read')
  t.equal(may('b', 8, 0, 'rm'), false)
  t.equal(may('c', 1, 1, 'r'), false, '/dev/mem')
  t.equal(program.length % 8, 0)
})
