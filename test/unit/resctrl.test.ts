/** Resource groups on a tree in memory. */
import t from 'tap'
import {
  changeResctrl,
  createResctrl,
  difference,
  joinResctrl,
  ownGroups,
  parseSchemata,
} from '../../src/launch/resctrl.js'
import type { HostPath } from '../../src/plan/op.js'
import { create, fake, root } from '../support/resctrl.js'

t.test('schemata are compared by what they say', async t => {
  t.same(
    [...(parseSchemata(' L3:1=00FF; 0=f\nMB:0= 100\n').get('L3') ?? [])],
    [
      ['1', 'ff'],
      ['0', 'f'],
    ],
  )
  t.equal(difference('L3:0=ff', '    L3:0=000ff;1=fffff\n    MB:0=100\n'), undefined)
  t.equal(difference('MB:0=70\nL3:0=ff', 'L3:0=ff;1=f\nMB:0=100'), 'MB:0=70')
  t.equal(difference('L3:2=f', 'L3:0=f;1=f'), 'L3:2=f', 'a domain that is not there')
  t.equal(difference('L2:0=f', 'L3:0=f'), 'L2:0=f', 'a resource that is not there')
  t.equal(difference('L3:0=0', 'L3:0=000'), undefined)
})

t.test('a group of its own, and its end', async t => {
  const { tree, log } = fake()
  const monitor = `${root}/box/mon_groups/box` as HostPath
  const made = createResctrl(create({ schemata: 'L3:0=f\nMB:0=20\n', monitor }), tree)
  t.same(made, [`${root}/box`, monitor])
  joinResctrl(
    { op: 'resctrl_join', by: 'runtime', at: '', dirs: [`${root}/box` as HostPath, monitor] },
    42,
    tree,
  )
  t.same(log, [
    `mkdir ${root}/box`,
    `write ${root}/box/schemata L3:0=f\nMB:0=20`,
    `mkdir ${monitor}`,
    `write ${root}/box/tasks 42`,
    `write ${monitor}/tasks 42`,
  ])
})

t.test('a group that is there must be as the config says, and is not ours', async t => {
  const { tree, log } = fake()
  tree.mkdir(`${root}/box`)
  log.length = 0
  t.same(createResctrl(create(), tree), [])
  t.same(createResctrl(create({ compare: 'L3:1=0fffff\n' }), tree), [])
  t.throws(() => createResctrl(create({ compare: 'L3:0=1\n', schemata: 'L2:0=1\n' }), tree), {
    message: /exists, and has not L3:0=1/,
  })
  t.same(log, [], 'nothing was changed')
  t.same(createResctrl(create({ compare: 'L3:1=0fffff\n', schemata: 'L2:0=1\n' }), tree), [])
  t.same(log, [`write ${root}/box/schemata L3:1=0fffff\nL2:0=1`], 'lines of schemata are written')
})

t.test('a group with a name outlives the container', async t => {
  const { tree } = fake()
  const op = create({ monitor: `${root}/box/mon_groups/box` as HostPath, schemata: 'L3:0=f\n', keep: true })
  const made = createResctrl(op, tree)
  t.equal(made.length, 2, 'a failed create removes both')
  t.same(ownGroups(op, made), [op.monitor])
  t.same(ownGroups({ ...op, keep: false }, made), made)
})

t.test('a group that must be there', async t => {
  const { tree } = fake()
  t.throws(() => createResctrl(create({ mustExist: true }), tree), {
    message: /\/closID: there is no resource group/,
  })
  t.same(createResctrl(create({ group: root, mustExist: true }), tree), [], 'the root group always is')
})

t.test('what the kernel refuses is told in its words, and nothing stays', async t => {
  const { tree, log } = fake()
  t.throws(() => createResctrl(create({ schemata: 'L9:0=f\n' }), tree), {
    message: /set the schemata: .*EINVAL \(Unknown or unsupported resource name L9\)/,
  })
  t.same(log, [`mkdir ${root}/box`, `rmdir ${root}/box`])
})

t.test('without resctrl', async t => {
  t.throws(() => createResctrl(create(), fake(false).tree), {
    message: /resctrl is not mounted on \/sys\/fs\/resctrl/,
  })
})

t.test('update: lines are changed, or none', async t => {
  const { tree, log, files } = fake()
  tree.mkdir(`${root}/box`)
  log.length = 0
  const change = { mount: root, group: `${root}/box`, lines: 'L3:0=f\n' }
  let after = 0
  const keep = () => void after++
  changeResctrl(change, keep, tree)
  t.same(log, [`write ${root}/box/schemata L3:0=f`])
  t.equal(after, 1)
  const before = files.get(`${root}/box/schemata`)
  t.throws(() => changeResctrl({ ...change, lines: 'MB:0=50\n' }, throwIt, tree), {
    message: 'the record cannot be saved',
  })
  t.equal(files.get(`${root}/box/schemata`), before, 'what follows failed: as it was')
  t.throws(() => changeResctrl({ ...change, lines: 'L2:0=1\n' }, keep, tree), {
    message: /Intel RDT\/CAT: l3 cache schema is not enabled \(no L2 in/,
  })
  t.throws(() => changeResctrl({ ...change, group: `${root}/gone` }, keep, tree), { message: /gone is gone/ })
  t.throws(() => changeResctrl({ ...change, lines: 'MB:0=50\n' }, keep, fake(false).tree), {
    message: 'Intel RDT/MBA: memory bandwidth schema is not enabled',
  })
  t.equal(after, 1)
})

const throwIt = (): never => {
  throw new Error('the record cannot be saved')
}
