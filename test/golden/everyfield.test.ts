/**
 * No field of the specification for Linux is ignored in silence. The schema is walked; each property must change the plan (or the warnings)
 * of some config of fields.ts when it changes there, or stand below with the reason why it cannot.
 */
import t from 'tap'
import { TsrunError } from '../../src/base/errors.js'
import { lower } from '../../src/lower/index.js'
import { planJson } from '../../src/plan/print.js'
import { explainer } from '../../src/spec/explain.js'
import { loadSpec } from '../../src/spec/load.js'
import { warnings } from '../../src/spec/rules/index.js'
import { type JsonObject, merge } from '../support/config.js'
import { base, fields } from './fields.js'
import { hosts, request } from './hosts.js'
import { allProperties, type Holder, places, propertyAt } from './properties.js'

/** Properties that change no plan: why, and where their effect is tested. Whatever is below them goes with them. */
const elsewhere: Readonly<Record<string, string>> = {
  '/solaris': 'another platform',
  '/windows': 'another platform',
  '/vm': 'another platform',
  '/zos': 'another platform',
  '/freebsd': 'another platform',
  '/process/commandLine': 'Windows only',
  '/process/user/username': 'Windows only',
  '/ociVersion': 'decides whether the document is read at all (bad-configs/version-*)',
  '/root/path': 'made absolute by create, which asks the machine (test/integration/rootfs.test.ts)',
  '/process/execCPUAffinity':
    'of processes that join later (test/golden/exec, test/integration/scheduling.test.ts)',
  '/hooks/poststart': 'run by start, from the record (test/integration/hooks.test.ts)',
  '/hooks/poststop': 'run by delete, from the record (test/integration/hooks.test.ts)',
  '/linux/resources/memory/checkBeforeUpdate': 'of update (test/integration/update.test.ts, LX-034)',
}

const everywhere = {
  ...hosts,
  'v1 with all controllers': {
    ...(hosts.v1 as (typeof hosts)[string]),
    cgroup: {
      mode: 'v1',
      v1: Object.fromEntries(
        [
          'cpu',
          'cpuacct',
          'cpuset',
          'memory',
          'devices',
          'freezer',
          'blkio',
          'pids',
          'hugetlb',
          'rdma',
          'net_cls',
          'net_prio',
        ].map(name => [name, { mount: `/sys/fs/cgroup/${name}`, own: '/' }]),
      ),
    },
  },
} as typeof hosts

/** All that a config makes tsrun do or say, or undefined where it is refused. */
function effect(config: JsonObject): string | undefined {
  try {
    const spec = loadSpec(JSON.stringify(config), () => explainer)
    const told: string[] = warnings(spec).map(({ pointer }) => pointer)
    const plans = Object.values(everywhere).map(host => {
      try {
        return planJson(lower(spec, host, request, pointer => told.push(pointer)).plan, { showEnv: true })
      } catch (error) {
        if (error instanceof TsrunError) return ''
        throw error
      }
    })
    return plans.every(plan => plan === '') ? undefined : JSON.stringify([plans, told])
  } catch (error) {
    if (error instanceof TsrunError) return undefined
    throw error
  }
}

/** Other values for a property, to try one after another; undefined takes it away. */
function* others(value: unknown, words: readonly string[]): Generator<unknown> {
  if (typeof value === 'boolean') yield !value
  else if (typeof value === 'number') yield* [value + 1, value - 1, value * 2]
  else if (typeof value === 'string') {
    yield* words.filter(word => word !== value)
    yield* [`${value}x`, value.slice(0, -1)]
    if (value.startsWith('RLIMIT_')) yield 'RLIMIT_AS' // the schema has no list of them
    yield value.replace(/\d(?=\D*$)/, digit => String((Number(digit) + 1) % 10))
  } else if (Array.isArray(value)) {
    yield value.slice(0, -1)
    for (const word of words) yield [word]
    if (value.every(item => typeof item === 'string')) yield [...value, 'x']
  }
  yield undefined
}

const covered = (path: string): boolean =>
  Object.keys(elsewhere).some(each => path === each || path.startsWith(`${each}/`))

t.test('every property changes a plan, or is listed', async t => {
  const seen = new Map<string, string>()
  for (const [name, patch] of Object.entries(fields)) {
    const config = structuredClone(merge(base, patch)) as Holder
    const before = effect(config as JsonObject)
    t.not(before, undefined, `${name} is accepted`)
    for (const { path, holder, key } of [...places(config, '')]) {
      const property = propertyAt(path)
      if (property === undefined || seen.has(property)) continue
      const old = holder[key]
      for (const value of others(old, allProperties.get(property) ?? [])) {
        if (value === undefined) delete holder[key]
        else holder[key] = value
        const after = effect(config as JsonObject)
        if (after === undefined || after === before) continue
        seen.set(property, name)
        break
      }
      holder[key] = old
    }
  }
  // Of an object that cannot be left out what is below it speaks.
  const shown = (path: string) => [...seen.keys()].some(each => each === path || each.startsWith(`${path}/`))
  const silent = [...allProperties.keys()].filter(path => !shown(path) && !covered(path))
  t.same(silent, [], 'add a config to fields.ts that shows them')
  const needless = Object.keys(elsewhere).filter(path => seen.has(path) || !allProperties.has(path))
  t.same(needless, [], 'listed without need')
  t.comment(`${seen.size} of ${allProperties.size} properties change a plan`)
  t.ok(seen.size > 150)
})
