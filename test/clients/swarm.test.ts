/** docker Swarm: one service on three dockerds. */
import t from 'tap'
import { requires } from '../support/requires.js'
import { runtimeName } from './support/box.js'
import { catalog } from './support/catalog.js'
import { leavesNothing, runChecks } from './support/check.js'
import { none } from './support/services.js'
import { swarm } from './support/swarm.js'

t.setTimeout(1_800_000)
t.test(
  `docker Swarm with ${runtimeName()}`,
  { skip: requires('root', 'cgroup1', 'docker', 'busybox') },
  t => {
    const engine = swarm()
    t.teardown(engine.box.close)
    for (const checks of catalog.swarm) runChecks(t, engine, checks)
    engine.box.sh(none)
    leavesNothing(t, engine)
    t.end()
  },
)
