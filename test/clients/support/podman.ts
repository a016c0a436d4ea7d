/** podman, which has no daemon: each command gets the stores of the box. As root, and as a user. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Box, openBox } from './box.js'
import type { Engine } from './check.js'
import { faultyRuntime } from './faults.js'
import { imageTree } from './image.js'
import { readmeBlock } from './readme.js'
import { managed, userCgroup, userSystemd } from './systemd.js'

/** As README says for systemd: it is podman's default. */
const withoutManager = (block: string): string => block.replace(/^cgroup_manager = .*\n/m, '')

/**
 * `default_ulimits`: podman asks for more open files than a root without CAP_SYS_RESOURCE may have.
 * `default_rootless_network_cmd`: podman 5 has another one, whose addresses are the host's.
 * `runtime_supports_json` makes conmon ask for the errors as JSON, as it does for the runtimes that podman knows.
 */
const containersConf = (box: Box): string => `
${managed ? withoutManager(readmeBlock('[engine]', box.runtime)) : readmeBlock('[engine]', box.runtime)}
events_logger = "file"
[engine.runtimes]
faulty = ["${faultyRuntime(box)}"]
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
log_driver = "k8s-file"
${managed ? '[network]\ndefault_rootless_network_cmd = "slirp4netns"' : ''}
`

const wrapper = (box: Box): string => `#!/bin/sh
export CONTAINERS_CONF=${box.dir}/containers.conf DISABLE_HC_SYSTEMD=true
case $1 in
run | create) verb=$1; shift; set -- "$verb" --cgroup-parent ${box.parent} "$@" ;;
esac
exec podman --root ${box.dir}/store --runroot /run/podman-store --tmpdir /run/podman-tmp \\
  --network-config-dir ${box.dir}/networks \${WITH:+--runtime $WITH} "$@"
`

export const podman = (): Engine => {
  const box = openBox('podman')
  writeFileSync(join(box.dir, 'containers.conf'), containersConf(box))
  writeFileSync(join(box.dir, 'bin', 'e'), wrapper(box), { mode: 0o755 })
  // `--userns auto` takes its ids from those of a user of that name.
  const made = box.sh(
    `${makeUser(box, 'containers', 4322, '600000:200000')} e import ${imageTree(box.dir)} box`,
  )
  if (made.status !== 0) throw new Error(`podman import: ${made.stderr}`)
  return { name: 'podman', box, cleanUp: 'e rm -af -t 0 > /dev/null' }
}

const user = { name: 'rootless', id: 4321 }

/** A user who exists in the box only, with a range of subordinate ids. */
export const makeUser = ({ dir }: Box, name: string, id: number, ids: string): string => `
chmod 711 ${dir}
cp /etc/passwd ${dir}/passwd && echo ${name}:x:${id}:${id}::${dir}/home:/bin/sh >> ${dir}/passwd
cp /etc/group ${dir}/group && echo ${name}:x:${id}: >> ${dir}/group
echo ${name}:${ids} > ${dir}/subids
mount --bind ${dir}/passwd /etc/passwd && mount --bind ${dir}/group /etc/group || exit 1
for f in subuid subgid; do [ -e /etc/$f ] || touch /etc/$f; mount --bind ${dir}/subids /etc/$f || exit 1; done
`

/** What the user of rootless podman needs beside a name. */
const makeHome = ({ dir }: Box): string => `
mknod -m 666 ${dir}/tun c 10 200 && mount --bind ${dir}/tun /dev/net/tun # as udev would have it
mkdir -p ${dir}/home /run/user/${user.id} && chown ${user.id}:${user.id} ${dir}/home /run/user/${user.id}
chmod 1777 /run/user/${user.id}
`

/** Where the user has a systemd the limits of that are theirs, and what they type is in a cgroup of their own. */
const withSystemd = (parent: string): string => `
echo 0 > ${userCgroup(user.id)}/cgroup.procs || exit 90
export DBUS_SESSION_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/bus
case $1 in
run | create) verb=$1; shift; set -- "$verb" --cgroup-parent ${parent} "$@" ;;
esac
`

const userCtl = `#!/bin/sh
export XDG_RUNTIME_DIR=/run/user/${user.id}
exec setpriv --reuid ${user.id} --regid ${user.id} --clear-groups systemctl --user "$@"
`

const rootlessWrapper = (box: Box): string => `#!/bin/sh
export CONTAINERS_CONF=${box.dir}/containers.conf DISABLE_HC_SYSTEMD=true
export HOME=${box.dir}/home XDG_RUNTIME_DIR=/run/user/${user.id}
cd $HOME
${managed ? withSystemd(box.parent) : ''}
exec setpriv --reuid ${user.id} --regid ${user.id} --groups 4243 --inh-caps=-all \\
  podman --root $HOME/store --runroot $XDG_RUNTIME_DIR/store --network-config-dir $HOME/networks \\
  --runtime "\${WITH:-${box.runtime}}" "$@"
`

export const rootlessPodman = (): Engine => {
  const box = openBox('rootless')
  writeFileSync(join(box.dir, 'containers.conf'), containersConf(box))
  writeFileSync(join(box.dir, 'bin', 'e'), rootlessWrapper(box), { mode: 0o755 })
  writeFileSync(join(box.dir, 'bin', 'ctl'), userCtl, { mode: 0o755 })
  const made = box.sh(
    `${makeUser(box, user.name, user.id, '500000:65536')}${makeHome(box)}${managed ? userSystemd(user.id) : ''} chmod 644 ${imageTree(box.dir)} && e import ${join(box.dir, 'image.tar')} box`,
  )
  if (made.status !== 0) {
    box.close()
    throw new Error(`rootless podman import: ${made.stderr}`)
  }
  return { name: 'rootless', box, cleanUp: 'e rm -af -t 0 > /dev/null' }
}
