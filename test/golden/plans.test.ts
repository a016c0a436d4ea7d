/**
 * The plan of each example bundle on each kind of machine, as `tsrun plan` prints it, against `plans/BUNDLE.HOST.txt`.
 * `UPDATE_GOLDEN=1` writes the files anew: read the difference, it is what create would do differently.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { lower } from '../../src/lower/index.js'
import type { Request } from '../../src/lower/input.js'
import { encodePlan } from '../../src/plan/encode.js'
import type { HostPath } from '../../src/plan/op.js'
import { planText } from '../../src/plan/print.js'
import { verify } from '../../src/plan/verify.js'
import { explainer } from '../../src/spec/explain.js'
import { loadSpec } from '../../src/spec/load.js'
import { hosts } from './hosts.js'

const house = fileURLToPath(new URL('../../', import.meta.url))
const golden = `${house}test/golden/plans/`
mkdirSync(golden, { recursive: true })

const request = (name: string): Request => ({
  id: name,
  bundle: `/bundles/${name}` as HostPath,
  rootfs: `/bundles/${name}/rootfs` as HostPath,
  stateDir: `/run/tsrun/${name}` as HostPath,
  cgroupManager: 'cgroupfs',
  noPivot: false,
  noNewKeyring: false,
  preservedFds: 0,
  extraEnv: [],
})

const utf8Write = (text: string, into: Uint8Array, offset: number): number => {
  const bytes = new TextEncoder().encode(text)
  into.set(bytes, offset)
  return bytes.length
}

for (const name of readdirSync(`${house}bundles`)) {
  if (!existsSync(`${house}bundles/${name}/config.json`)) continue
  const text = readFileSync(`${house}bundles/${name}/config.json`, 'utf8')
  for (const [kind, host] of Object.entries(hosts)) {
    t.test(`${name} on ${kind}`, async t => {
      const spec = loadSpec(text, () => explainer)
      const warnings: string[] = []
      const { plan } = lower(spec, host, request(name), (pointer, message) =>
        warnings.push(`${pointer}: ${message}`),
      )
      const verified = verify(plan)
      t.doesNotThrow(() => encodePlan(verified, utf8Write), 'it can be sent to the shim')
      const actual = `${planText(verified)}${warnings.map(line => `warning ${line}\n`).join('')}`
      const file = `${golden}${name}.${kind}.txt`
      if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(file, actual)
      t.equal(actual, readFileSync(file, 'utf8'))
    })
  }
}
