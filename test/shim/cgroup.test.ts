/** How the shim gets into cgroups: the helper moves itself on v1, init begins in its v2 directory. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { type CgroupHost, probeCgroup } from '../../src/host/cgroup.js'
import { opcodes } from '../../src/plan/opcodes.js'
import { requires } from '../support/requires.js'
import { container } from './plans.js'
import { helper, host, play, scratch } from './support.js'

const skip = requires('root', 'cc')
const name = `tsrun-shim-${process.pid}`
const where: CgroupHost = probeCgroup()
const v1 = [...new Set(Object.values(where.v1).map(({ mount }) => `${mount}/${name}`))]
const v2 = where.v2 === undefined ? undefined : `${where.v2.mount}/${name}`
const dirs = [...v1, ...(v2 === undefined ? [] : [v2])]

if (skip === false) {
  for (const dir of dirs) {
    mkdirSync(dir)
    if (!dir.includes('/cpuset/')) continue
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      writeFileSync(`${dir}/${file}`, readFileSync(`${dir}/../${file}`))
  }
  t.teardown(() => {
    for (const dir of dirs) rmdirSync(dir)
  })
}

const join = v1.map(dir => helper({ op: 'join_cgroup', path: host(`${dir}/tasks`) }))
const open = v2 === undefined ? [] : [helper({ op: 'open_path', slot: 'cgroup', path: host(v2) })]
const barrier = { op: 'save_state', by: 'runtime', at: 'test', status: 'created' } as const
const plan = (rootfs: string) =>
  container(rootfs, [barrier], ['/payload', 'true']).map(op =>
    op.op === 'clone_init' && v2 !== undefined ? { ...op, cgroup: 'cgroup' } : op,
  )

t.test('init is in all of them when it is ready', { skip }, async t => {
  let cgroups = ''
  const played = play([...join, ...open, ...plan(scratch(t, true))], {
    onBarrier(_n, pid) {
      cgroups = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
      return true
    },
  })
  t.equal(played.failed, undefined)
  const lines = cgroups.trim().split('\n')
  t.equal(lines.filter(line => line.endsWith(`:/${name}`)).length, dirs.length, cgroups)
})

t.test('failures name their step', { skip }, async t => {
  const failed = (path: string) => {
    const { failed } = play([helper({ op: 'join_cgroup', path: host(path) })])
    return `${opcodes.join_cgroup.steps[failed?.step ?? -1]} ${failed?.errno}`
  }
  t.equal(failed('/sys/fs/cgroup/nothing/tasks'), 'open 2')
  t.equal(failed('/dev/full'), 'write 28')
})
