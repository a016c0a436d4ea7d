/** What state and list print. */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const waiting = { process: { args: script(['wait']) } }

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('state prints the documented fields', async t => {
    const annotations = { 'org.example.key': 'value', 'org.example.other': 'ö "quoted"' }
    const c = container(t, rt, { ...waiting, annotations })
    c.create()
    const text = c.call('state', c.id).stdout
    const state = JSON.parse(text)
    t.same(
      Object.keys(state).filter(key => key !== 'annotations'),
      ['ociVersion', 'id', 'pid', 'status', 'bundle', 'rootfs', 'created', 'owner'],
      'in this order',
    )
    t.equal(text, JSON.stringify(state, null, 2), 'two spaces, and no newline at the end')
    t.match(state, {
      ociVersion: /^1\.\d+\.\d+/,
      id: c.id,
      pid: Number,
      status: 'created',
      bundle: c.bundle,
      rootfs: c.rootfs,
      created: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
      owner: String,
    })
    t.same(state.annotations, annotations)
    t.ok(Math.abs(Date.parse(state.created) - Date.now()) < 60_000, 'created is now')
  })

  t.test('without annotations the field is not there', async t => {
    const c = container(t, rt, waiting)
    c.create()
    t.notOk('annotations' in c.state())
  })

  t.test('the bundle and the rootfs of a relative path are absolute', async t => {
    const c = container(t, rt, waiting)
    t.equal(c.run('--detach', '--bundle', '.', '--pid-file', '../pid').status, 0, 'the last --bundle counts')
    t.match(c.state(), { bundle: c.bundle, rootfs: c.rootfs })
    t.equal(Number(readFileSync(join(c.dir, 'pid'), 'utf8')), c.state().pid, '../pid is seen from the caller')
  })

  t.test('the state root is for root alone', async t => {
    const c = container(t, rt, waiting)
    c.create()
    t.equal(statSync(c.stateRoot).mode & 0o66, 0, 'nobody else can list or write the state root')
    t.equal(statSync(join(c.stateRoot, c.id)).mode & 0o66, 0, 'nobody else can list or write the container')
  })

  t.test('a process that ended by itself is stopped', async t => {
    const c = container(t, rt)
    c.create()
    const { pid } = c.state()
    c.start()
    c.ended(pid)
    t.match(c.state(), { status: 'stopped', pid: 0 })
  })

  t.test('list', async t => {
    const c = container(t, rt, waiting)
    if (rt.lacks('list-root') === false)
      t.match(
        c.call('list'),
        { status: 1, stderr: /no such file|does not exist/ },
        'a root that is named has to be there',
      )
    mkdirSync(c.stateRoot, { recursive: true })
    t.match(c.call('list', '--format', 'json'), { status: 0, stdout: /^null\n?$/ }, 'nothing, as json')
    t.equal(c.call('list', '--quiet').stdout, '')
    c.create()
    const { pid } = c.state()
    t.equal(c.call('list', '-q').stdout, `${c.id}\n`)
    const [heading, row] = c.call('list').stdout.split('\n')
    t.match(heading, /^ID +PID +STATUS +BUNDLE +CREATED +OWNER *$/)
    t.match(row, new RegExp(`^${c.id} +${pid} +created +${c.bundle} +\\S+Z +root *$`))
    const json = c.call('list', '--format=json').stdout
    t.match(JSON.parse(json), [{ id: c.id, pid, status: 'created', bundle: c.bundle, owner: 'root' }])
    t.equal(json.trim().split('\n').length, 1, 'on one line')
    t.match(c.call('list', '--format', 'nonsense'), { status: 1, stderr: /invalid format/ })

    mkdirSync(join(c.stateRoot, 'broken'))
    writeFileSync(join(c.stateRoot, 'broken', 'state.json'), '{')
    const { status, stdout, stderr } = c.call('list', '-q')
    t.equal(status, 0)
    t.equal(stdout, `${c.id}\n`, 'a broken one does not hide the others')
    t.match(stderr, /broken/)
    rmSync(join(c.stateRoot, 'broken'), { recursive: true })
  })

  t.test(
    'delete --force of a container without a readable state',
    { skip: rt.lacks('delete-broken') },
    async t => {
      const c = container(t, rt)
      for (const text of ['{', '', 'null', '[]', '1', '{}', '{"id":"another"}', `{"id":"${c.id}"}`]) {
        mkdirSync(join(c.stateRoot, c.id), { recursive: true })
        writeFileSync(join(c.stateRoot, c.id, 'state.json'), text)
        for (const command of [
          ['state', c.id],
          ['kill', c.id],
          ['start', c.id],
          ['ps', c.id],
          ['delete', c.id],
        ])
          t.match(c.call(...command), { status: 1, stderr: /state.json is damaged.*tsrun delete --force/ })
        t.match(c.call('list', '-q'), { status: 0, stdout: '', stderr: /damaged/ })
        t.equal(c.del('--force').status, 0, text)
        t.same(c.leaks(), nothing)
      }
    },
  )
})
