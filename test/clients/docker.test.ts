/** docker: dockerd with the runtime as its default. */
import t from 'tap'
import { requires } from '../support/requires.js'
import { runtimeName } from './support/box.js'
import { type Check, runChecks } from './support/check.js'
import { identityChecks, limitChecks, networkChecks, volumeChecks } from './support/config.js'
import { docker } from './support/docker.js'
import { execChecks, processChecks } from './support/process.js'

const daemonChecks: readonly Check[] = [
  {
    name: 'dockerd ends and comes back under a container',
    run: 'e run -d --restart no --name $N box sleep 100 > /dev/null; e info -f "{{.DefaultRuntime}}"',
    out: `${runtimeName()}-under-test`,
  },
]

t.setTimeout(1_800_000)
t.test(`docker with ${runtimeName()}`, { skip: requires('root', 'cgroup1', 'docker', 'busybox') }, t => {
  const engine = docker()
  t.teardown(engine.box.close)
  for (const checks of [processChecks, execChecks, limitChecks, volumeChecks, identityChecks, networkChecks])
    runChecks(t, engine, checks)
  runChecks(t, engine, daemonChecks)
  t.end()
})
