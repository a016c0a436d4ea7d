/** The plan of `exec`, against `exec/NAME.HOST.txt`: what it shares with create, and what it does instead. `UPDATE_GOLDEN=1` writes anew. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { enterCgroups } from '../../src/lower/cgroup/enter.js'
import { type ExecRequest, lowerExec } from '../../src/lower/exec.js'
import type { HostPath } from '../../src/plan/op.js'
import { planText } from '../../src/plan/print.js'
import { verify } from '../../src/plan/verify.js'
import { explainer } from '../../src/spec/explain.js'
import { loadSpec } from '../../src/spec/load.js'
import type { Process } from '../../src/spec/types.gen.js'
import { hosts } from './hosts.js'

const house = fileURLToPath(new URL('../../', import.meta.url))
const golden = `${house}test/golden/exec/`
mkdirSync(golden, { recursive: true })

const paths = {
  v1: { v1: { memory: '/sys/fs/cgroup/memory/web', pids: '/sys/fs/cgroup/pids/web' } },
  v2: { v1: {}, v2: '/sys/fs/cgroup/web' },
}

/** A shell on a terminal, as an ordinary user, in each of the bundles; the config's own process where this says nothing. */
const cases: Readonly<
  Record<string, { bundle: string; process: Partial<Process>; request?: Partial<ExecRequest['request']> }>
> = {
  plain: { bundle: 'minimal', process: { args: ['true'] } },
  terminal: {
    bundle: 'shell',
    process: { terminal: true, args: ['sh'], user: { uid: 1000, gid: 1000 } },
    request: { pidFile: '/run/web.pid' as HostPath, pidfdSocket: '/run/web.sock' as HostPath },
  },
  userns: { bundle: 'userns', process: { args: ['id'] } },
  affinity: {
    bundle: 'userns',
    process: { args: ['true'], execCPUAffinity: { initial: '0', final: '1,3-64' } },
  },
  limits: { bundle: 'limits', process: { args: ['true'] } },
}

for (const [name, { bundle, process, request = {} }] of Object.entries(cases)) {
  for (const kind of ['v1', 'v2'] as const) {
    t.test(`${name} on ${kind}`, async t => {
      const spec = loadSpec(readFileSync(`${house}bundles/${bundle}/config.json`, 'utf8'), () => explainer)
      const whole = {
        id: 'web',
        bundle: '/bundles/web' as HostPath,
        rootfs: '/bundles/web/rootfs' as HostPath,
        stateDir: '/run/tsrun/web' as HostPath,
        cgroupManager: 'cgroupfs',
        noPivot: false,
        noNewKeyring: false,
        preservedFds: 0,
        extraEnv: [],
        ...request,
      } as const
      const asked = { request: whole, init: 4711, cgroup: paths[kind] }
      const { terminal: _, ...own } = spec.process ?? { cwd: '/' }
      const host = hosts[kind] as (typeof hosts)[string]
      const plan = verify(lowerExec(spec, { ...own, ...process }, host, asked, () => {}))
      const actual = planText(plan)
      const file = `${golden}${name}.${kind}.txt`
      if (globalThis.process.env.UPDATE_GOLDEN !== undefined) writeFileSync(file, actual)
      t.equal(actual, readFileSync(file, 'utf8'))
      const join = plan.ops.findIndex(({ op }) => op === 'join_process')
      const outside = plan.ops
        .slice(0, join)
        .filter(({ op, by }) => by !== 'runtime' && op !== 'sched_setaffinity')
      t.same(
        outside,
        enterCgroups(paths[kind], 'runtime:cgroup', bundle === 'userns').join,
        'only CPUs and cgroups come first',
      )
      t.equal(plan.ops.at(-1)?.op, 'exec')
    })
  }
}
