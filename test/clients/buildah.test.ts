/** buildah as root: the steps of a build are containers. */
import t from 'tap'
import { requires } from '../support/requires.js'
import { runtimeName } from './support/box.js'
import { buildah } from './support/buildah.js'
import { catalog } from './support/catalog.js'
import { leavesNothing, runChecks } from './support/check.js'

t.setTimeout(1_800_000)
t.test(`buildah with ${runtimeName()}`, { skip: requires('root', 'cgroups', 'buildah', 'busybox') }, t => {
  const engine = buildah()
  t.teardown(engine.box.close)
  for (const checks of catalog.buildah) runChecks(t, engine, checks)
  leavesNothing(t, engine)
  t.end()
})
