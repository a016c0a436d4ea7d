/** Checks of docker alone: its README line, the default runtime, a daemon and a shim that are killed. */
import type { Check } from './check.js'
import { readmeBlock } from './readme.js'

export const daemonChecks: readonly Check[] = [
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
    name: 'containerd below dockerd is killed and comes back under a container',
    run: `e run -d --name $N box sleep 100 > /dev/null; c=$(pidof containerd); kill -9 $c; soon sh -c "pidof containerd | grep -v $c"; soon e exec $N true; e exec $N echo in; e inspect -f '{{.State.Status}}' $N; e rm -f $N > /dev/null; e ps -aq`,
    out: 'in\nrunning',
  },
  {
    name: 'a shim is killed',
    run: `e run -d --name $N box sleep 100 > /dev/null; kill -9 $(pidof containerd-shim-runc-v2); soon sh -c "e inspect -f '{{.State.Status}}' $N | grep exited"; e rm -f $N > /dev/null; e ps -aq`,
    out: '',
  },
]
