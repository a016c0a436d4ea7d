/** podman as a user. */
import t from 'tap'
import { requires } from '../support/requires.js'
import { runtimeName } from './support/box.js'
import { catalog } from './support/catalog.js'
import { leavesNothing, runChecks } from './support/check.js'
import { rootlessPodman } from './support/podman.js'

t.setTimeout(1_800_000)
t.test(
  `rootless podman with ${runtimeName()}`,
  { skip: requires('root', 'cgroups', 'podman', 'busybox') },
  t => {
    const engine = rootlessPodman()
    t.teardown(engine.box.close)
    for (const checks of catalog.rootless) runChecks(t, engine, checks)
    leavesNothing(t, engine)
    t.end()
  },
)
