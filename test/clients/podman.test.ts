/** podman as root. */
import t from 'tap'
import { requires } from '../support/requires.js'
import { runtimeName } from './support/box.js'
import { type Check, leavesNothing, runChecks } from './support/check.js'
import { checkpointChecks } from './support/checkpoint.js'
import { identityChecks, limitChecks, networkChecks, volumeChecks } from './support/config.js'
import { dockerWords, faultChecks } from './support/faults.js'
import { podman } from './support/podman.js'
import { execChecks, processChecks } from './support/process.js'
import { readmeBlock } from './support/readme.js'

const podChecks: readonly Check[] = [
  {
    name: 'the line of README',
    run: `podman() { e "$@"; }; ${readmeBlock('podman --runtime', '$RT')}`,
    out: 'hello',
  },
  {
    // podman forgets the container without asking the runtime
    name: 'conmon is killed',
    run: `id=$(e run -d --name $N box sleep 100); kill -9 $(pidof conmon); e rm -f -t 0 $N > /dev/null 2>&1 || e rm -f -t 0 $N > /dev/null
e ps -aq; $RT delete --force $id`,
    out: '',
  },
  {
    name: 'a pod',
    run: 'e pod create --infra-command "/bin/sleep 1000" --infra-image box --name $N > /dev/null; e run -d --pod $N --name $N-a box sleep 100 > /dev/null; e run --rm --pod $N box sh -c "hostname; ls /sys/class/net"; e pod rm -f -t 0 $N > /dev/null; e ps -aq',
    out: /^check\d+\neth0\nlo$/,
  },
  {
    name: 'info names the runtime',
    run: "e info -f '{{.Host.OCIRuntime.Name}}'",
    out: new RegExp(`${runtimeName()}$`),
  },
]

t.setTimeout(1_800_000)
t.test(`podman with ${runtimeName()}`, { skip: requires('root', 'cgroup1', 'podman', 'busybox') }, t => {
  const engine = podman()
  t.teardown(engine.box.close)
  for (const checks of [
    processChecks,
    execChecks,
    limitChecks,
    volumeChecks,
    identityChecks,
    networkChecks,
    podChecks,
    checkpointChecks,
    faultChecks(dockerWords),
  ])
    runChecks(t, engine, checks)
  leavesNothing(t, engine)
  t.end()
})
