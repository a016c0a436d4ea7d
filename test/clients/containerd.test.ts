/** containerd, driven by ctr. */
import t from 'tap'
import { requires } from '../support/requires.js'
import { runtimeName } from './support/box.js'
import { catalog } from './support/catalog.js'
import { leavesNothing, runChecks } from './support/check.js'
import { containerd } from './support/containerd.js'

t.setTimeout(1_800_000)
t.test(
  `containerd with ${runtimeName()}`,
  { skip: requires('root', 'cgroups', 'containerd', 'busybox') },
  t => {
    const engine = containerd()
    t.teardown(engine.box.close)
    for (const checks of catalog.containerd) runChecks(t, engine, checks)
    leavesNothing(t, engine)
    t.end()
  },
)
