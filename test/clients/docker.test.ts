/** docker: dockerd with the runtime as its default. */
import t from 'tap'
import { requires } from '../support/requires.js'
import { runtimeName } from './support/box.js'
import { catalog } from './support/catalog.js'
import { leavesNothing, runChecks } from './support/check.js'
import { docker } from './support/docker.js'

t.setTimeout(1_800_000)
t.test(`docker with ${runtimeName()}`, { skip: requires('root', 'cgroups', 'docker', 'busybox') }, t => {
  const engine = docker()
  t.teardown(engine.box.close)
  for (const checks of catalog.docker) runChecks(t, engine, checks)
  leavesNothing(t, engine)
  t.end()
})
