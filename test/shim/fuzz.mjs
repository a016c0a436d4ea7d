// libFuzzer on the decoder for some seconds (argument), or without clang the mutator of the tests. It begins with one op of each kind
// and with corpus.bin (u32 length, bytes, …), what earlier runs found to reach most; UPDATE_CORPUS=1 writes that anew.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { importTs } from '../../tools/ts.mjs'

const house = fileURLToPath(new URL('../..', import.meta.url))
const out = join(house, 'build/test')
const packed = join(house, 'test/shim/corpus.bin')
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
  return [[open, ...ops], ...ops.map(op => [open, op])].map(list =>
    Buffer.from(encodePlan({ ops: list }, utf8Write).bytes),
  )
}

const lengthOf = plan => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(plan.length)
  return bytes
}
const pack = plans => Buffer.concat(plans.flatMap(plan => [lengthOf(plan), plan]))

/** The plans of corpus.bin, for the shim as it is now: its table of ops may be another than when they were found. */
function earlier(buildId) {
  if (!existsSync(packed)) return []
  const bytes = readFileSync(packed)
  const plans = []
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at)
    const plan = Buffer.from(bytes.subarray(at + 4, at + 4 + length))
    if (plan.length >= 8) buildId.copy(plan, 4)
    plans.push(plan)
    at += 4 + length
  }
  return plans
}

const corpus = join(out, 'corpus')
const best = join(out, 'corpus-merged')
for (const dir of [corpus, best]) {
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
}
const made = await seeds()
const plans = [...made, ...earlier(made[0].subarray(4, 8))]
plans.forEach((plan, i) => {
  writeFileSync(join(corpus, `seed${i}`), plan)
})
writeFileSync(join(out, 'seeds'), pack(made))

const run = (program, args) => spawnSync(program, args, { stdio: 'inherit' }).status ?? 1
const build = what => execFileSync(join(house, 'tools/shimtest.sh'), [what, join(out, what)])

/** clang without its run-time libraries cannot link a fuzzer. */
function hasFuzzer() {
  try {
    execFileSync(join(house, 'tools/shimtest.sh'), ['fuzzer', join(out, 'fuzzer')], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

if (hasFuzzer()) {
  const fuzzer = join(out, 'fuzzer')
  const status = run(fuzzer, [
    `-max_total_time=${seconds}`,
    '-max_len=8192',
    '-timeout=5',
    '-verbosity=0',
    '-print_final_stats=1',
    corpus,
  ])
  if (status === 0 && process.env.UPDATE_CORPUS !== undefined) {
    run(fuzzer, ['-merge=1', '-verbosity=0', best, corpus])
    const found = readdirSync(best).map(name => readFileSync(join(best, name)))
    const kept = found.filter(plan => !made.some(seed => seed.equals(plan)) && plan.length < 4096)
    writeFileSync(packed, pack(kept.sort((a, b) => a.length - b.length)))
    console.log(`${kept.length} plans are kept`)
  }
  process.exit(status)
}
build('decoder')
process.exit(run(join(out, 'decoder'), ['fuzz', `${seconds * 4000}`, join(out, 'seeds')]))
