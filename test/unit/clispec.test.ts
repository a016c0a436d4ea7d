import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { features } from '../../src/container/features.js'
import { mountOptions } from '../../src/lower/mountoptions.js'
import { loadSpec } from '../../src/spec/load.js'
import { template } from '../../src/spec/template.js'

const explain = () => {
  throw new Error('the template is invalid')
}

t.test('what `spec` writes is a valid config', t => {
  for (const options of [{}, { rootless: { uid: 1000, gid: 100 } }]) {
    const spec = template(options)
    const text = JSON.stringify(spec, undefined, '\t')
    t.strictSame(loadSpec(text, explain), spec)
  }
  const types = template({ rootless: { uid: 1000, gid: 100 } }).linux?.namespaces?.map(({ type }) => type)
  t.ok(types?.includes('user'))
  t.notOk(types?.includes('network'))
  t.notOk(template({}).linux?.uidMappings)
  t.notMatch(JSON.stringify(template({ rootless: { uid: 1, gid: 1 } }).mounts), 'gid=5')
  t.end()
})

t.test('features', t => {
  const ajv = new Ajv2020({ strict: false })
  for (const name of ['defs', 'defs-linux', 'features-linux', 'features']) {
    ajv.addSchema(JSON.parse(readFileSync(new URL(`../../schemas/${name}.json`, import.meta.url), 'utf8')))
  }
  const document = JSON.parse(JSON.stringify(features()))
  t.ok(ajv.validate('features.json', document), ajv.errorsText())
  t.strictSame(document.mountOptions, Object.keys(mountOptions).sort())
  t.match(document, { ociVersionMin: '1.0.0', ociVersionMax: '1.3.0', linux: { seccomp: { enabled: true } } })
  t.equal(document.hooks.length, 6)
  t.end()
})
