/** ps: whose processes are the container's. */
import t from 'tap'
import { container, until } from '../support/container.js'
import { processesOf } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

forms(t, requires('root', 'cc'), (t, rt) => {
  t.test('ids for machines, in one line', async t => {
    const c = container(t, rt, { process: { args: script(['fork', 3], ['wait']) } })
    c.run('--detach')
    t.ok(
      until(() => processesOf(c.id).length === 4),
      'it has forked three times',
    )
    const { status, stdout } = c.call('ps', '--format', 'json', c.id)
    t.equal(status, 0)
    const pids = JSON.parse(stdout) as number[]
    t.equal(stdout, `${JSON.stringify(pids)}\n`)
    t.same([...pids].sort(), processesOf(c.id).sort())
    t.equal(pids.length, 4)
    t.ok(pids.includes(c.state().pid))
  })

  t.test('a table, by the host’s ps', async t => {
    const c = container(t, rt, { process: { args: script(['fork', 1], ['wait']) } })
    c.run('--detach')
    const { pid } = c.state()
    until(() => processesOf(c.id).length === 2)
    const rows = c.call('ps', c.id).stdout.trimEnd().split('\n')
    t.match(rows[0], /^UID +PID +PPID/)
    t.equal(rows.length, 3)
    t.ok(rows.some(row => row.includes(` ${pid} `) && row.includes('/bin/payload')))
    const own = c.call('ps', c.id, '-o', 'pid,comm', '-e')
    t.match(own.stdout.split('\n')[0], /^ *PID COMMAND$/)
    t.match(own.stdout, new RegExp(`^ *${pid} payload$`, 'm'))
    const none = c.call('ps', c.id, '-e', '-o', 'comm')
    t.match(none, { status: 1, stderr: /couldn't find PID field in ps output/ })
    t.equal(c.call('ps', c.id, '--nonsense').status, 1)
  })

  t.test('of none', async t => {
    const c = container(t, rt)
    t.match(c.call('ps', c.id), { status: 1, stderr: /container does not exist/ })
  })
})
