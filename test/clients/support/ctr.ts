/** The checks in the words of ctr, containerd's own client. $I is the image. */
import type { Check } from './check.js'
import { files, limit, quota, shares } from './limits.js'
import { readmeBlock } from './readme.js'
import { by } from './systemd.js'

const image = 'I=docker.io/library/box:latest; '
const loop = 'sh -c \'trap "exit 9" TERM; echo up; while :; do sleep 0.1; done\''
const sleeping = 'e run -d $I $N sleep 100; '
const noChmod =
  '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["chmod","fchmodat","fchmodat2"],"action":"SCMP_ACT_ERRNO","errnoRet":38}]}'

const checks: readonly Check[] = [
  {
    name: 'the line of README',
    run: `export CONTAINERD_NAMESPACE=$TAG; ${readmeBlock('ctr run', '$RT')}`,
    out: 'hello',
  },
  { name: 'exit status', run: "e run --rm $I $N sh -c 'echo hello; exit 7'", status: 7, out: 'hello' },
  {
    name: 'a program that does not exist',
    run: 'e run --rm $I $N /nope',
    status: 1,
    err: /no such file or directory/,
  },
  {
    name: 'a program not in PATH',
    run: 'e run --rm $I $N nope',
    status: 1,
    err: /executable file not found in \$PATH/,
  },
  {
    name: 'a file that is no program',
    run: 'e run --rm $I $N /etc/passwd',
    status: 1,
    err: /permission denied/,
  },
  // As to nerdctl, see process.ts: input must not end before the task is there.
  { name: 'standard input', run: '(echo data; sleep 1) | e run --rm $I $N cat', out: 'data' },
  {
    name: 'output and errors apart',
    run: "e run --rm $I $N sh -c 'echo out; echo err >&2'",
    out: 'out',
    err: /^err/m,
  },
  {
    name: '50 MB of output',
    run: "e run --rm $I $N sh -c 'head -c 50000000 /dev/zero' | wc -c",
    out: '50000000',
  },
  {
    name: 'signals go through a foreground run',
    run: `e run --rm $I $N ${loop} > $T/$N.out & soon grep up $T/$N.out; kill -TERM $!; wait $!`,
    status: 9,
  },
  {
    name: 'a terminal',
    run: `term 24 80 e run --rm -t $I $N sh -c 'tty; until [ "$(stty size 2> /dev/null)" = "24 80" ]; do sleep 0.1; done; stty size; exit 3'`,
    status: 3,
    out: '/dev/pts/0\n24 80',
  },
  {
    name: 'a terminal that grows',
    run: `term 24 80 e run --rm -t $I $N sh -c 'echo up; until [ "$(stty size 2> /dev/null)" = "30 100" ]; do sleep 0.1; done; echo grown' > $T/$N.out &
soon grep up $T/$N.out; sleep 0.3; kill -USR1 $!; wait $!; tr -d '\\r' < $T/$N.out`,
    out: 'up\ngrown',
  },
  { name: 'detached', run: `${sleeping}e t ls | grep $N`, out: /^check\d+ +\d+ +RUNNING$/ },
  {
    name: 'detached, with a log',
    run: "e run -d --log-uri file://$T/$N.log $I $N sh -c 'echo one; echo two'; soon grep two $T/$N.log; cat $T/$N.log",
    out: 'one\ntwo',
  },
  {
    name: 'attach',
    run: 'e run -d $I $N sh -c "sleep 2; exit 4"; e t attach $N < /dev/null',
    status: 4,
  },
  {
    name: 'kill',
    run: `${sleeping}e t kill -s KILL $N; soon sh -c "e t ls | grep $N.*STOPPED"; e t rm $N`,
    err: /exit code 137|^$/,
  },
  {
    name: 'kill by name, status of the task',
    run: `e run -d --log-uri file://$T/$N.log $I $N ${loop}; soon grep up $T/$N.log; e t kill -s SIGTERM $N; soon sh -c "e t ls | grep $N.*STOPPED"; e t rm $N`,
    err: /9|^$/,
  },
  {
    name: 'kill of a stopped task',
    run: 'e run -d $I $N true; soon sh -c "e t ls | grep $N.*STOPPED"; e t kill $N',
    status: 1,
    err: /process already finished|not found|not running/,
  },
  {
    name: 'kill -a',
    run: 'e run -d $I $N sh -c \'sleep 1234 & sleep 1235\'; e t kill -a -s KILL $N; soon sh -c "e t ls | grep $N.*STOPPED"',
  },
  {
    name: 'restart: a second task of the same container',
    run: `${sleeping}e t kill -s KILL $N; soon sh -c "e t ls | grep $N.*STOPPED"; e t rm $N 2> /dev/null; e t start -d $N && e t exec --exec-id x $N echo in`,
    out: 'in',
  },
  { name: 'delete of a running task is refused', run: `${sleeping}e t rm $N`, status: 1, err: /running/ },
  { name: 'delete -f', run: `${sleeping}e t rm -f $N; e t ls -q`, out: '' },
  {
    name: 'pause and resume',
    run: `${sleeping}e t pause $N; e t ls | grep $N; e t resume $N; e t ls | grep $N`,
    out: /PAUSED\n.*RUNNING$/,
  },
  {
    name: 'delete of a paused task',
    run: `${sleeping}e t pause $N; e t rm -f $N; e t resume $N 2> /dev/null; e t rm -f $N 2> /dev/null; e t ls -q`,
    out: '',
  },
  {
    name: 'ps',
    run: `${sleeping}e t exec -d --exec-id x $N sleep 99; e t ps $N | tail -n +2 | wc -l`,
    out: '2',
  },
  { name: 'metrics', run: `${sleeping}e t metrics $N`, out: /memory\.usage_in_bytes|pids\.current|memory/ },
  {
    name: '8 at once',
    run: 'for i in 1 2 3 4 5 6 7 8; do e run --rm $I $N-$i echo $i & done > $T/$N.out; wait; sort < $T/$N.out | tr -d "\\n"',
    out: '12345678',
  },
  {
    name: 'exec: exit status',
    run: `${sleeping}e t exec --exec-id x $N sh -c 'echo in; exit 8'`,
    status: 8,
    out: 'in',
  },
  {
    name: 'exec: program not found',
    run: `${sleeping}e t exec --exec-id x $N nope`,
    status: 1,
    err: /executable file not found in \$PATH/,
  },
  {
    name: 'exec: path not found',
    run: `${sleeping}e t exec --exec-id x $N /nope`,
    status: 1,
    err: /no such file or directory/,
  },
  {
    name: 'exec: no permission',
    run: `${sleeping}e t exec --exec-id x $N /etc/passwd`,
    status: 1,
    err: /permission denied/,
  },
  { name: 'exec: signal', run: `${sleeping}e t exec --exec-id x $N sh -c 'kill -9 $$'`, status: 137 },
  {
    name: 'exec: workdir, user',
    run: `${sleeping}e t exec --exec-id x --cwd /tmp --user 1000 $N sh -c 'echo $PWD $(id -u)'`,
    out: '/tmp 1000',
  },
  { name: 'exec: input', run: `${sleeping}echo words | e t exec --exec-id x $N cat`, out: 'words' },
  {
    name: 'exec: terminal',
    run: `${sleeping}term 24 80 e t exec -t --exec-id x $N sh -c 'until [ "$(stty size 2> /dev/null)" = "24 80" ]; do sleep 0.1; done; tty; exit 4'`,
    status: 4,
    out: /^\/dev\/pts\/\d$/,
  },
  {
    name: 'exec: a terminal that grows',
    run: `${sleeping}term 24 80 e t exec -t --exec-id x $N sh -c 'echo up; until [ "$(stty size 2> /dev/null)" = "30 100" ]; do sleep 0.1; done; echo grown; sleep 1' > $T/$N.out &
soon grep up $T/$N.out; sleep 0.3; kill -USR1 $!; wait $!; tr -d '\\r' < $T/$N.out`,
    out: 'up\ngrown',
  },
  {
    name: 'exec: detached',
    run: `${sleeping}e t exec -d --exec-id x $N touch /tmp/done; soon e t exec --exec-id y $N ls /tmp/done; e t exec --exec-id z $N ls /tmp`,
    out: 'done',
  },
  {
    name: 'exec: ten at once',
    run: `${sleeping}for i in 0 1 2 3 4 5 6 7 8 9; do e t exec --exec-id x$i $N echo $i & done > $T/$N.out; wait; sort < $T/$N.out | tr -d "\\n"`,
    out: '0123456789',
  },
  {
    name: 'exec: in a paused task',
    run: `${sleeping}e t pause $N; e t exec --exec-id x $N true; s=$?; e t resume $N; [ $s != 0 ]`,
    err: /paused/,
  },
  {
    name: 'exec: kill one process',
    run: `${sleeping}e t exec --exec-id x $N sleep 99 & sleep 0.7; e t kill -s KILL --exec-id x $N; wait $!`,
    status: 137,
  },
  {
    name: 'memory',
    run: `e run -d --memory-limit 67108864 $I $N sleep 100; cat ${limit(files.memory)}`,
    out: '67108864',
  },
  {
    name: 'cpus',
    run: `e run -d --cpus 0.5 $I $N sleep 100; cat ${limit(files.quota)}`,
    out: quota(50000),
  },
  {
    name: 'cpu shares',
    run: `e run -d --cpu-shares 512 $I $N sleep 100; cat ${limit(files.shares)}`,
    out: new RegExp(`^${shares(512)}$`),
  },
  {
    name: 'limits are properties of the scope, which goes with its task',
    run: `e run -d --memory-limit 67108864 --cpus 0.5 $I $N sleep 100; ctl show -p MemoryMax -p CPUQuotaPerSecUSec ctr-$N.scope | sort; e t rm -f $N > /dev/null; ctl show --value -p LoadState ctr-$N.scope`,
    out: 'CPUQuotaPerSecUSec=500ms\nMemoryMax=67108864\nnot-found',
    managed: ['containerd'],
  },
  {
    name: 'out of memory',
    run: "e run --rm --memory-limit 16000000 $I $N sh -c 'tail /dev/zero'",
    status: 137,
  },
  {
    name: 'mount',
    run: "mkdir $T/$N; echo text > $T/$N/file; e run --rm --mount type=bind,src=$T/$N,dst=/data,options=rbind:rw $I $N sh -c 'cat /data/file; echo more > /data/new'; cat $T/$N/new",
    out: 'text\nmore',
  },
  {
    name: 'mount, read-only',
    run: 'mkdir $T/$N; e run --rm --mount type=bind,src=$T/$N,dst=/data,options=rbind:ro $I $N touch /data/new',
    status: 1,
    err: /Read-only/,
  },
  {
    name: 'a mount on the host reaches an rslave mount',
    run: 'mkdir -p $T/$N/sub; e run -d --mount type=bind,src=$T/$N,dst=/data,options=rbind:rslave $I $N sleep 100; mount -t tmpfs tmpfs $T/$N/sub; echo text > $T/$N/sub/file; e t exec --exec-id x $N cat /data/sub/file; umount $T/$N/sub',
    out: 'text',
  },
  {
    name: 'a mount in the container reaches an rshared mount',
    run: "mkdir -p $T/$N/sub; e run --rm --privileged --rootfs-propagation shared --mount type=bind,src=$T/$N,dst=/data,options=rbind:rshared $I $N sh -c 'mount -t tmpfs tmpfs /data/sub && echo text > /data/sub/file'; cat $T/$N/sub/file; umount $T/$N/sub",
    out: 'text',
  },
  {
    name: 'tmpfs',
    run: "e run --rm --mount type=tmpfs,src=tmpfs,dst=/scratch,options=size=4m $I $N sh -c 'df -k /scratch | tail -1'",
    out: /^tmpfs +4096 /,
  },
  {
    name: 'env and workdir',
    run: "e run --rm --env A=b --cwd /tmp $I $N sh -c 'echo $A $PWD'",
    out: 'b /tmp',
  },
  { name: 'a read-only root', run: 'e run --rm --read-only $I $N touch /new', status: 1, err: /Read-only/ },
  {
    name: 'capabilities',
    run: 'e run --rm --cap-drop CAP_CHOWN --cap-add CAP_SYS_PTRACE $I $N grep CapEff /proc/self/status',
    out: /00000000a80c25fa$/,
  },
  {
    name: 'privileged',
    run: "e run --rm --privileged $I $N sh -c 'mount -t tmpfs tmpfs /tmp && echo ok'",
    out: 'ok',
  },
  { name: 'no new privileges', run: 'e run --rm $I $N grep NoNewPrivs /proc/self/status', out: /1$/ },
  {
    name: 'new privileges',
    run: 'e run --rm --allow-new-privs $I $N grep NoNewPrivs /proc/self/status',
    out: /0$/,
  },
  {
    name: 'seccomp by default',
    run: 'e run --rm --seccomp $I $N grep Seccomp: /proc/self/status',
    out: /2$/,
  },
  {
    name: 'seccomp of a file',
    run: `echo '${noChmod}' > $T/$N.json; e run --rm --seccomp --seccomp-profile $T/$N.json $I $N chmod 700 /tmp`,
    status: 1,
    err: /not implemented/,
  },
  { name: 'without seccomp', run: 'e run --rm $I $N grep Seccomp: /proc/self/status', out: /0$/ },
  {
    name: 'a device',
    run: "e run --rm --device /dev/fuse $I $N sh -c 'stat -c %t:%T /dev/fuse; : < /dev/fuse && echo readable'",
    out: 'a:e5\nreadable',
  },
  {
    name: 'network of the host',
    run: '[ "$(e run --rm --net-host $I $N readlink /proc/self/ns/net)" = "$(readlink /proc/self/ns/net)" ]',
  },
  { name: 'network none', run: 'e run --rm $I $N ls /sys/class/net', out: 'lo' },
  {
    name: 'the network of another container',
    run: `${sleeping}p=$(e t ls | awk '/RUNNING/ {print $2}'); [ "$(e run --rm --with-ns network:/proc/$p/ns/net $I $N-b readlink /proc/self/ns/net)" = "$(readlink /proc/$p/ns/net)" ]`,
  },
  {
    name: 'a user namespace',
    run: "e run --rm --uidmap 0:100000:65536 --gidmap 0:100000:65536 $I $N sh -c 'id -u; cat /proc/self/uid_map; touch /mine && stat -c %u /mine'",
    out: /^0\n +0 +100000 +65536\n0$/,
  },
  {
    name: 'the pid namespace of another container',
    run: `${sleeping}p=$(e t ls | awk '/RUNNING/ {print $2}'); e run --rm --with-ns pid:/proc/$p/ns/pid $I $N-b ps`,
    out: /sleep 100/,
  },
  {
    name: 'a configuration of its own: pids, cpuset, sysctl, ulimit, hostname',
    run: `cat > $T/$N.json << EOF
{ "ociVersion": "1.0.2", "hostname": "web", "root": { "path": "$T/image", "readonly": true },
  "process": { "cwd": "/", "args": ["sh", "-c", "hostname; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; ulimit -n; grep Cpus_allowed_list /proc/self/status; while :; do sleep 1; done"],
    "env": ["PATH=/bin"], "rlimits": [{ "type": "RLIMIT_NOFILE", "hard": 200, "soft": 100 }] },
  "mounts": [{ "destination": "/proc", "type": "proc", "source": "proc" }],
  "linux": { "cgroupsPath": "${by('/$TAG/$N', '$PARENT:ctr:$N')}", "sysctl": { "net.ipv4.ip_unprivileged_port_start": "7" },
    "resources": { "pids": { "limit": 20 }, "cpu": { "cpus": "0" } },
    "namespaces": [{ "type": "pid" }, { "type": "mount" }, { "type": "network" }, { "type": "uts" }, { "type": "ipc" }] } }
EOF
e run -d --log-uri file://$T/$N.log --config $T/$N.json $N; soon grep Cpus $T/$N.log; cat $T/$N.log ${limit(files.pids)}`,
    out: 'web\n7\n100\nCpus_allowed_list:\t0\n20',
  },
  {
    name: 'a shim is killed',
    run: `${sleeping}kill -9 $(pidof containerd-shim-runc-v2); soon sh -c "! e t ls | grep $N.*RUNNING"; e t rm -f $N 2> /dev/null; e c rm $N; e c ls -q; soon sh -c "! ls /run/containerd/io.containerd.runtime.v2.task/* | grep -v :"`,
    out: '',
  },
  {
    name: 'containerd ends and comes back under a running task',
    run: `${sleeping}kill -9 $(pidof containerd); sleep 0.5; setsid containerd -c $T/config.toml > $T/again.log 2>&1 < /dev/null & soon e version; e t ls | grep -o RUNNING; e t exec --exec-id x $N echo in`,
    out: 'RUNNING\nin',
  },
]

export const ctrChecks: readonly Check[] = checks.map(check => ({ ...check, run: image + check.run }))
