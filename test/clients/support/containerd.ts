/** containerd and its client ctr. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Box, openBox } from './box.js'
import type { Engine } from './check.js'
import { faultyRuntime } from './faults.js'
import { imageArchive } from './image.js'
import { managed } from './systemd.js'

const config = (dir: string): string => `
version = 2
root = "${dir}/root"
state = "/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
  address = "/run/containerd/containerd.sock"
`

/** The id is what follows the image, or a configuration; ctr makes no name of a scope from it. */
const inSlice = `--runc-systemd-cgroup --cgroup "$PARENT:ctr:$(printf '%s\\n' "$@" | grep -A 1 -m 1 -E '^docker.io/|\\.json$' | tail -n 1)" `

/** `e` is ctr, with the runtime. The namespace of containerd names the parent of the cgroups, too. */
const wrapper = (box: Box): string => `#!/bin/sh
export CONTAINERD_NAMESPACE=${box.tag}
runtime=${box.runtime}
[ -z "$WITH" ] || runtime=$(command -v "$WITH")
case $1 in
run) shift; set -- run --runc-binary "$runtime" ${managed ? inSlice : ''}"$@" ;;
esac
exec ctr "$@"
`

/** Ends every task, then removes the containers; a container without a task is no error. */
const cleanUp = `for c in $(e c ls -q); do
  e t kill -a -s KILL $c > /dev/null 2>&1; e t rm -f $c > /dev/null 2>&1; e c rm $c || exit 1
done`

export const containerd = (name = 'containerd'): Engine => {
  const box = openBox(name)
  const { dir } = box
  writeFileSync(join(dir, 'config.toml'), config(dir))
  writeFileSync(join(dir, 'bin', 'e'), wrapper(box), { mode: 0o755 })
  faultyRuntime(box)
  try {
    box.daemon('containerd', `containerd -c ${dir}/config.toml`, 'e version')
    const made = box.sh(`e image import ${imageArchive(dir, 'docker.io/library/box:latest', ['/bin/sh'])}`)
    if (made.status !== 0) throw new Error(`e image import: ${made.stderr}`)
  } catch (error) {
    box.close()
    throw error
  }
  return {
    name,
    box,
    cleanUp,
    // Seen with runc: of 190000 bytes that wait for a slow reader at the program's end, 77824 came.
    losesOutput:
      'ctr 1.6 closes its pipes at the end of a task without reading them to theirs, with any runtime',
  }
}
