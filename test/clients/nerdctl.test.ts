/** containerd, driven by nerdctl. */
import t from 'tap'
import { requires } from '../support/requires.js'
import { runtimeName } from './support/box.js'
import { type Check, leavesNothing, runChecks } from './support/check.js'
import { identityChecks, limitChecks, networkChecks, volumeChecks } from './support/config.js'
import { dockerWords, faultChecks } from './support/faults.js'
import { nerdctl } from './support/nerdctl.js'
import { execChecks, processChecks } from './support/process.js'
import { readmeBlock } from './support/readme.js'

const ownChecks: readonly Check[] = [
  {
    name: 'the line of README',
    run: `nerdctl() { e "$@"; }; ${readmeBlock('nerdctl run', '$RT')}`,
    out: 'hello',
  },
]

t.setTimeout(1_800_000)
t.test(
  `nerdctl with ${runtimeName()}`,
  { skip: requires('root', 'cgroup1', 'containerd', 'cni', 'nerdctl', 'busybox') },
  t => {
    const engine = nerdctl()
    t.teardown(engine.box.close)
    for (const checks of [
      ownChecks,
      processChecks,
      execChecks,
      limitChecks,
      volumeChecks,
      identityChecks,
      networkChecks,
      faultChecks(dockerWords),
    ])
      runChecks(t, engine, checks)
    leavesNothing(t, engine)
    t.end()
  },
)
