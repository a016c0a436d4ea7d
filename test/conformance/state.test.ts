/** What `state` prints, in every status of a container. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { type Container, container, type State } from '../support/container.js'
import { repository, script } from '../support/payload.js'
import { conformance, lazy } from './suite.js'

const annotations = { 'org.example.unknown': 'yes' }
const statuses = ['created', 'running', 'paused', 'stopped'] as const

const schema = (): ((document: unknown) => boolean) => {
  const ajv = new Ajv({ strict: true })
  for (const file of ['defs.json', 'state.json']) {
    const { $schema: _, ...rest } = JSON.parse(readFileSync(join(repository, 'schemas', file), 'utf8'))
    ajv.addSchema(rest)
  }
  return ajv.getSchema('state.json') as (document: unknown) => boolean
}

conformance('state', ['root', 'cc'], (owner, rt) => {
  /** One container through its life, with the state at each station. */
  const life = lazy(() => {
    const c = container(owner, rt, { annotations, process: { args: script(['wait']) } })
    const made = c.create('--bundle', '.')
    assert.equal(made.status, 0, made.stderr)
    const created = c.state()
    c.start()
    const running = c.state()
    c.call('pause', c.id)
    const paused = c.state()
    c.call('resume', c.id)
    const resumed = c.state()
    c.kill('KILL')
    c.ended(created.pid)
    const stopped = c.state()
    return { c, created, running, paused, resumed, stopped }
  })
  const each = (test: (state: State, status: string, c: Container) => void): void => {
    const all = life()
    for (const status of statuses) test(all[status], status, all.c)
  }
  return {
    'RT-002': () => each(({ ociVersion }) => assert.match(ociVersion, /^1\.\d+\.\d+/)),
    'RT-003': () => each(({ id }, _, c) => assert.equal(id, c.id)),
    'RT-004': t => {
      const c = container(t, rt, { process: { args: script(['wait']) } })
      assert.equal(c.create().status, 0)
      const { pid } = c.state()
      assert.notEqual(c.create().status, 0)
      assert.equal(c.state().pid, pid)
    },
    'RT-005': () => each((state, status) => assert.equal(state.status, status)),
    'RT-006': () => {
      const { paused, resumed } = life()
      assert.equal(paused.status, 'paused', 'a status that the specification does not define')
      assert.equal(resumed.status, 'running', 'which is over')
    },
    'RT-007': () => {
      const { created, running } = life()
      assert.ok(created.pid > 1)
      assert.equal(running.pid, created.pid)
    },
    'RT-008': () => each(({ bundle }, _, c) => assert.equal(bundle, c.bundle, 'it was given as .')),
    'RT-009': () => {
      const valid = schema()
      each((state, status) => assert.ok(valid(state), `the state of a ${status} container`))
      assert.equal(valid({ ...life().created, pid: 'x' }), false, 'the schema can say no')
    },
    'RT-034': t => {
      const c = container(t, rt, { process: { args: script(['wait']) } })
      c.create()
      const { status, stdout } = c.call('state', c.id)
      assert.equal(status, 0)
      const state = JSON.parse(stdout) as State
      assert.deepEqual([state.id, state.status, state.bundle], [c.id, 'created', c.bundle])
    },
    'CF-146': () =>
      each((state, status) => {
        assert.deepEqual(state.annotations, annotations, `${status}: they do nothing but stand there`)
      }),
  }
})
