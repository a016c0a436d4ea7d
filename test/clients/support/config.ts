/** Checks of what a container is given: limits, volumes, identity, security, networks. */
import type { Check } from './check.js'
import { files, quota, shares } from './limits.js'

const read = (file: string) => `cat /sys/fs/cgroup/${file}`

export const limitChecks: readonly Check[] = [
  { name: 'memory', run: `e run --rm -m 64m box ${read(files.memory)}`, out: '67108864' },
  {
    name: 'memory and swap',
    run: `e run --rm -m 64m --memory-reservation 32m box ${read(files.reservation)}`,
    out: '33554432',
  },
  { name: 'cpus', run: `e run --rm --cpus 0.5 box ${read(files.quota)}`, out: quota(50000) },
  {
    name: 'cpu shares',
    run: `e run --rm --cpu-shares 512 box ${read(files.shares)}`,
    out: new RegExp(`^${shares(512)}$`),
  },
  {
    name: 'cpuset',
    run: `e run --rm --cpuset-cpus 0 box sh -c 'grep Cpus_allowed_list /proc/self/status'`,
    out: /\t0$/,
  },
  {
    name: 'cpuset: memory nodes',
    run: `e run --rm --cpuset-mems 0 box ${read(files.mems)}`,
    out: '0',
  },
  { name: 'pids', run: `e run --rm --pids-limit 20 box ${read(files.pids)}`, out: '20' },
  {
    name: 'pids are limited',
    run: "e run --rm --pids-limit 10 box sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done; wait'",
    err: /can't fork|Resource temporarily unavailable/,
    status: 2,
  },
  {
    name: 'out of memory',
    run: "e run --name $N -m 16m box sh -c 'tail /dev/zero'; e inspect -f '{{.State.ExitCode}}' $N",
    out: '137',
  },
  {
    name: 'update memory',
    run: `e run -d --name $N -m 64m box sleep 100 > /dev/null; e update -m 32m --memory-swap 64m $N > /dev/null && e exec $N ${read(files.memory)}`,
    out: '33554432',
  },
  {
    name: 'update cpus',
    run: `e run -d --name $N box sleep 100 > /dev/null; e update --cpus 0.25 $N > /dev/null && e exec $N ${read(files.quota)}`,
    out: quota(25000),
    except: ['nerdctl'],
  },
  {
    name: 'update cpu shares, pids stay',
    run: `e run -d --name $N --pids-limit 30 box sleep 100 > /dev/null; e update --cpu-shares 300 $N > /dev/null && e exec $N ${read(files.shares)} && e exec $N ${read(files.pids)}`,
    out: new RegExp(`^${shares(300)}\n30$`),
  },
  {
    name: 'update cpuset',
    run: `e run -d --name $N box sleep 100 > /dev/null; e update --cpuset-cpus 1 $N > /dev/null && e exec $N grep Cpus_allowed_list /proc/1/status`,
    out: /\t1$/,
  },
  {
    name: 'a quota on the same container stays over update',
    run: `e run -d --name $N --cpus 0.5 box sleep 100 > /dev/null; e update --cpu-shares 300 $N > /dev/null && e exec $N ${read(files.quota)}`,
    out: quota(50000),
  },
  {
    name: 'ulimit',
    run: "e run --rm --ulimit nofile=100:200 --ulimit core=0 --ulimit nproc=4096:4096 box sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c'",
    out: '100\n200\n0',
  },
  { name: 'oom score', run: 'e run --rm --oom-score-adj 500 box cat /proc/self/oom_score_adj', out: '500' },
  { name: 'shm size', run: "e run --rm --shm-size 8m box sh -c 'df -k /dev/shm | tail -1'", out: /\b8192\b/ },
]

