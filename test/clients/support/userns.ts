/** Checks of rootless podman alone: whose ids a container has. */
import type { Check } from './check.js'

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
]
