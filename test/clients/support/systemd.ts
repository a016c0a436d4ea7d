/**
 * Boxes on a machine with cgroup v2 and systemd: each has a systemd of its own as its first process, with a system bus, in
 * a cgroup namespace. So its scopes and slices end with the box, and what it does is what the machine's would do.
 */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Whether boxes have one. On v1 their engines write to the files of cgroups themselves. */
export const managed = existsSync('/sys/fs/cgroup/cgroup.controllers')

/** What containers may have, as engines name a parent of cgroups. */
export const parentOf = (tag: string): string => (managed ? `${tag}.slice` : tag)

/** A word for what differs: on v1 with cgroupfs, and on v2 with systemd. */
export const by = <A, B>(cgroupfs: A, systemd: B): A | B => (managed ? systemd : cgroupfs)

/** Where systemd comes from: nothing else of the machine's units is started. */
const library = '/usr/lib/systemd/system'

const units = (dir: string): Readonly<Record<string, string>> => ({
  'sysinit.target': '[Unit]\n', // an empty file would be a masked one
  'basic.target': '[Unit]\n',
  'sockets.target': '[Unit]\n',
  'shutdown.target': '[Unit]\nDefaultDependencies=no\n',
  'box.target': '[Unit]\nRequires=dbus.service box.service\n',
  // What is typed runs in its cgroup, which nobody else looks after.
  'box.service': `[Unit]
After=dbus.service
[Service]
Delegate=yes
ExecStart=/bin/sh -c 'echo ready > ${dir}/ready; exec sleep infinity'
`,
})

/** Writes the units of a box, which are all that its systemd knows. */
export const writeUnits = (dir: string): void => {
  mkdirSync(join(dir, 'units'))
  for (const [name, text] of Object.entries(units(dir))) writeFileSync(join(dir, 'units', name), text)
  for (const name of ['dbus.service', 'dbus.socket', 'user.slice'])
    symlinkSync(join(library, name), join(dir, 'units', name))
}

/**
 * Becomes systemd. Processes of outside must not be in the root of its cgroups: they would be in the way of controllers.
 * $1 is the directory of the box, $2 its cgroup outside.
 */
export const firstProcess = `
echo 0 > "$2/cgroup.procs" && exec unshare -C sh -c '
mount --make-rshared / && umount /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 1
mount -t tmpfs -o mode=755 tmpfs /run && ip link set lo up || exit 1
exec env -i container=box PATH="$PATH" SYSTEMD_GENERATOR_PATH=/run SYSTEMD_UNIT_PATH="/run/systemd/transient:$1/units" \\
  /usr/lib/systemd/systemd --unit=box.target --log-target=null --default-standard-output=null --default-standard-error=null
' sh "$1"
`

/** Runs a command in a cgroup that systemd has delegated, with a child for the box, whose path is the command's last argument. $1 is the tag, $2 the directory. */
export const inScope = `
exec systemd-run --quiet --collect --scope -p Delegate=yes --unit "$1" sh -c '
own=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)
mkdir "$own/keeper" "$own/box" && echo 0 > "$own/keeper/cgroup.procs" || exit 1
sed "s/[a-z][a-z]*/+&/g" "$own/cgroup.controllers" > "$own/cgroup.subtree_control"
echo "$own/box" > "$2/cgroup"; shift 2; exec "$@" "$own/box"
' sh "$@"
`

/** Goes where what is typed belongs. The kernel moves a process into a box (nsdelegate) only as long as it sees both. */
export const enterCgroup = 'echo $$ > "$(cat "$T/cgroup")/system.slice/box.service/cgroup.procs" && exec "$@"'

const userService = (id: number): string => `user.slice/user-${id}.slice/user@${id}.service`

/** A cgroup that the systemd of a user has delegated to what they type. */
export const userCgroup = (id: number): string => `/sys/fs/cgroup/${userService(id)}/app.slice/typed.service`

/** Starts the systemd of a user whose /run/user/ID is there: pam_systemd, which does that elsewhere, wants logind. */
export const userSystemd = (id: number): string => `
systemd-run --quiet --unit user@${id}.service --slice user-${id}.slice --uid ${id} --gid ${id} \\
  --service-type notify -p Delegate='pids memory cpu cpuset io' \\
  --setenv XDG_RUNTIME_DIR=/run/user/${id} /usr/lib/systemd/systemd --user || exit 1
XDG_RUNTIME_DIR=/run/user/${id} setpriv --reuid ${id} --regid ${id} --clear-groups \\
  systemd-run --user --quiet --unit typed --slice app.slice -p Delegate=yes sleep infinity || exit 1
`