export const volumeChecks: readonly Check[] = [
  {
    name: 'volume',
    run: "mkdir -m 777 $T/$N; echo text > $T/$N/file; e run --rm -v $T/$N:/data box sh -c 'cat /data/file; echo more > /data/new'; cat $T/$N/new",
    out: 'text\nmore',
  },
  {
    name: 'volume, read-only',
    run: 'mkdir -m 777 $T/$N; e run --rm -v $T/$N:/data:ro box touch /data/new',
    status: 1,
    err: /Read-only file system/,
  },
  {
    name: 'volume: a file',
    run: 'echo text > $T/$N; e run --rm -v $T/$N:/etc/some.conf:ro box cat /etc/some.conf',
    out: 'text',
  },
  {
    name: 'volume with a name',
    run: "e volume create $N > /dev/null; e run --rm -v $N:/data box sh -c 'echo kept > /data/a'; e run --rm -v $N:/data box cat /data/a; e volume rm $N > /dev/null",
    out: 'kept',
  },
  {
    name: 'tmpfs',
    run: "e run --rm --tmpfs /scratch:size=4m,mode=1770 box sh -c 'stat -c %a /scratch; df -k /scratch | tail -1'",
    out: /^1770\ntmpfs +4096 /,
  },
  {
    name: 'a mount on the host reaches an rslave volume',
    run: 'mkdir -p $T/$N/sub; e run -d --name $N -v $T/$N:/data:rslave box sleep 100 > /dev/null; mount -t tmpfs tmpfs $T/$N/sub; echo text > $T/$N/sub/file; e exec $N cat /data/sub/file; umount $T/$N/sub',
    out: 'text',
  },
  {
    name: 'a mount on the host does not reach a private volume',
    run: 'mkdir -p $T/$N/sub; e run -d --name $N -v $T/$N:/data:rprivate box sleep 100 > /dev/null; mount -t tmpfs tmpfs $T/$N/sub; echo text > $T/$N/sub/file; e exec $N ls /data/sub; umount $T/$N/sub',
    out: '',
  },
  {
    name: 'a mount in the container reaches an rshared volume',
    except: ['rootless'],
    run: "mkdir -p $T/$N/sub; e run --rm --cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined -v $T/$N:/data:rshared box sh -c 'mount -t tmpfs tmpfs /data/sub && echo text > /data/sub/file'; cat $T/$N/sub/file; umount $T/$N/sub",
    out: 'text',
  },
  {
    name: 'a read-only root',
    run: "e run --rm --read-only box sh -c 'echo ok > /dev/shm/x && touch /new'",
    status: 1,
    err: /Read-only file system/,
  },
  {
    name: 'mount: bind below a read-only root',
    run: "mkdir -m 777 $T/$N; e run --rm --read-only --mount type=bind,source=$T/$N,target=/mnt/deep box sh -c 'echo text > /mnt/deep/x'; cat $T/$N/x",
    out: 'text',
  },
  {
    name: 'a volume over a symbolic link of the image',
    run: "mkdir -m 777 $T/$N; printf 'e run --name %s box ln -s /var /link' $N | sh; e commit $N $N > /dev/null 2>&1; e run --rm -v $T/$N:/link/in $N sh -c 'ls -d /var/in'; e rm -f $N > /dev/null; e rmi $N > /dev/null",
    out: '/var/in',
  },
  {
    name: 'volumes of another container',
    run: 'mkdir -m 777 $T/$N; echo text > $T/$N/file; e run -d --name $N -v $T/$N:/data box sleep 100 > /dev/null; e run --rm --volumes-from $N box cat /data/file',
    out: 'text',
  },
  {
    name: 'cp both ways',
    except: ['rootless'],
    run: 'e run -d --name $N box sleep 100 > /dev/null; echo text > $T/$N.f; e cp $T/$N.f $N:/tmp/f; e exec $N cat /tmp/f; e cp $N:/etc/group $T/$N.g && grep -c extra $T/$N.g',
    out: 'text\n1',
  },
  {
    name: 'commit and diff',
    run: "e run --name $N box sh -c 'echo kept > /kept'; e diff $N | grep kept; e commit $N kept$N > /dev/null 2>&1; e run --rm kept$N cat /kept; e rmi -f kept$N > /dev/null",
    out: 'A /kept\nkept',
  },
  {
    name: 'build',
    run: 'mkdir -m 777 $T/$N; printf \'FROM box\\nRUN echo built > /built\\nENV A=b\\nCMD ["cat", "/built"]\\n\' > $T/$N/Dockerfile; e build -q --network none -t $N $T/$N > /dev/null 2> $T/$N.err || cat $T/$N.err; e run --rm $N; e rmi -f $N > /dev/null',
    out: 'built',
    except: ['nerdctl'],
  },
]

