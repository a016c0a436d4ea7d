/**
 * Whatever config the schema and the rules accept: lowering refuses it with a reason, or makes a plan that `verify` and the encoder take.
 * Configs are put together from those of fields.ts and damaged at random places with values that the schema has there.
 * TSRUN_SEED and TSRUN_SECONDS choose another run, or a longer one.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ConfigError, HostError } from '../../src/base/errors.js'
import { lower } from '../../src/lower/index.js'
import { encodePlan } from '../../src/plan/encode.js'
import { planText } from '../../src/plan/print.js'
import { verify } from '../../src/plan/verify.js'
import { explainer } from '../../src/spec/explain.js'
import { loadSpec, type ValidSpec } from '../../src/spec/load.js'
import { type JsonObject, merge } from '../support/config.js'
import { repository } from '../support/payload.js'
import { dump, readPlan } from '../support/plandecoder.js'
import { generator } from '../support/seccomp/random.js'
import { base, fields } from './fields.js'
import { hosts, request } from './hosts.js'

const seed = Number(process.env.TSRUN_SEED ?? 1)
const seconds = Number(process.env.TSRUN_SECONDS ?? 3)
const random = generator(seed)
const pick = <T>(all: readonly T[]): T => all[random(all.length)] as T
const chance = (percent: number): boolean => random(100) < percent

interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly string[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly items?: Schema
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
}
const defs: Readonly<Record<string, Schema>> = Object.assign(
  {},
  ...readdirSync(join(repository, 'schemas')).map(
    file => JSON.parse(readFileSync(join(repository, 'schemas', file), 'utf8')).$defs,
  ),
)
const resolved = (schema: Schema): Schema =>
  schema.$ref === undefined ? schema : resolved(defs[schema.$ref.split('/').at(-1) ?? ''] as Schema)

/** Words that mean something somewhere. */
const words = [
  ...[
    '',
    '/',
    '/a',
    '/a/../b',
    '/dev/x',
    '/proc',
    '/proc/sys',
    '/dev',
    'rel/ative',
    'ä/€',
    '0-3,7',
    '0',
    'eth0',
  ],
  ...[
    'bind',
    'rbind',
    'ro',
    'rro',
    'shared',
    'remount',
    'tmpcopyup',
    'idmap',
    'size=1m',
    'nosuid',
    'noatime',
  ],
  ...[
    'tmpfs',
    'proc',
    'sysfs',
    'cgroup',
    'cgroup2',
    'mqueue',
    'devpts',
    'A=b',
    'PATH=',
    '2MB',
    'MB:0=1',
    'rw',
  ],
  ...[
    'CAP_KILL',
    'RLIMIT_CORE',
    'RLIMIT_AS',
    'read',
    'socketcall',
    'net.core.somaxconn',
    'kernel/msgmax',
    'pids.max',
  ],
]
const numbers = [0, 1, 2, 7, 10, 255, 1000, 4096, 65535, 2 ** 31 - 1, 2 ** 32 - 1, 2 ** 40, -1, -20, -1000]

/** A value that the schema takes (mostly). */
function value(schema: Schema, depth: number): unknown {
  const {
    type,
    enum: choices,
    items,
    properties,
    required = [],
    additionalProperties,
    minimum,
    maximum,
  } = resolved(schema)
  if (choices !== undefined) return pick(choices)
  switch (type) {
    case 'boolean':
      return chance(50)
    case 'integer':
      return pick(numbers.filter(n => n >= (minimum ?? -Infinity) && n <= (maximum ?? Infinity)))
    case 'array':
      return Array.from({ length: depth > 6 ? 0 : random(4) }, () => value(items ?? {}, depth + 1))
    case 'object': {
      const out: Record<string, unknown> = {}
      for (const [name, inner] of Object.entries(properties ?? {}))
        if (required.includes(name) || chance(40)) out[name] = value(inner, depth + 1)
      if (additionalProperties !== undefined)
        for (let n = random(3); n > 0; n--) out[pick(words)] = value(additionalProperties, depth + 1)
      return out
    }
    default:
      return pick(words)
  }
}

