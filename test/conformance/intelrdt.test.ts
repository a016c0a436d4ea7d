/** linux.intelRdt. Few machines have resctrl, so the plan of a config is carried out on a tree in memory. */
import assert from 'node:assert/strict'
import { createResctrl, joinResctrl, ownGroups } from '../../src/launch/resctrl.js'
import { lower } from '../../src/lower/index.js'
import type { Op, OpOf } from '../../src/plan/op.js'
import { explainer } from '../../src/spec/explain.js'
import { loadSpec } from '../../src/spec/load.js'
import { request as anyRequest, hosts } from '../golden/hosts.js'
import type { JsonObject } from '../support/config.js'
import { container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { fake, root } from '../support/resctrl.js'
import { conformance } from './suite.js'

const request = { ...anyRequest, id: 'box' }

/** The ops of a config with this section. */
const opsOf = (intelRdt: JsonObject | undefined): readonly Op[] => {
  const config = {
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    process: { cwd: '/', args: ['/bin/true'] },
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }], intelRdt },
  }
  const spec = loadSpec(JSON.stringify(config), () => explainer)
  return lower(spec, hosts.v2 as (typeof hosts)[string], request, () => {}).plan.ops
}

const find = <N extends 'resctrl_create' | 'resctrl_join'>(ops: readonly Op[], name: N): OpOf<N> => {
  const op = ops.find(op => op.op === name)
  assert.ok(op, `the plan has no ${name}`)
  return op as OpOf<N>
}

/** A container of pid 42 is made and deleted on a tree, which may have groups already. */
const play = (intelRdt: JsonObject, existing: Readonly<Record<string, string>> = {}) => {
  const it = fake()
  for (const [name, schemata] of Object.entries(existing)) {
    it.tree.mkdir(`${root}/${name}`)
    it.files.set(`${root}/${name}/schemata`, schemata)
  }
  it.log.length = 0
  const ops = opsOf(intelRdt)
  const op = find(ops, 'resctrl_create')
  const made = createResctrl(op, it.tree)
  joinResctrl(find(ops, 'resctrl_join'), 42, it.tree)
  const own = ownGroups(op, made)
  const writes = it.log.filter(line => line.startsWith('write') && !line.includes('/tasks'))
  const tasks = it.log.filter(line => line.includes('/tasks'))
  return { ...it, made, own, writes, tasks }
}
const wrote = (group: string, ...lines: readonly string[]): string[] => [
  `write ${root}/${group}/schemata ${lines.join('\n')}`,
]

const l3 = 'L3:0=f0'
const mb = 'MB:0=20'
const both = { closID: 'gold', l3CacheSchema: l3, memBwSchema: mb }

const order = () =>
  assert.deepEqual(play({ memBwSchema: mb, l3CacheSchema: l3 }).writes, wrote('box', l3, mb))
const single = () => {
  assert.deepEqual(play({ l3CacheSchema: l3 }).writes, wrote('box', l3))
  assert.deepEqual(play({ closID: 'gold', memBwSchema: mb }).writes, wrote('gold', mb))
}
const schemata = () => {
  assert.deepEqual(play({ schemata: ['L2:0=3', l3] }).writes, wrote('box', 'L2:0=3', l3))
  assert.deepEqual(play({ ...both, schemata: ['L2:0=3'] }).writes, wrote('gold', l3, mb, 'L2:0=3'))
  const there = play({ closID: 'gold', schemata: ['L2:0=3'] }, { gold: 'L2:0=f\n' })
  assert.deepEqual(there.writes, wrote('gold', 'L2:0=3'))
}
const noSchema = () => {
  assert.deepEqual(play({}).writes, [])
  assert.deepEqual(play({ closID: 'gold' }, { gold: 'L3:0=f\n' }).writes, [])
}
const ownName = () => assert.deepEqual(play({}).made, [`${root}/box`])
const madeByName = () => assert.deepEqual(play(both).made, [`${root}/gold`])
const compared = () => {
  assert.deepEqual(play(both, { gold: `${l3}\n${mb}\n` }).made, [])
  assert.deepEqual(play(both, { gold: ' L3:0=00f0;1=ff\n MB:0= 20\n' }).made, [], 'as the kernel prints it')
  assert.throws(() => play(both, { gold: `L3:0=ff\n${mb}\n` }), /has not L3:0=f0/)
  assert.throws(() => play({ closID: 'gold', memBwSchema: mb }, { gold: 'MB:0=30\n' }), /has not MB:0=20/)
}
const named = () => {
  const { tasks, made } = play({ closID: 'gold' }, { gold: 'L3:0=f\n' })
  assert.deepEqual(tasks, [`write ${root}/gold/tasks 42`])
  assert.deepEqual(made, [])
  assert.throws(() => play({ closID: 'gold' }), /there is no resource group/)
}
const removed = () => assert.deepEqual(play({}).own, [`${root}/box`])
const kept = () => {
  assert.deepEqual(play(both).own, [], 'with closID, though it was made')
  assert.deepEqual(play({}, { box: 'L3:0=f\n' }).own, [], 'not made by this container')
}

