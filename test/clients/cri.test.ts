/** containerd's CRI plugin, driven by crictl. */
import t from 'tap'
import { requires } from '../support/requires.js'
import { runtimeName } from './support/box.js'
import { catalog } from './support/catalog.js'
import { leavesNothing, runChecks } from './support/check.js'
import { cri } from './support/cri.js'

t.setTimeout(1_800_000)
t.test(
  `CRI with ${runtimeName()}`,
  { skip: requires('root', 'cgroups', 'containerd', 'cni', 'crictl', 'busybox') },
  t => {
    const engine = cri()
    t.teardown(engine.box.close)
    for (const checks of catalog.cri) runChecks(t, engine, checks)
    leavesNothing(t, engine)
    t.end()
  },
)
