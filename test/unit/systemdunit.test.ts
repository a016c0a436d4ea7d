import t from 'tap'
import { managerRoot } from '../../src/container/systemd.js'
import { expandSlice, lowerUnit } from '../../src/lower/cgroup/unit.js'
import { annotatedProperties } from '../../src/lower/cgroup/unitannotations.js'

const unit = (path: string | undefined, user = false) => lowerUnit(path, 'web', user, {})

t.test('names and places', async t => {
  const cases: readonly (readonly [string | undefined, string])[] = [
    ['system.slice:docker:0123', '/system.slice/docker-0123.scope'],
    ['a-b-c.slice:p:n', '/a.slice/a-b.slice/a-b-c.slice/p-n.scope'],
    ['kubepods-pod1_2.slice:cri:x', '/kubepods.slice/kubepods-pod1_2.slice/cri-x.scope'],
    [':p:n', '/system.slice/p-n.scope'],
    ['-.slice:p:n', '/p-n.scope'],
    ['-:p:n', '/p-n.scope'],
    ['::n', '/system.slice/-n.scope'],
    ['', '/system.slice/tsrun-web.scope'],
    [undefined, '/system.slice/tsrun-web.scope'],
  ]
  for (const [asked, path] of cases) t.equal(unit(asked).path, path, `${asked}`)
  t.equal(unit(':p:n', true).path, '/user.slice/p-n.scope', "a user's default")
  t.match(unit('-:p:n').properties[1], { name: 'Slice', value: '-.slice' })
})

t.test('what is no unit', async t => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      '/docker/x',
      /expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "\/docker\/x"/,
    ],
    ['a:b', /slice:prefix:name/],
    ['a.slice:b:c:d', /slice:prefix:name/],
    ['a:p:n', /invalid slice name: "a"/],
    ['a--b.slice:p:n', /invalid slice name/],
    ['-a.slice:p:n', /invalid slice name/],
    ['a-.slice:p:n', /invalid slice name/],
    ['.slice:p:n', /invalid slice name/],
    ['a/b.slice:p:n', /invalid slice name/],
    ['a b.slice:p:n', /invalid slice name/],
    ['a.slice:p:', /name .* is missing/],
    ['a.slice:p:n.slice', /a container needs a scope/],
    ['a.slice:p:n/m', /"\/" cannot be/],
    ['a.slice:p q:n', /" " cannot be/],
    [`a.slice:p:${'n'.repeat(250)}`, /longer than 255/],
  ]
  for (const [asked, message] of cases)
    t.throws(() => unit(asked), { code: 'ERR_CONFIG', pointer: '/linux/cgroupsPath', message }, asked)
  t.equal(expandSlice('-.slice'), '')
})

const annotated = (name: string, value: string) =>
  annotatedProperties({ [`org.systemd.property.${name}`]: value })

t.test('annotations', async t => {
  const cases: readonly (readonly [string, string, string, unknown])[] = [
    ['TimeoutStopUSec', 'uint64 123456789', 't', 123456789n],
    ['TimeoutStopUSec', '18446744073709551615', 't', 2n ** 64n - 1n],
    ['TimeoutStopUSec', '@t 5', 't', 5n],
    ['CollectMode', "'inactive-or-failed'", 's', 'inactive-or-failed'],
    ['Description', '"a \\"b\\" \\\\ c"', 's', 'a "b" \\ c'],
    ['DefaultDependencies', 'true', 'b', true],
    ['SendSIGHUP', '@b false', 'b', false],
    ['KillSignal', '9', 'i', 9n],
    ['KillSignal', 'int32 -1', 'i', -1n],
    ['After', '[\'a.service\', "b.service"]', 'as', ['a.service', 'b.service']],
    ['After', '@as []', 'as', []],
    ['RuntimeMaxSec', '1.5', 't', 1500000n],
    ['RuntimeMaxSec', 'uint64 2', 't', 2000000n],
  ]
  for (const [name, text, type, value] of cases) {
    const [property] = annotated(name, text)
    t.same([property?.type, property?.value], [type, value], `${name} ${text}`)
  }
  t.match(annotated('RuntimeMaxSec', '1'), [{ name: 'RuntimeMaxUSec' }])
  t.same(annotatedProperties({ 'org.systemd.propertyX': '1', other: '2' }), [])
})

t.test('annotations that are refused', async t => {
  for (const name of [
    'ExecStartPost',
    'ExecStart',
    'Wants',
    'Slice',
    'PIDs',
    'Delegate',
    'User',
    'DeviceAllow',
    '',
    'toString',
  ])
    t.throws(() => annotated(name, "'x'"), { code: 'ERR_CONFIG', rule: 'systemd-property-allowed' }, name)
  const values: readonly (readonly [string, string])[] = [
    ['TimeoutStopUSec', 'uint32 5'],
    ['TimeoutStopUSec', '-1'],
    ['TimeoutStopUSec', '18446744073709551616'],
    ['TimeoutStopUSec', '5 6'],
    ['TimeoutStopUSec', ''],
    ['TimeoutStopUSec', "'5'"],
    ['KillSignal', '2147483648'],
    ['CollectMode', 'inactive'],
    ['CollectMode', "'inactive"],
    ['CollectMode', "'a' 'b'"],
    ['CollectMode', "'a\\q'"],
    ['DefaultDependencies', '1'],
    ['DefaultDependencies', 'True'],
    ['After', "['a',]"],
    ['After', "['a' 'b']"],
    ['After', "'a'"],
    ['After', '[a]'],
    ['RuntimeMaxSec', 'infinity'],
    ['RuntimeMaxSec', '1.0000001'],
    ['RuntimeMaxSec', '-1'],
  ]
  for (const [name, text] of values)
    t.throws(
      () => annotated(name, text),
      { code: 'ERR_CONFIG', rule: 'systemd-property-value' },
      `${name} ${text}`,
    )
})

t.test('where systemd stands', async t => {
  t.equal(managerRoot('0::/init.scope\n'), '')
  t.equal(managerRoot('1:name=systemd:/docker/x/init.scope\n0::/docker/x/init.scope\n'), '/docker/x')
  t.equal(managerRoot('2:pids:/\n1:name=systemd:/init.scope\n'), '')
  t.equal(managerRoot('0::/some.service\n'), '', 'pid 1 is no systemd')
})
