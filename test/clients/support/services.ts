/** Checks of a Swarm: services that are spread over its three nodes. */
import type { Check } from './check.js'
import { files } from './limits.js'

const service = (replicas: number, command: string, options = ''): string =>
  `e service create -q -d --name $N --network mesh --endpoint-mode dnsrr --no-resolve-image --stop-grace-period 1s --replicas ${replicas} ${options} box ${command} > /dev/null; `

const spread = (count: number): string => `spread $N ${count}; `
/** Workers take containers away when they come to it, one that was just restarted late. */
export const none = `for d in e e2 e3; do
  gone='[ -z "$('$d' ps -aq)" ]'; soon sh -c "$gone" 2> /dev/null || soon sh -c "$gone" || $d ps -a >&2
done`
const loop = "sh -c 'trap exit TERM; while :; do sleep 0.2; done'"

export const swarmChecks: readonly Check[] = [
  {
    name: 'three nodes with the runtime as default',
    run: "e node ls --format '{{.Status}}' | sort | uniq -c | tr -s ' '; for d in e e2 e3; do $d info -f '{{.DefaultRuntime}}'; done",
    out: '3 Ready\ntsrun\ntsrun\ntsrun',
  },
  {
    name: 'a service scales out over the nodes, in, and away',
    run: `${service(1, loop, '--replicas-max-per-node 2')}${spread(1)}e service scale -d $N=6 > /dev/null; ${spread(6)}e service scale -d $N=3 > /dev/null; ${spread(3)}e service rm $N > /dev/null; ${none}`,
    out: /^[01] [01] [01]\n2 2 2\n[012] [012] [012]$/,
  },
  {
    name: 'tasks on different nodes talk over the overlay network',
    run: `${service(3, 'sh -c "while :; do hostname | nc -l -p 80; done"', '--replicas-max-per-node 1')}${spread(3)}c=$(e ps -q --filter name=$N)
for d in e2 e3; do ip=$($d inspect -f '{{.NetworkSettings.Networks.mesh.IPAddress}}' $($d ps -q --filter name=$N)); e exec $c ping -c 1 -W 3 $ip | grep -o '1 packets received'; done
e exec $c nslookup tasks.$N | grep -c 'Address.*10.219'`,
    out: '1 1 1\n1 packets received\n1 packets received\n3',
  },
  {
    name: 'a task that dies is replaced',
    run: `${service(3, loop, '--replicas-max-per-node 1 --restart-delay 100ms')}${spread(3)}c=$(e2 ps -q --filter name=$N); e2 kill $c > /dev/null; soon sh -c "e2 ps -q --filter name=$N | grep -v $c"; ${spread(3)}`,
    out: '1 1 1\n1 1 1',
  },
  {
    name: 'a node is drained and comes back',
    run: `${service(3, loop)}${spread(3)}n=$(e3 info -f '{{.Swarm.NodeID}}'); e node update --availability drain $n > /dev/null; soon sh -c "[ -z \\"\\$(e3 ps -q)\\" ]"; ${spread(3)}e node update --availability active $n > /dev/null`,
    out: /^1 1 1\n([12] [12] 0)$/,
  },
  {
    name: 'an update rolls through the tasks',
    run: `${service(3, loop, '--replicas-max-per-node 2 --update-delay 0s --update-order start-first')}${spread(3)}e service update -q -d --no-resolve-image --env-add A=b --limit-memory 64m $N > /dev/null
soon sh -c "[ \\$(e service inspect -f '{{.UpdateStatus.State}}' $N) = completed ]"; ${spread(3)}for d in e e2 e3; do c=$($d ps -q --filter name=$N | head -n 1); [ -z "$c" ] || break; done; $d exec $c sh -c 'echo $A; cat /sys/fs/cgroup/${files.memory}'`,
    out: /^1 1 1\n.*\nb\n67108864$/,
  },
  {
    name: 'the log of a service',
    run: `${service(3, "sh -c 'echo up; sleep 100'", '--replicas-max-per-node 1')}${spread(3)}soon sh -c "[ \\$(e service logs --raw $N | grep -c up) = 3 ]" && echo all`,
    out: '1 1 1\nall',
  },
  {
    name: 'a dockerd is killed and its tasks come back with it',
    run: `${service(3, loop, '--replicas-max-per-node 1')}${spread(3)}kill -9 $(cat /run/d3.pid); rm -f /run/d3.pid; sleep 0.5
setsid nsenter --net=/run/netns/n3 dockerd --config-file $T/d3/daemon.json > $T/again.log 2>&1 < /dev/null & soon e3 version || tail -n 20 $T/again.log >&2
${spread(3)}e service rm $N > /dev/null; ${none}`,
    out: '1 1 1\n1 1 1',
  },
]
