/** A classic BPF machine for the tests: seccomp(2)'s subset of it, checked as the kernel checks it. */

/** struct seccomp_data: `args` as 64-bit values. */
export interface Call {
  readonly number: number
  readonly arch: number
  readonly args: readonly bigint[]
}

/** A program as 32-bit pairs: code, jt, jf in the first, k in the second. */
export function words(program: Uint8Array): Uint32Array {
  return new Uint32Array(program.slice().buffer)
}

/** The 16 words of struct seccomp_data, little endian. */
export function data({ number, arch, args }: Call): Uint32Array {
  const view = new Uint32Array(16)
  view[0] = number
  view[1] = arch
  for (let i = 0; i < 6; i++) {
    const arg = args[i] ?? 0n
    view[4 + 2 * i] = Number(arg & 0xffffffffn)
    view[5 + 2 * i] = Number(arg >> 32n)
  }
  return view
}

/** Runs a program on a call's data; gives its return value. */
export function run(program: Uint32Array, input: Uint32Array): number {
  let a = 0
  for (let at = 0; at < program.length / 2; at++) {
    const word = program[2 * at] as number
    const k = program[2 * at + 1] as number
    const code = word & 0xffff
    const jump = (taken: boolean) => {
      at += taken ? (word >>> 16) & 0xff : word >>> 24
    }
    if (code === 0x20) {
      if (k % 4 !== 0 || k >= 64) throw new Error(`load from ${k}`)
      a = input[k / 4] as number
    } else if (code === 0x54) a = (a & k) >>> 0
    else if (code === 0x05) at += k
    else if (code === 0x15) jump(a === k)
    else if (code === 0x25) jump(a > k)
    else if (code === 0x35) jump(a >= k)
    else if (code === 0x45) jump((a & k) !== 0)
    else if (code === 0x06) return k
    else throw new Error(`code ${code} at ${at}`)
  }
  throw new Error('fell off the end')
}