const caps = "sh -c 'grep CapEff /proc/self/status'"
const noChmod = `{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["chmod","fchmodat","fchmodat2"],"action":"SCMP_ACT_ERRNO","errnoRet":38}]}`

export const identityChecks: readonly Check[] = [
  { name: 'env', run: "e run --rm -e A=b -e EMPTY= box sh -c 'echo $A; env | grep EMPTY'", out: 'b\nEMPTY=' },
  { name: 'hostname', run: 'e run --rm --hostname web box hostname', out: 'web' },
  { name: 'user by name', run: 'e run --rm -u user box id', out: /uid=1000\(user\) gid=1000\(user\)/ },
  { name: 'user by numbers', run: 'e run --rm -u 12:34 box id', out: /uid=12(\(12\))? gid=34/ },
  { name: 'another group', run: 'e run --rm -u 1000 --group-add 555 box id -G', out: /\b555\b/ },
  {
    // An annotation that asks for it: run.oci.keep_original_groups.
    name: 'the groups of the caller',
    run: 'setpriv --groups 4243 e run --rm --group-add keep-groups box id -G',
    out: /\b4243\b/,
    only: ['podman'],
    runcFails: 'runc has no annotations run.oci.*',
  },
  {
    name: 'the groups of a user',
    run: 'e run --rm --group-add keep-groups box id -G; e run --rm box id -G',
    out: /\b65534\b.*\n0\b(?!.*65534)/,
    only: ['rootless'],
    runcFails: 'runc has no annotations run.oci.*',
  },
  { name: 'HOME of the user', run: "e run --rm -u user box sh -c 'echo $HOME'", out: '/home' },
  { name: 'workdir', run: 'e run --rm -w /tmp box pwd', out: '/tmp' },
  {
    name: 'workdir that is made',
    run: 'e run --rm -w /some/where box pwd',
    out: '/some/where',
    only: ['docker'],
  },
  { name: 'entrypoint', run: 'e run --rm --entrypoint /bin/echo box a b', out: 'a b' },
  {
    name: 'cap-add and cap-drop',
    run: `e run --rm --cap-drop ALL --cap-add CHOWN box ${caps}`,
    out: /0000000000000001$/,
  },
  { name: 'no capabilities', run: `e run --rm --cap-drop ALL box ${caps}`, out: /0000000000000000$/ },
  { name: 'a user has no capabilities', run: `e run --rm -u 1000 box ${caps}`, out: /0000000000000000$/ },
  {
    name: 'privileged',
    run: "e run --rm --privileged box sh -c 'mount -t tmpfs tmpfs /tmp && grep -c Seccomp:.0 /proc/self/status; ls /dev/null'",
    runcFails: 'runc cannot leave out the capabilities that this machine does not give',
    out: '1\n/dev/null',
  },
  {
    name: 'unprivileged',
    run: "e run --rm box sh -c 'mount -t tmpfs tmpfs /tmp'",
    status: 1,
    err: /permission denied|Operation not permitted/,
  },
  {
    name: 'no-new-privileges',
    run: 'e run --rm --security-opt no-new-privileges box grep NoNewPrivs /proc/self/status',
    out: /1$/,
  },
  {
    name: 'new privileges unless forbidden',
    run: 'e run --rm box grep NoNewPrivs /proc/self/status',
    out: /0$/,
  },
  { name: 'seccomp by default', run: 'e run --rm box grep Seccomp: /proc/self/status', out: /2$/ },
  {
    name: 'seccomp by default forbids unshare',
    run: 'e run --rm box unshare -U true',
    status: 1,
    err: /not permitted/,
    only: ['docker'],
  },
  {
    name: 'seccomp=unconfined',
    run: 'e run --rm --security-opt seccomp=unconfined box grep Seccomp: /proc/self/status',
    out: /0$/,
  },
  {
    name: 'seccomp of a file',
    run: `echo '${noChmod}' > $T/$N.json; e run --rm --security-opt seccomp=$T/$N.json box chmod 700 /tmp`,
    status: 1,
    err: /not implemented/,
  },
  {
    name: 'masked paths',
    run: "e run --rm box sh -c 'cat /proc/kcore | wc -c; ls /proc/acpi /sys/firmware; echo x > /proc/sys/kernel/domainname'",
    err: /Read-only/,
    status: 1,
    out: /^0/,
  },
  {
    name: 'a device',
    except: ['rootless', 'nerdctl'],
    run: "e run --rm --device /dev/fuse:/dev/mine:r box sh -c 'stat -c %t:%T /dev/mine; : < /dev/mine && echo readable; : > /dev/mine'",
    status: 1,
    out: 'a:e5\nreadable',
    err: /not permitted|denied/,
  },
  {
    name: 'no other device',
    run: "e run --rm --cap-add MKNOD box sh -c 'mknod /x b 8 0 && head -c 1 /x'",
    status: 1,
    err: /not permitted/,
  },
  {
    name: 'the default devices',
    run: 'e run --rm box sh -c \'cd /dev; for d in null zero full random urandom tty; do stat -c "%n %a" $d; done; readlink fd; readlink ptmx; echo x > null; head -c 2 urandom | wc -c\'',
    out: 'null 666\nzero 666\nfull 666\nrandom 666\nurandom 666\ntty 666\n/proc/self/fd\npts/ptmx\n2',
  },
  {
    name: 'sysctl',
    run: 'e run --rm --sysctl net.ipv4.ip_unprivileged_port_start=7 --sysctl kernel.shmmax=65536 box cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shmmax',
    out: '7\n65536',
  },
  {
    name: 'no descriptors but stdio',
    run: 'e run --rm box ls /proc/self/fd', // 3 is the directory
    out: '0\n1\n2\n3',
  },
  {
    name: 'pid of the host',
    run: "e run --rm --pid host box sh -c '[ $$ != 1 ] && ls /proc/1/comm'",
    out: '/proc/1/comm',
  },
  {
    name: 'pid of another container',
    run: 'e run -d --name $N box sleep 100 > /dev/null; e run --rm --pid container:$N box ps',
    out: /sleep 100/,
  },
  {
    name: 'kill with the pid namespace of the host',
    managed: ['rootless'],
    run: "e run -d --name $N --pid host box sh -c 'sleep 1234 & sleep 1235' > /dev/null; sleep 0.3; e rm -f $N > /dev/null; sleep 0.3; ps -e -o args | grep -c '^sleep 123[45]'",
    status: 1,
    out: '0',
  },
  {
    name: 'ipc of another container',
    run: 'e run -d --name $N --ipc shareable box sleep 100 > /dev/null; e exec $N touch /dev/shm/here; e run --rm --ipc container:$N box ls /dev/shm',
    out: 'here',
    except: ['nerdctl'],
  },
  { name: 'uts of the host', run: '[ "$(e run --rm --uts host box hostname)" = "$(hostname)" ]' },
  {
    name: 'cgroup namespace',
    run: 'e run --rm --cgroupns private box cat /proc/self/cgroup',
    out: /^(\d+:[^:]*:\/\n?)+$/,
  },
  {
    name: 'without cgroups of its own',
    run: `e run -d --cgroups disabled --name $N box sleep 100 > /dev/null; e exec $N sh -c 'grep -c libpod /proc/1/cgroup; echo in'; e pause $N 2> /dev/null || echo not paused; e stop -t 0 $N > /dev/null; e inspect -f '{{.State.ExitCode}}' $N; e run --rm --cgroups disabled box sh -c 'exit 5' || echo $?`,
    out: '0\nin\nnot paused\n137\n5',
    only: ['rootless'],
    runcFails: 'it cannot do without',
  },
  {
    name: 'cgroups of the host',
    managed: ['rootless'],
    run: 'e run --rm --cgroupns host box cat /proc/self/cgroup',
    out: /tsrun-client/,
  },
  {
    name: 'user namespace',
    run: "e run --rm --uidmap 0:100000:5000 --gidmap 0:100000:5000 box sh -c 'id -u; cat /proc/self/uid_map; touch /mine && stat -c %u /mine'",
    out: /^0\n +0 +100000 +5000\n0$/,
    only: ['podman'],
  },
  {
    name: 'user namespace: exec',
    run: "e run -d --name $N --uidmap 0:100000:5000 --gidmap 0:100000:5000 box sleep 100 > /dev/null; e exec $N sh -c 'id -u; cat /proc/self/uid_map'; e exec -u user $N id -u",
    out: /^0\n +0 +100000 +5000\n1000$/,
    only: ['podman'],
  },
]

