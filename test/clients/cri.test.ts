/** containerd's CRI plugin, driven by crictl. */
import t from 'tap'
import { requires } from '../support/requires.js'
import { runtimeName } from './support/box.js'
import { leavesNothing, runChecks } from './support/check.js'
import { cri } from './support/cri.js'
import { crictlChecks } from './support/crictl.js'

t.setTimeout(1_800_000)
t.test(
  `CRI with ${runtimeName()}`,
  { skip: requires('root', 'cgroup1', 'containerd', 'cni', 'crictl', 'busybox') },
  t => {
    const engine = cri()
    t.teardown(engine.box.close)
    runChecks(t, engine, crictlChecks)
    leavesNothing(t, engine)
    t.end()
  },
)
