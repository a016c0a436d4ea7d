// `make fuzz`: libFuzzer on the decoder for some seconds (argument), or without clang the mutator of the tests.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { importTs } from '../../tools/ts.mjs'

const house = fileURLToPath(new URL('../..', import.meta.url))
const out = join(house, 'build/test')
const seconds = Number(process.argv[2] ?? 60)

/** One op of each kind, every field filled with what its kind allows. */
async function seeds() {
  const { encodePlan } = await importTs(join(house, 'src/plan/encode.ts'))
  const { opcodes } = await importTs(join(house, 'src/plan/opcodes.ts'))
  const { flagTables, enumTables } = await importTs(join(house, 'src/plan/flags.ts'))
  const value = kind => {
    const [base, table] = kind.replace('?', '').split(':')
    if (base === 'flags') return Object.keys(flagTables[table])
    if (base === 'enum') return Object.keys(enumTables[table])[0]
    if (base.endsWith('lot')) return 'slot'
    if (base === 'strs') return ['one', '', 'three']
    if (base === 'u32s') return [1, 2, 3]
    if (base === 'bytes') return new Uint8Array(24)
    if (base.endsWith('Path')) return '/path'
    return base === 'str' ? 'text' : 7
  }
  const utf8Write = (text, into, offset) => Buffer.from(into.buffer).write(text, offset)
  const open = { op: 'open_path', by: 'init', at: '', slot: 'slot', path: '/' }
  const ops = Object.entries(opcodes).map(([op, { fields }]) => ({
    op,
    by: 'init',
    at: '',
    ...Object.fromEntries(Object.entries(fields).map(([name, kind]) => [name, value(kind)])),
  }))
  return [[open, ...ops], ...ops.map(op => [open, op])].map(
    list => encodePlan({ ops: list }, utf8Write).bytes,
  )
}

const corpus = join(out, 'corpus')
mkdirSync(corpus, { recursive: true })
const plans = await seeds()
plans.forEach((plan, i) => {
  writeFileSync(join(corpus, `seed${i}`), plan)
})
const sized = plans.flatMap(plan => [new Uint8Array(new Uint32Array([plan.length]).buffer), plan])
writeFileSync(join(out, 'seeds'), Buffer.concat(sized))

const run = (program, args) => process.exit(spawnSync(program, args, { stdio: 'inherit' }).status ?? 1)
const build = what => execFileSync(join(house, 'tools/shimtest.sh'), [what, join(out, what)])
if (spawnSync('clang', ['--version']).status === 0) {
  build('fuzzer')
  run(join(out, 'fuzzer'), [`-max_total_time=${seconds}`, '-max_len=8192', '-print_final_stats=1', corpus])
} else {
  build('decoder')
  run(join(out, 'decoder'), ['fuzz', `${seconds * 4000}`, join(out, 'seeds')])
}
