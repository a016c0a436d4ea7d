/** containerd, driven by ctr. */
import t from 'tap'
import { requires } from '../support/requires.js'
import { runtimeName } from './support/box.js'
import { leavesNothing, runChecks } from './support/check.js'
import { checkpointChecks } from './support/checkpoint.js'
import { containerd } from './support/containerd.js'
import { ctrChecks } from './support/ctr.js'
import { ctrWords, faultChecks } from './support/faults.js'

t.setTimeout(1_800_000)
t.test(
  `containerd with ${runtimeName()}`,
  { skip: requires('root', 'cgroup1', 'containerd', 'busybox') },
  t => {
    const engine = containerd()
    t.teardown(engine.box.close)
    runChecks(t, engine, ctrChecks)
    runChecks(t, engine, checkpointChecks)
    runChecks(t, engine, faultChecks(ctrWords))
    leavesNothing(t, engine)
    t.end()
  },
)
