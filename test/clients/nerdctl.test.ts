/** containerd, driven by nerdctl. */
import t from 'tap'
import { requires } from '../support/requires.js'
import { runtimeName } from './support/box.js'
import { catalog } from './support/catalog.js'
import { leavesNothing, runChecks } from './support/check.js'
import { nerdctl } from './support/nerdctl.js'

t.setTimeout(1_800_000)
t.test(
  `nerdctl with ${runtimeName()}`,
  { skip: requires('root', 'cgroups', 'containerd', 'cni', 'nerdctl', 'busybox') },
  t => {
    const engine = nerdctl()
    t.teardown(engine.box.close)
    for (const checks of catalog.nerdctl) runChecks(t, engine, checks)
    leavesNothing(t, engine)
    t.end()
  },
)
