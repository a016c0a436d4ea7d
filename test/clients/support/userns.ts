/** Checks of user namespaces: rootless podman's, and those of a docker with `userns-remap`. */
import type { Check } from './check.js'
import { files } from './limits.js'

export const usernsChecks: readonly Check[] = [
  {
    name: 'user namespace: keep-id',
    run: "mkdir -m 777 $T/$N; e run --rm --userns keep-id -v $T/$N:/data box sh -c 'id -u; touch /data/a'; stat -c %u $T/$N/a",
    out: '4321\n4321',
  },
  {
    name: 'user namespace: keep-id, exec',
    run: 'e run -d --userns keep-id --name $N box sleep 100 > /dev/null; e exec $N id -u; e exec -u 0 $N id -u',
    out: '4321\n0',
  },
  {
    name: 'user namespace: of ids that podman chooses',
    run: "e run --rm --userns auto:size=300 box sh -c 'id -u; cat /proc/self/uid_map'",
    out: /^0\n +0 +1 +300$/,
  },
  {
    name: 'user namespace: without the user',
    run: "e run --rm --userns nomap box sh -c 'id -u; cat /proc/self/uid_map'",
    out: /^0\n +0 +1 +65536$/,
  },
  {
    name: 'user namespace: mapped by hand',
    run: "e run --rm --uidmap 0:1:5000 --gidmap 0:1:5000 box sh -c 'cat /proc/self/uid_map; touch /mine && stat -c %u /mine'",
    out: /^0 +1 +5000\n0$/,
  },
  {
    name: 'user namespace: of ids within the user’s, with a volume that only the user can reach',
    run: `mkdir $T/$N; echo kept > $T/$N/file; chmod 700 $T/$N; chown -R 4321:4321 $T/$N
e run --rm --uidmap 0:1:5000 --gidmap 0:1:5000 box true # opens podman's store to other ids
e run --rm --uidmap 0:1:10 --uidmap 10:0:1 --gidmap 0:1:10 -v $T/$N/file:/data:ro box sh -c "cat /proc/self/uid_map | tr -s ' '; stat -c %u /data"; ls $T/$N`,
    out: /^0 1 10\n *10 0 1\n10\nfile$/,
  },
]

const sleeping = 'e run -d --name $N box sleep 100 > /dev/null; '

export const remapChecks: readonly Check[] = [
  {
    name: 'user namespace: run',
    run: "e run --rm box sh -c 'id -u; cat /proc/self/uid_map; touch /mine && stat -c %u /mine; exit 7'",
    status: 7,
    out: /^0\n +0 +700000 +65536\n0$/,
  },
  {
    name: 'user namespace: as a user, without capabilities of the host',
    run: "e run --rm -u user box id -u; e run --rm --cap-add SYS_ADMIN --security-opt seccomp=unconfined box sh -c 'hostname x && echo named; date -s 2000-01-01'",
    out: /^1000\nnamed/,
    err: /not permitted/,
  },
  {
    name: 'user namespace: exec, with a terminal and as a user',
    run: `${sleeping}e exec $N sh -c 'id -u; cat /proc/self/uid_map'; e exec -u user $N id -u; term 24 80 e exec -it $N tty`,
    out: /^0\n +0 +700000 +65536\n1000\n\/dev\/pts\/\d$/,
  },
  {
    name: 'user namespace: a volume belongs to who it belonged to',
    run: "mkdir $T/$N; chown 700000:700000 $T/$N; e run --rm -v $T/$N:/data box sh -c 'touch /data/a'; stat -c %u $T/$N/a",
    out: '700000',
  },
  {
    name: 'user namespace: limits, tmpfs, sysctl, a network',
    run: `e run --rm -m 64m --pids-limit 20 --tmpfs /scratch --sysctl net.ipv4.ip_unprivileged_port_start=7 box sh -c 'cd /sys/fs/cgroup; cat ${files.memory} ${files.pids} /proc/sys/net/ipv4/ip_unprivileged_port_start; touch /scratch/a; ls /sys/class/net'`,
    out: '67108864\n20\n7\neth0\nlo',
  },
  {
    name: 'user namespace: pause, kill, logs',
    run: `e run -d --name $N box sh -c 'echo up; sleep 100' > /dev/null; soon sh -c "e logs $N | grep up"; e pause $N > /dev/null; e unpause $N > /dev/null; e logs $N; e kill $N > /dev/null; e wait $N`,
    out: 'up\n137',
  },
  {
    name: 'user namespace: left out for one container',
    run: 'e run --rm --userns host box cat /proc/self/uid_map',
    out: /^0 +0 +4294967295$/,
  },
]
