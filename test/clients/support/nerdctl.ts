/** containerd driven by nerdctl, which speaks docker's words. */
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Check, Engine } from './check.js'
import { containerd } from './containerd.js'
import { readmeBlock } from './readme.js'
import { by } from './systemd.js'

/** Containers, their names and their networks are of one namespace of containerd. */
const wrapper = (dir: string, parent: string, runtime: string): string => `#!/bin/sh
case $1 in
run | create) verb=$1; shift; set -- "$verb" --runtime "\${WITH:-${runtime}}" --cgroup-parent ${parent} "$@" ;;
build) shift; set -- image build "$@" ;;
esac
exec nerdctl --data-root ${dir}/nerdctl --cni-path /usr/lib/cni --cni-netconfpath ${dir}/cni \\
  --cgroup-manager ${by('cgroupfs', 'systemd')} --namespace box "$@"
`

export const nerdctl = (): Engine => {
  const { box } = containerd('nerdctl')
  writeFileSync(join(box.dir, 'bin', 'e'), wrapper(box.dir, box.parent, box.runtime), { mode: 0o755 })
  // The static one, because it is mounted into the container.
  symlinkSync('/usr/bin/tini-static', join(box.dir, 'bin', 'tini'))
  const loaded = box.sh(`e load -i ${box.dir}/archive.tar`)
  if (loaded.status !== 0) {
    box.close()
    throw new Error(`nerdctl load: ${loaded.stderr}`)
  }
  return {
    name: 'nerdctl',
    box,
    cleanUp: 'e ps -aq | xargs -r e rm -f > /dev/null',
    losesOutput:
      'nerdctl 1.7 closes its pipes at the end of an exec without reading them to theirs, with any runtime',
  }
}

export const nerdctlChecks: readonly Check[] = [
  {
    name: 'the line of README',
    run: `nerdctl() { e "$@"; }; ${readmeBlock('nerdctl run', '$RT')}`,
    out: 'hello',
  },
  {
    name: 'a shim is killed',
    run: `e run -d --name $N box sleep 100 > /dev/null; kill -9 $(pidof containerd-shim-runc-v2); soon sh -c "! e ps -q | grep ."; e rm -f $N > /dev/null; e ps -aq; soon sh -c "! ls /run/containerd/io.containerd.runtime.v2.task/* | grep -v :"`,
    out: '',
  },
  {
    name: 'containerd is killed and comes back under a container',
    run: `e run -d --name $N box sleep 100 > /dev/null; kill -9 $(pidof containerd); sleep 0.5; setsid containerd -c $T/config.toml > $T/again.log 2>&1 < /dev/null & soon e version; soon e exec $N true; e exec $N echo in; e inspect -f '{{.State.Status}}' $N; e rm -f $N > /dev/null; e ps -aq`,
    out: 'in\nrunning',
  },
]
