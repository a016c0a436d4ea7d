/** The numbers of system calls on both architectures: those that sys/ passes by hand, and the kernel's own headers. */
import { execFileSync } from 'node:child_process'
import t from 'tap'
import { plain } from '../../src/sys/node.js'
import { type Prototype, prototypes } from '../../src/sys/prototypes.js'
import { requires } from '../support/requires.js'
import { numbers } from '../support/seccomp/tables.js'

/** Calls that libc names otherwise. */
const kernelNames: Readonly<Record<string, string>> = { prlimit: 'prlimit64' }

t.test('of the prototypes', async t => {
  const raw = Object.entries<Prototype>(prototypes).flatMap(([name, { nr }]) =>
    nr === undefined ? [] : [[name, nr] as const],
  )
  for (const [name, nr] of [...raw, ...Object.entries(plain)]) {
    const { x64, arm64 } = typeof nr === 'number' ? { x64: nr, arm64: nr } : nr
    const known = kernelNames[name] ?? name
    t.equal(x64, numbers.get('x86_64')?.get(known), `${name} on x86-64`)
    t.equal(arm64, numbers.get('aarch64')?.get(known), `${name} on arm64`)
  }
})

/** What arm64 has of the calls that newer architectures lack. */
const wanted = ['RENAMEAT', 'NEW_STAT', 'SET_GET_RLIMIT', 'SYS_CLONE3', 'MEMFD_SECRET']

t.test('of arm64, as the kernel’s headers have them', { skip: requires('cc') }, async t => {
  const defines = wanted.map(name => `-D__ARCH_WANT_${name}`)
  const text = execFileSync('gcc', ['-E', '-dM', '-x', 'c', ...defines, '-'], {
    input: '#include <asm-generic/unistd.h>\n',
    encoding: 'utf8',
  })
  const values = new Map(
    [...text.matchAll(/^#define (__NR\w+) (\w+)$/gm)].map(([, name = '', at]) => [name, at]),
  )
  // The calls that 32 bits have in two sizes are names of names: __NR_fcntl is __NR3264_fcntl.
  const resolve = (word: string): number =>
    values.has(word) ? resolve(values.get(word) as string) : Number(word)
  let compared = 0
  for (const [name, number] of numbers.get('aarch64') ?? []) {
    if (!values.has(`__NR_${name}`)) continue
    if (resolve(`__NR_${name}`) !== number) t.fail(`${name} is ${resolve(`__NR_${name}`)}, not ${number}`)
    compared++
  }
  t.ok(compared > 300, `${compared} calls`)
})