conformance('intelrdt', ['root', 'cc'], (_, rt) => ({
  'LX-052': () => {
    assert.deepEqual(play({}).tasks, [`write ${root}/box/tasks 42`])
    assert.deepEqual(play(both).tasks, [`write ${root}/gold/tasks 42`])
  },
  'LX-053': t => {
    // No machine of ours has resctrl; where there is one this config has its effect.
    const c = container(t, rt, { linux: { intelRdt: { closID: 'tsrun-nobody-made-this' } } })
    const { status, stderr } = c.create()
    assert.notEqual(status, 0)
    assert.match(stderr, /rdt|resctrl|resource group/i)
    assert.deepEqual(c.leaks(), nothing)
  },
  'LX-054': () => assert.ok(!opsOf(undefined).some(({ op }) => op.startsWith('resctrl'))),
  'LX-055': () => assert.deepEqual(play({ closID: '/' }).tasks, [`write ${root}/tasks 42`]),
  'LX-059': () => {
    for (const rule of [order, single, schemata, noSchema, ownName, madeByName, compared, named]) rule()
    for (const rule of [removed, kept]) rule()
  },
  'LX-060': () => assert.deepEqual(play(both).writes, wrote('gold', l3, mb)),
  'LX-061': order,
  'LX-062': single,
  'LX-063': schemata,
  'LX-064': noSchema,
  'LX-065': ownName,
  'LX-066': madeByName,
  'LX-067': compared,
  'LX-068': () => assert.throws(() => play({ closID: 'gold' }), /there is no resource group/),
  'LX-069': named,
  'LX-070': removed,
  'LX-071': kept,
  'LX-072': () => {
    const { made, tasks } = play({ enableMonitoring: true })
    assert.deepEqual(made, [`${root}/box`, `${root}/box/mon_groups/box`])
    assert.ok(tasks.includes(`write ${root}/box/mon_groups/box/tasks 42`))
    assert.deepEqual(play({ enableMonitoring: false }).made, [`${root}/box`])
  },
  'LX-073': () =>
    assert.deepEqual(play({ ...both, enableMonitoring: true }).made[1], `${root}/gold/mon_groups/box`),
  'LX-074': () =>
    assert.deepEqual(play({ ...both, enableMonitoring: true }).own, [`${root}/gold/mon_groups/box`]),
  'LX-075': () => {
    const it = fake()
    const { mkdir } = it.tree
    const full = {
      ...it.tree,
      mkdir(path: string) {
        if (path.includes('mon_groups')) throw new Error('mkdir: ENOSPC')
        mkdir(path)
      },
    }
    const op = find(opsOf({ enableMonitoring: true }), 'resctrl_create')
    assert.throws(() => createResctrl(op, full), /ENOSPC/)
    assert.deepEqual(it.log, [`mkdir ${root}/box`, `rmdir ${root}/box`], 'nothing stays')
  },
}))
