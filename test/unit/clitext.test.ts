import t from 'tap'
import { parseSignal, signalName, signals } from '../../src/base/signals.js'
import { formatTime } from '../../src/base/time.js'
import { nearest } from '../../src/cli/nearest.js'
import { listJson, listQuiet, listTable, stateText } from '../../src/cli/state.js'
import type { StateJson } from '../../src/container/options.js'

const web: StateJson = {
  owner: 'root',
  ociVersion: '1.3.0',
  id: 'web',
  pid: 42,
  status: 'running',
  bundle: '/srv/web',
  rootfs: '/srv/web/rootfs',
  created: '2026-11-21T05:34:46.1Z',
}

t.test('state, as runc prints it', t => {
  const text = `{
  "ociVersion": "1.3.0",
  "id": "web",
  "pid": 42,
  "status": "running",
  "bundle": "/srv/web",
  "rootfs": "/srv/web/rootfs",
  "created": "2026-11-21T05:34:46.1Z",
  "owner": "root"
}`
  t.equal(stateText(web), text)
  t.strictSame(Object.keys(JSON.parse(stateText({ ...web, annotations: { a: 'b' } }))).slice(-2), [
    'annotations',
    'owner',
  ])
  t.end()
})

t.test('list, as runc prints it', t => {
  t.equal(listTable([]), 'ID          PID         STATUS      BUNDLE      CREATED     OWNER\n')
  t.equal(
    listTable([web, { ...web, id: 'a-longer-name', pid: 0, status: 'stopped' }]),
    [
      'ID              PID         STATUS      BUNDLE      CREATED                  OWNER',
      'web             42          running     /srv/web    2026-11-21T05:34:46.1Z   root',
      'a-longer-name   0           stopped     /srv/web    2026-11-21T05:34:46.1Z   root',
      '',
    ].join('\n'),
  )
  t.equal(listJson([]), 'null\n')
  t.match(listJson([web]), /^\[\{"ociVersion":"1.3.0","id":"web",.*\}\]\n$/)
  t.equal(listQuiet([web, { ...web, id: 'b' }]), 'web\nb\n')
  t.equal(listQuiet([]), '')
  t.end()
})

t.test('formatTime agrees with Date', t => {
  t.equal(formatTime(0, 0), '1970-01-01T00:00:00Z')
  t.equal(formatTime(1795239286, 120000034), '2026-11-21T05:34:46.120000034Z')
  t.equal(formatTime(1795239286, 500000000), '2026-11-21T05:34:46.5Z')
  t.equal(formatTime(1795239286, 1), '2026-11-21T05:34:46.000000001Z')
  let wrong = 0
  // every 11 days and a bit over eight centuries: leap years, centuries, years of 400
  for (let seconds = -62135596800; seconds < 253402300800; seconds += 987654.0) {
    const expected = `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
    if (formatTime(seconds, 0) !== expected) wrong++
  }
  t.equal(wrong, 0)
  for (const day of ['2000-02-29', '2100-03-01', '2024-12-31', '2024-03-01', '2023-02-28']) {
    t.equal(formatTime(Date.parse(day) / 1000, 0), `${day}T00:00:00Z`)
  }
  t.end()
})

t.test('signals', t => {
  const good: Record<string, number> = {
    9: 9,
    KILL: 9,
    SIGKILL: 9,
    sigkill: 9,
    Term: 15,
    cld: 17,
    0: 0,
    64: 64,
    SIGRTMIN: 34,
    'RTMIN+3': 37,
    'sigrtmax-1': 63,
    RTMAX: 64,
  }
  for (const [text, number] of Object.entries(good)) t.equal(parseSignal(text), number, text)
  const bad = [
    '',
    'SIG',
    'FOO',
    '-9',
    '+9',
    '65',
    '0x9',
    '9 ',
    '1e1',
    'RTMIN+',
    'RTMIN-1',
    'RTMIN+31',
    'RTMAX-31',
  ]
  for (const text of [...bad, 'SIGSIGKILL', 'toString', 'constructor', '\u017figkill', 'k\u0131ll', '\u0669'])
    t.equal(parseSignal(text), undefined, text)
  for (const number of Object.values(signals)) t.equal(parseSignal(signalName(number)), number)
  t.equal(signalName(34), 'SIGRTMIN')
  t.equal(signalName(40), 'SIGRTMIN+6')
  t.equal(signalName(99), '99')
  t.end()
})

t.test('nearest', t => {
  const names = ['create', 'delete', 'state', 'start', 'kill']
  t.equal(nearest('crate', names), 'create')
  t.equal(nearest('dleete', names), 'delete')
  t.equal(nearest('sta', names), 'state')
  t.equal(nearest('exec', names), undefined)
  t.equal(nearest('', names), undefined)
  t.end()
})