const published = (gateway: string): string =>
  `e run -d --name $N -p 8099:80 box sh -c 'while :; do echo served | nc -l -p 80; done' > /dev/null; sleep 1; ip=${gateway}; soon sh -c "busybox nc -w 2 $ip 8099 < /dev/null | grep served" && echo served`

export const networkChecks: readonly Check[] = [
  { name: 'network none', run: "e run --rm --network none box sh -c 'ls /sys/class/net'", out: 'lo' },
  {
    name: 'network host',
    run: '[ "$(e run --rm --network host box readlink /proc/self/ns/net)" = "$(readlink /proc/self/ns/net)" ]',
  },
  {
    name: 'bridge',
    except: ['rootless'], // slirp4netns gives no address that another container reaches
    run: 'e run -d --name $N box sleep 100 > /dev/null; ip=$(e inspect -f "{{.NetworkSettings.IPAddress}}" $N); e run --rm box ping -c 1 -W 3 $ip',
    out: /1 packets received/,
  },
  {
    name: 'network of another container',
    run: 'e run -d --name $N box sleep 100 > /dev/null; a=$(e exec $N cat /sys/class/net/eth0/address); e run --rm --network container:$N box cat /sys/class/net/eth0/address > $T/$N; [ $a = $(cat $T/$N) ]',
  },
  {
    name: 'a network with names',
    run: 'e network create $N > /dev/null; e run -d --network $N --name $N-web box sleep 100 > /dev/null; e run --rm --network $N box ping -c 1 -W 3 $N-web; s=$?; e rm -f $N-web > /dev/null; e network rm $N > /dev/null; exit $s',
    out: /1 packets received/,
  },
  {
    name: 'a published port',
    run: published("$(e inspect -f '{{.NetworkSettings.Gateway}}' $N)"),
    but: { nerdctl: { run: published('10.4.0.1') }, rootless: { run: published('127.0.0.1') } },
    out: 'served',
  },
  {
    name: 'hosts and resolv.conf',
    run: "e run --rm --add-host db:10.1.2.3 --dns 10.9.9.9 box sh -c 'grep 10.1.2.3 /etc/hosts; grep 10.9 /etc/resolv.conf'",
    out: /^10.1.2.3\s+db\nnameserver 10.9.9.9$/,
  },
]
