/** Checks of what systemd knows of the containers of docker’s words. `ctl` is the systemctl that they are units of. */
import type { Check } from './check.js'
import { files } from './limits.js'

const engines = ['podman', 'rootless', 'docker', 'nerdctl']
const everywhere = { only: engines, managed: engines }
const alone = { only: ['podman'], managed: ['podman'] }

const sleeping = (options = ''): string => `e run -d --name $N ${options} box sleep 100 > /dev/null; `
/** The scope of a container, from the name of its cgroup: $S. */
const scope =
  "S=$(sed -n 's|.*/\\([^/]*[.]scope\\).*|\\1|p' /proc/$(e inspect -f '{{.State.Pid}}' $N)/cgroup); "
const limits =
  'ctl show -p MemoryMax -p CPUQuotaPerSecUSec -p TasksMax -p AllowedCPUs $S | sort | cut -d = -f 2; '
const file = (name: string) => `e exec $N cat /sys/fs/cgroup/${name}; `

/** Ends with 0 when it is asked to: any other status would make a failed unit. */
const obeying = (first: string): string => `sh -c '${first}trap "exit 0" TERM; while :; do sleep 0.2; done'`

/** A unit that podman wrote, or would have: it goes where systemd looks, and knows the configuration. */
const install = `sed "s|^\\[Service\\]|&\\nEnvironment=CONTAINERS_CONF=$T/containers.conf|" | tee $T/units/$N.service > /dev/null; ctl daemon-reload; `
const ofConmon = '[ "$(cat /proc/$(ctl show --value -p MainPID $N)/comm)" = conmon ] && echo conmon; '

export const unitChecks: readonly Check[] = [
  {
    name: 'limits are properties of the scope',
    run: `${sleeping('-m 64m --cpus 0.5 --pids-limit 20 --cpuset-cpus 0')}${scope}${limits}`,
    out: '0\n500ms\n67108864\n20',
    ...everywhere,
  },
  {
    name: 'update changes the properties of the scope, which a daemon-reload leaves',
    run: `${sleeping('-m 64m --pids-limit 20')}${scope}e update -m 32m --memory-swap 64m --cpuset-cpus 1 $N > /dev/null; ctl daemon-reload; ${limits}${file(files.memory)}${file(files.pids)}`,
    out: '1\ninfinity\n33554432\n20\n33554432\n20',
    ...everywhere,
  },
  {
    name: 'out of memory is told',
    run: "e run --name $N -m 16m box sh -c 'tail /dev/zero'; e inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' $N",
    status: 0,
    out: 'true 137',
    ...everywhere,
    except: ['nerdctl'], // it does not ask
  },
  {
    name: 'the scope is stopped',
    // Of one that does not heed it systemd would wait for the end as long as for any other unit's.
    run: `e run -d --name $N box ${obeying('')} > /dev/null; ${scope}ctl stop $S; soon sh -c "e inspect -f '{{.State.Status}}' $N | grep exited" && e rm $N > /dev/null; ctl show --value -p LoadState $S`,
    out: 'not-found',
    ...everywhere,
  },
  {
    name: 'a paused container is one after a daemon-reload, too',
    run: `${sleeping()}e pause $N > /dev/null; ctl daemon-reload; e inspect -f '{{.State.Status}}' $N; e unpause $N > /dev/null; e exec $N echo on`,
    out: 'paused\non',
    ...everywhere,
  },
  {
    name: 'a service that generate systemd wrote',
    run: `e create --name $N --sdnotify conmon box ${obeying('')} > /dev/null; e generate systemd --new --name $N 2> /dev/null | ${install}e rm $N > /dev/null
ctl start $N && e exec $N echo in; ${ofConmon}ctl stop $N; ctl is-active $N; e ps -aq`,
    out: 'in\nconmon\ninactive',
    ...alone,
  },
  {
    name: 'a service of Quadlet whose container tells when it is ready',
    run: `mkdir $T/$N; cat > $T/$N/$N.container << EOF
[Container]
Image=localhost/box
ContainerName=$N
Notify=true
Exec=${obeying('sleep 1; touch /told; payload notify READY=1; ')}
GlobalArgs=--root $T/store --runroot /run/podman-store --tmpdir /run/podman-tmp --network-config-dir $T/networks
PodmanArgs=--memory 64m
EOF
QUADLET_UNIT_DIRS=$T/$N /usr/libexec/podman/quadlet $T/$N && cat $T/$N/$N.service | ${install}ctl start $N && e exec $N sh -c 'ls /told'; ${file(files.memory)}${ofConmon}
grep -c "$N.service/libpod-payload" /proc/$(e inspect -f '{{.State.Pid}}' $N)/cgroup; ctl stop $N; ctl is-active $N; e ps -aq`,
    out: '/told\n67108864\nconmon\n1\ninactive',
    ...alone,
  },
  {
    name: 'a service that is restarted when its container fails',
    run: `e create --name $N --sdnotify conmon box sh -c 'sleep 1; exit 3' > /dev/null; e generate systemd --new --restart-policy on-failure --restart-sec 0 --name $N 2> /dev/null | ${install}e rm $N > /dev/null
ctl start $N; soon sh -c "ctl show --value -p NRestarts $N | grep [1-9]" && echo restarted; ctl stop $N; e ps -aq`,
    out: 'restarted',
    ...alone,
  },
]