/** Walks down to some place of a config, and puts another value there, or takes it away. */
function damage(holder: Record<string, unknown>, schema: Schema): void {
  const { properties = {}, items, additionalProperties } = resolved(schema)
  const names = Array.isArray(holder)
    ? Object.keys(holder)
    : Object.keys({ ...holder, ...(chance(50) && properties) })
  if (names.length === 0) return
  const name = pick(names)
  const inner = properties[name] ?? items ?? additionalProperties ?? {}
  const old = holder[name]
  if (typeof old === 'object' && old !== null && chance(80)) damage(old as Record<string, unknown>, inner)
  else if (chance(20) && !Array.isArray(holder)) delete holder[name]
  else holder[name] = value(inner, 0)
}

const encoder = new TextEncoder()
const utf8Write = (text: string, into: Uint8Array, offset: number): number => {
  const bytes = encoder.encode(text)
  into.set(bytes, offset)
  return bytes.length
}

/** Other callers: what they ask for leads to other passes. */
const requests = [
  request,
  { ...request, noPivot: true, preservedFds: 3 },
  { ...request, cgroupManager: 'disabled', noNewKeyring: true },
  { ...request, cgroupManager: { bus: 'system', root: '' } },
] as const
const machines = [
  ...Object.values(hosts),
  {
    ...(hosts.v2 as (typeof hosts)[string]),
    inUserNamespace: true,
    capabilities: 2 ** 21,
    lastCapability: 35,
  },
]

/** The document as a value, or undefined where it is refused. Anything but a refusal is a fault. */
function accepted(config: JsonObject): ValidSpec | undefined {
  try {
    return loadSpec(JSON.stringify(config), () => explainer)
  } catch (error) {
    if (error instanceof ConfigError) return undefined
    throw error
  }
}

/** Lowers, verifies, encodes and prints; false where the machine or lowering refuses it. */
function makesPlan(
  spec: ValidSpec,
  machine: (typeof machines)[number],
  asked: (typeof requests)[number],
): boolean {
  let plan: ReturnType<typeof lower>['plan']
  try {
    plan = lower(spec, machine, asked, () => {}).plan
  } catch (error) {
    if (error instanceof ConfigError || error instanceof HostError) return false
    throw error
  }
  const { bytes } = encodePlan(verify(plan), utf8Write)
  const lines = planText(plan).trimEnd().split('\n').length
  if (lines !== plan.ops.length) throw new Error(`${lines} lines of ${plan.ops.length} ops`)
  return dump(readPlan(bytes)) !== ''
}

t.test(`random configs (TSRUN_SEED=${seed})`, async t => {
  const count = { tried: 0, accepted: 0, plans: 0, refused: 0 }
  const names = Object.keys(fields)
  for (const end = Date.now() + seconds * 1000; Date.now() < end && count.tried < 20000 * seconds; ) {
    count.tried++
    let config: JsonObject = base
    for (let n = random(4); n > 0; n--) config = merge(config, fields[pick(names)] as JsonObject)
    config = structuredClone(config) as JsonObject
    for (let n = random(5); n > 0; n--) damage(config as Record<string, unknown>, { $ref: 'Spec' })
    const [machine, asked] = [pick(machines), pick(requests)]
    try {
      const spec = accepted(config)
      if (spec === undefined) continue
      count.accepted++
      if (makesPlan(spec, machine, asked)) count.plans++
      else count.refused++
    } catch (error) {
      t.fail(`TSRUN_SEED=${seed}, config ${count.tried}: ${(error as Error).stack}`)
      t.comment(JSON.stringify({ config, machine, asked }))
      break
    }
  }
  t.comment(JSON.stringify(count))
  t.ok(count.plans > count.tried / 20, 'enough of them make plans')
  t.ok(count.tried - count.accepted > count.tried / 20, 'and enough are refused')
})
