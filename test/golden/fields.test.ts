/**
 * What one field adds to a plan: the lines that the plan of the same config without it does not have, against `fields/NAME.txt`.
 * `UPDATE_GOLDEN=1` writes the files anew.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { TsrunError } from '../../src/base/errors.js'
import { lower } from '../../src/lower/index.js'
import { encodePlan } from '../../src/plan/encode.js'
import type { Plan } from '../../src/plan/op.js'
import { planText } from '../../src/plan/print.js'
import { verify } from '../../src/plan/verify.js'
import { explainer } from '../../src/spec/explain.js'
import { loadSpec } from '../../src/spec/load.js'
import { type JsonObject, merge } from '../support/config.js'
import { base, fields } from './fields.js'
import { hosts, request } from './hosts.js'

const utf8Write = (text: string, into: Uint8Array, offset: number): number => {
  const bytes = new TextEncoder().encode(text)
  into.set(bytes, offset)
  return bytes.length
}

/** Lines of the plan without their columns, then the warnings. */
const linesOf = (config: JsonObject, host: keyof typeof hosts): string[] => {
  const warnings: string[] = []
  const spec = loadSpec(JSON.stringify(config), () => explainer)
  const warn = (pointer: string, message: string) => warnings.push(`warning ${pointer}: ${message}`)
  let plan: Plan
  try {
    plan = lower(spec, hosts[host] as (typeof hosts)[string], request, warn).plan
  } catch (error) {
    if (error instanceof TsrunError) return [`refused: ${error.message}`]
    throw error
  }
  encodePlan(verify(plan), utf8Write)
  const lines = planText(plan).trimEnd().split('\n')
  return [...lines.map(line => line.replace(/ {2,}/g, ' ')), ...warnings]
}

for (const [name, patch] of Object.entries(fields)) {
  t.test(name, async t => {
    let text = ''
    for (const host of Object.keys(hosts)) {
      const without = linesOf(base, host)
      text += `# ${host}\n`
      for (const line of linesOf(merge(base, patch), host)) if (!without.includes(line)) text += `${line}\n`
    }
    const file = new URL(`fields/${name}.txt`, import.meta.url)
    if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(file, text)
    t.equal(text, existsSync(file) ? readFileSync(file, 'utf8') : 'no such file')
  })
}
