/**
 * What is printed is what is done: any damage to a plan's bytes is either refused by the shim, or the shim reads of it exactly what we
 * read, which in names is a plan that encodes to the same again.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { PlanError } from '../../src/base/errors.js'
import { lower } from '../../src/lower/index.js'
import type { Op } from '../../src/plan/op.js'
import { opText } from '../../src/plan/print.js'
import { explainer } from '../../src/spec/explain.js'
import { loadSpec } from '../../src/spec/load.js'
import { base, fields } from '../golden/fields.js'
import { hosts, request } from '../golden/hosts.js'
import { merge } from '../support/config.js'
import { repository } from '../support/payload.js'
import { dump, opsOf, plain, readPlan, Unnamed } from '../support/plandecoder.js'
import { requires } from '../support/requires.js'
import { generator } from '../support/seccomp/random.js'
import { encode, scratch } from './support.js'

const decoder = join(repository, 'build/test/decoder')
const skip = requires('cc')
if (skip === false) execFileSync(join(repository, 'tools/shimtest.sh'), ['decoder', decoder])

const seed = Number(process.env.TSRUN_SEED ?? 1)
const random = generator(seed)

/** Of every golden of fields, on cgroup v2: the ops that the shim plays. */
const plans: readonly (readonly Op[])[] = Object.values(fields).flatMap(patch => {
  const spec = loadSpec(JSON.stringify(merge(base, patch)), () => explainer)
  try {
    const { plan } = lower(spec, hosts.v2 as (typeof hosts)[string], request, () => {})
    return [plan.ops.filter(({ by }) => by !== 'runtime')]
  } catch {
    return [] // of cgroup v1 only
  }
})
const encoded = plans.map(encode)

/** What the shim makes of each: its lines, or undefined where it refuses. */
const read = (directory: string, cases: readonly Uint8Array[]): (string | undefined)[] => {
  const file = join(directory, 'cases')
  const parts = cases.flatMap(bytes => [new Uint8Array(new Uint32Array([bytes.length]).buffer), bytes])
  writeFileSync(file, Buffer.concat(parts))
  const output = execFileSync(decoder, ['print', file], { encoding: 'utf8', maxBuffer: 1 << 30 })
  return output
    .split(/^= (-?\d+)\n/m)
    .slice(0, -1)
    .flatMap((text, index, all) =>
      index % 2 === 0 ? [all[index + 1] === '-1' ? text.trimEnd() : undefined] : [],
    )
}

const edges = [0, 1, 7, 8, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff]

/** A copy with up to three changes, of a bit, a byte, a word or two pieces that change places; its length stays true. */
function damaged(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice()
  const view = new DataView(copy.buffer)
  for (let n = 1 + random(3); n > 0; n--) {
    const at = 12 + random(copy.length - 20)
    const word = at & ~3
    const kind = random(6)
    if (kind === 0) copy[at] = (copy[at] as number) ^ (1 << random(8))
    else if (kind === 1) copy[at] = random(256)
    else if (kind === 2) view.setUint32(word, edges[random(edges.length)] as number, true)
    else if (kind === 3) view.setUint32(word, random(copy.length * 2), true)
    else if (kind === 4) view.setUint32(word, view.getUint32(word, true) + random(9) - 4, true)
    else copy.copyWithin(word, 32 + (random(copy.length - 48) & ~7), 40 + (random(copy.length - 48) & ~7))
  }
  return copy
}

/** Plans with the index of each op left out: it says where the op stood in the whole plan. */
const withoutIndex = (ops: readonly Op[]): string => {
  return dump(readPlan(encode(plain(ops))).map(op => ({ ...op, index: 0 })))
}

t.test('of whole plans the shim reads what was encoded, and it prints as it was', { skip }, async t => {
  const seen = read(scratch(t), encoded)
  encoded.forEach((bytes, index) => {
    const ours = readPlan(bytes)
    t.equal(seen[index], dump(ours))
    const printed = (ops: readonly Op[]) => plain(ops).map(op => opText(op, true))
    t.same(printed(opsOf(ours)), printed(plans[index] as readonly Op[]))
  })
})

t.test(`damaged plans are refused, or read as they print (TSRUN_SEED=${seed})`, { skip }, async t => {
  const rounds = Number(process.env.TSRUN_ROUNDS ?? 4000)
  const cases = Array.from({ length: rounds }, () => damaged(encoded[random(encoded.length)] as Uint8Array))
  const seen = read(scratch(t), cases)
  t.equal(seen.length, rounds)
  const count = { refused: 0, same: 0, unnamed: 0, unopened: 0 }
  const wrong: string[] = []
  cases.forEach((bytes, index) => {
    const theirs = seen[index]
    if (theirs === undefined) {
      count.refused++
      return
    }
    const ours = readPlan(bytes)
    if (dump(ours) !== theirs) wrong.push(`case ${index}: the shim reads\n${theirs}\nand we\n${dump(ours)}`)
    try {
      const ops = opsOf(ours)
      if (withoutIndex(ops) !== withoutIndex(opsOf(readPlan(encode(plain(ops))))))
        wrong.push(`case ${index} encodes to another plan`)
      count.same++
    } catch (error) {
      // Names cannot say all that bytes can; a slot that nothing opened has no plan, and fails when it is used.
      if (error instanceof Unnamed) count.unnamed++
      else if (error instanceof PlanError && /nothing opened it/.test(error.message)) count.unopened++
      else throw error
    }
  })
  t.same(wrong.slice(0, 3), [])
  t.comment(JSON.stringify(count))
  t.ok(count.refused > rounds / 10 && count.same > rounds / 10, 'both happen')
})
