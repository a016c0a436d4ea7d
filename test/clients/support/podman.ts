/** podman, which has no daemon: each command gets the stores of the box. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Box, openBox } from './box.js'
import type { Engine } from './check.js'
import { imageTree } from './image.js'

/**
 * `default_ulimits`: podman asks for more open files than a root without CAP_SYS_RESOURCE may have.
 * `runtime_supports_json` makes conmon ask for the errors as JSON, as it does for the runtimes that podman knows.
 */
const containersConf = `
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime_supports_json = ["tsrun", "runc", "crun"]
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
log_driver = "k8s-file"
`

const wrapper = (box: Box): string => `#!/bin/sh
export CONTAINERS_CONF=${box.dir}/containers.conf DISABLE_HC_SYSTEMD=true
case $1 in
run | create) verb=$1; shift; set -- "$verb" --cgroup-parent ${box.tag} "$@" ;;
esac
exec podman --root ${box.dir}/store --runroot /run/podman-store --tmpdir /run/podman-tmp \\
  --network-config-dir ${box.dir}/networks --runtime ${box.runtime} "$@"
`

export const podman = (): Engine => {
  const box = openBox('podman')
  writeFileSync(join(box.dir, 'containers.conf'), containersConf)
  writeFileSync(join(box.dir, 'bin', 'e'), wrapper(box), { mode: 0o755 })
  const made = box.sh(`e import ${imageTree(box.dir)} box`)
  if (made.status !== 0) throw new Error(`podman import: ${made.stderr}`)
  return { name: 'podman', box, cleanUp: 'e rm -af -t 0 > /dev/null' }
}
