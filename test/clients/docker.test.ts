/** docker: dockerd with the runtime as its default. */
import t from 'tap'
import { requires } from '../support/requires.js'
import { runtimeName } from './support/box.js'
import { type Check, leavesNothing, runChecks } from './support/check.js'
import { checkpointChecks } from './support/checkpoint.js'
import { identityChecks, limitChecks, networkChecks, volumeChecks } from './support/config.js'
import { docker } from './support/docker.js'
import { dockerWords, faultChecks } from './support/faults.js'
import { execChecks, processChecks } from './support/process.js'
import { readmeBlock } from './support/readme.js'

const daemonChecks: readonly Check[] = [
  {
    name: 'the line of README',
    run: `docker() { e "$@"; }; ${readmeBlock('docker run --runtime', '')}`,
    out: 'hello',
  },
  {
    name: 'the default runtime',
    run: 'e info -f "{{.DefaultRuntime}}"; e run -d --name $N box sleep 100 > /dev/null; e inspect -f "{{.HostConfig.Runtime}}" $N',
    out: 'tsrun\ntsrun', // README's name for it, whichever it is
  },
  {
    name: 'dockerd is killed and comes back under a container',
    run: `e run -d --name $N box sleep 100 > /dev/null; kill -9 $(cat /run/docker.pid); sleep 0.5; rm -f /run/docker.pid
setsid dockerd --config-file $T/daemon.json > $T/again.log 2>&1 < /dev/null & soon e version || tail -n 20 $T/again.log >&2
e inspect -f '{{.State.Status}}' $N; e exec $N echo in; e rm -f $N > /dev/null; e ps -aq`,
    out: 'running\nin',
  },
  {
    name: 'a shim is killed',
    run: `e run -d --name $N box sleep 100 > /dev/null; kill -9 $(pidof containerd-shim-runc-v2); soon sh -c "e inspect -f '{{.State.Status}}' $N | grep exited"; e rm -f $N > /dev/null; e ps -aq`,
    out: '',
  },
]

t.setTimeout(1_800_000)
t.test(`docker with ${runtimeName()}`, { skip: requires('root', 'cgroup1', 'docker', 'busybox') }, t => {
  const engine = docker()
  t.teardown(engine.box.close)
  for (const checks of [processChecks, execChecks, limitChecks, volumeChecks, identityChecks, networkChecks])
    runChecks(t, engine, checks)
  runChecks(t, engine, checkpointChecks)
  runChecks(t, engine, daemonChecks)
  runChecks(t, engine, faultChecks(dockerWords))
  leavesNothing(t, engine)
  t.end()
})
