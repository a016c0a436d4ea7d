/** A docker Swarm: three dockerds, each in a network namespace of its own, joined by a bridge. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBox } from './box.js'
import type { Engine } from './check.js'
import { imageTree } from './image.js'
import { readmeBlock } from './readme.js'

const nodes = [1, 2, 3]

/** The names are resolved by docker itself (dnsrr): there are kernels without IPVS, which virtual addresses need. */
const networks = `ip link add swarm0 type bridge && ip link set swarm0 up || exit 1
for n in ${nodes.join(' ')}; do
  ip netns add n$n && ip link add v$n type veth peer name eth0 netns n$n || exit 1
  ip link set v$n master swarm0 up
  ip -n n$n addr add 10.215.0.$n/24 dev eth0 && ip -n n$n link set eth0 up && ip -n n$n link set lo up || exit 1
done`

/** `spread SERVICE COUNT` waits for so many running containers, then prints how many each node has. */
const spread = `#!/bin/sh
for try in $(seq 600); do
  set -- $1 $2 $(for d in e e2 e3; do $d ps -q --filter status=running --filter name=$1 | wc -l; done)
  [ $(($3 + $4 + $5)) = $2 ] && break
  sleep 0.1
done
echo $3 $4 $5
`

/** `e` is the manager's docker, `e2` and `e3` are those of the workers. */
export const swarm = (): Engine => {
  const box = openBox('swarm')
  const { dir } = box
  writeFileSync(join(dir, 'bin', 'spread'), spread, { mode: 0o755 })
  try {
    const made = box.sh(networks)
    if (made.status !== 0) throw new Error(`networks of the swarm: ${made.stderr}`)
    const image = imageTree(dir)
    for (const n of nodes) {
      const socket = `unix:///run/d${n}.sock`
      const name = n === 1 ? 'e' : `e${n}`
      mkdirSync(join(dir, `d${n}`))
      const daemonJson = {
        ...(JSON.parse(readmeBlock('default-runtime', box.runtime)) as object),
        'cgroup-parent': box.parent,
        'data-root': join(dir, `d${n}`, 'data'),
        'exec-root': `/run/d${n}`,
        pidfile: `/run/d${n}.pid`,
        hosts: [socket],
        'default-address-pools': [{ base: `10.${215 + n}.0.0/16`, size: 24 }],
      }
      writeFileSync(join(dir, `d${n}`, 'daemon.json'), JSON.stringify(daemonJson))
      writeFileSync(join(dir, 'bin', name), `#!/bin/sh\nexec docker -H ${socket} "$@"\n`, { mode: 0o755 })
      box.daemon(
        `dockerd${n}`,
        `nsenter --net=/run/netns/n${n} dockerd --config-file ${dir}/d${n}/daemon.json`,
        `${name} version`,
      )
      const imported = box.sh(`${name} import ${image} box`)
      if (imported.status !== 0) throw new Error(`docker import: ${imported.stderr}`)
    }
    const joined = box.sh(`e swarm init --advertise-addr 10.215.0.1 > /dev/null || exit 1
token=$(e swarm join-token -q worker)
for n in 2 3; do e$n swarm join --token $token 10.215.0.1:2377 || exit 1; done
e network create -d overlay --attachable --subnet 10.219.0.0/24 mesh`)
    if (joined.status !== 0) throw new Error(`docker swarm: ${joined.stderr}`)
  } catch (error) {
    box.close()
    throw error
  }
  return {
    name: 'swarm',
    box,
    cleanUp: 'e service ls -q | xargs -r docker -H unix:///run/d1.sock service rm > /dev/null',
  }
}
