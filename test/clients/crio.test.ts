/** CRI-O, driven by crictl. */
import t from 'tap'
import { requires } from '../support/requires.js'
import { runtimeName } from './support/box.js'
import { catalog } from './support/catalog.js'
import { leavesNothing, runChecks } from './support/check.js'
import { crio } from './support/cri.js'

t.setTimeout(1_800_000)
t.test(
  `CRI-O with ${runtimeName()}`,
  { skip: requires('root', 'cgroup1', 'podman', 'cni', 'crio', 'crictl', 'busybox') },
  t => {
    const engine = crio()
    t.teardown(engine.box.close)
    for (const checks of catalog.crio) runChecks(t, engine, checks)
    leavesNothing(t, engine)
    t.end()
  },
)
