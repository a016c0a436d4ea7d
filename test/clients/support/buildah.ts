/** buildah, which calls the runtime itself, without conmon. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBox } from './box.js'
import type { Check, Engine } from './check.js'
import { buildahFrom, faultyRuntime } from './faults.js'
import { imageTree } from './image.js'
import { files, quota, shares } from './limits.js'
import { readmeBlock } from './readme.js'

export const buildah = (): Engine => {
  const box = openBox('buildah')
  const { dir } = box
  writeFileSync(
    join(dir, 'bin', 'e'),
    `#!/bin/sh
${readmeBlock('BUILDAH_RUNTIME', box.runtime)}[ -z "$WITH" ] || export BUILDAH_RUNTIME=$WITH
exec buildah --root ${dir}/store --runroot /run/buildah-store "$@"
`,
    { mode: 0o755 },
  )
  faultyRuntime(box)
  const made = box.sh(
    `c=$(e from scratch) && e add -q $c ${imageTree(dir)} / && e commit -q $c box && e rm $c`,
  )
  if (made.status !== 0) {
    box.close()
    throw new Error(`buildah commit: ${made.stderr}`)
  }
  return { name: 'buildah', box, cleanUp: 'e rm -a > /dev/null' }
}

const from = `c=$(${buildahFrom} box); `

const noChmod =
  '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["chmod","fchmodat","fchmodat2"],"action":"SCMP_ACT_ERRNO","errnoRet":38}]}'

export const buildahChecks: readonly Check[] = [
  { name: 'run', run: `${from}e run $c -- sh -c 'echo hello; exit 7'`, status: 7, out: 'hello' },
  {
    name: 'run: a program that does not exist',
    run: `${from}e run $c -- /nope`,
    status: 1,
    err: /no such file/,
  },
  { name: 'run: input', run: `${from}echo words | e run $c -- cat`, out: 'words' },
  {
    name: 'run: a terminal',
    run: `${from}term 24 80 e run -t $c -- sh -c 'tty; exit 3'`,
    status: 3,
    out: /\/dev\/pts\/0/,
  },
  {
    name: 'run: a child ended by a signal',
    run: `${from}e run $c -- sh -c 'sh -c "kill -9 \\$\\$"; echo $?'`,
    out: '137',
  },
  {
    name: 'run: user, env, workdir',
    run: `${from}e run --user user --env A=b --workingdir /tmp $c -- sh -c 'echo $A $PWD $(id -u)'`,
    out: 'b /tmp 1000',
  },
  {
    name: 'run: a volume',
    run: `${from}mkdir $T/$N; echo text > $T/$N/a; e run -v $T/$N:/data:ro $c -- sh -c 'cat /data/a; touch /data/b'`,
    status: 1,
    out: 'text',
    err: /Read-only/,
  },
  {
    name: 'run: capabilities',
    run: `${from}e run --cap-drop CAP_CHOWN $c -- grep CapEff /proc/self/status`,
    out: /^CapEff:\t[0-9a-f]+[02468ace]$/,
  },
  {
    name: 'run: a volume that is written to',
    run: `${from}mkdir $T/$N; e run -v $T/$N:/data $c -- sh -c 'echo text > /data/a'; cat $T/$N/a`,
    out: 'text',
  },
  {
    name: 'run: tmpfs',
    run: `${from}e run --mount type=tmpfs,target=/scratch,tmpfs-size=4m $c -- sh -c 'df -k /scratch | tail -1'`,
    out: /^tmpfs +4096 /,
  },
  { name: 'run: hostname', run: `${from}e run --hostname web $c -- hostname`, out: 'web' },
  {
    name: 'run: limits of memory, cpus, cpuset',
    run: `c=$(${buildahFrom} -m 64m --cpu-quota 50000 --cpu-shares 512 --cpuset-cpus 0 box); e run $c -- sh -c 'cd /sys/fs/cgroup; cat ${files.memory} ${files.quota} ${files.shares}; grep Cpus_allowed_list /proc/self/status'`,
    out: new RegExp(`^67108864\n${quota(50000)}\n${shares(512)}\nCpus_allowed_list:\t0$`),
  },
  {
    name: 'run: ulimit, shm size',
    run: `c=$(${buildahFrom} --ulimit core=0 --shm-size 8m box); e run $c -- sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c; df -k /dev/shm | tail -1'`,
    out: /^1024\n4096\n0\n.*\b8192\b/,
  },
  {
    name: 'run: a device',
    run: `c=$(${buildahFrom} --device /dev/fuse box); e run $c -- sh -c 'stat -c %t:%T /dev/fuse; : < /dev/fuse && echo readable'`,
    out: 'a:e5\nreadable',
  },
  {
    name: 'run: seccomp=unconfined',
    run: `c=$(${buildahFrom} --security-opt seccomp=unconfined box); e run $c -- grep Seccomp: /proc/self/status`,
    out: /0$/,
  },
  {
    name: 'run: seccomp of a file',
    run: `echo '${noChmod}' > $T/$N.json; c=$(${buildahFrom} --security-opt seccomp=$T/$N.json box); e run $c -- chmod 700 /tmp`,
    status: 1,
    err: /not implemented/,
  },
  {
    name: 'run: cap-add',
    run: `${from}e run --cap-add CAP_SYS_PTRACE $c -- grep CapEff /proc/self/status`,
    out: /[89a-f][0-9a-f]{4}$/,
  },
  {
    name: 'run: network, pid, ipc, uts of the host',
    run: `${from}for n in net pid ipc uts; do o=$n; [ $n != net ] || o=network; [ "$(e run --$o host $c -- readlink /proc/self/ns/$n)" = "$(readlink /proc/self/ns/$n)" ] || echo $n; done`,
    out: '',
  },
  {
    name: 'run: a network of its own',
    run: `${from}e run --network private $c -- sh -c 'ls /sys/class/net; readlink /proc/self/ns/net'; readlink /proc/self/ns/net`,
    out: /lo\n(net:\[\d+\])\n(?!\1)net/,
  },
  {
    name: 'run: 8 at once',
    run: `${from}for i in 1 2 3 4 5 6 7 8; do e run $c -- echo $i & done > $T/$N.out; wait; sort < $T/$N.out | tr -d "\\n"`,
    out: '12345678',
  },
  {
    name: 'commit and copy',
    run: `${from}echo text > $T/$N; e copy -q $c $T/$N /copied > /dev/null; e run $c -- sh -c 'echo kept > /kept'; e commit -q $c kept$N > /dev/null; d=$(${buildahFrom} kept$N); e run $d -- cat /copied /kept; e rm $d > /dev/null; e rmi kept$N > /dev/null`,
    out: 'text\nkept',
  },
  {
    name: 'buildah is killed in a run',
    run: `${from}e run $c -- sleep 100 & soon sh -c "ps -e -o args | grep '[/]bin/sleep 100'"; kill -9 $(pidof buildah); sleep 0.5; for i in $($RT list -q); do $RT delete --force $i; done; e rm $c > /dev/null; e containers -q; soon sh -c "! ps -e -o args | grep '[/]bin/sleep 100'"`,
    out: '',
  },
  { name: 'run: seccomp', run: `${from}e run $c -- grep Seccomp: /proc/self/status`, out: /2$/ },
  { name: 'run: no network', run: `${from}e run --network none $c -- ls /sys/class/net`, out: 'lo' },
  {
    name: 'run: 50 MB of output',
    run: `${from}e run $c -- head -c 50000000 /dev/zero | wc -c`,
    out: '50000000',
  },
  {
    name: 'bud',
    run: `mkdir $T/$N; printf 'FROM box\\nENV A=b\\nRUN echo $A > /built\\nUSER user\\nRUN id -u >> /tmp/who\\n' > $T/$N/Dockerfile
e bud -q --network none --ulimit nofile=1024:4096 --ulimit nproc=4096:4096 -t $N $T/$N > /dev/null; c=$(e from --ulimit nofile=1024:4096 --ulimit nproc=4096:4096 $N); e run $c -- cat /built /tmp/who; e rm $c > /dev/null; e rmi $N > /dev/null`,
    out: 'b\n1000',
  },
  {
    name: 'bud: a step that fails',
    run: "mkdir $T/$N; printf 'FROM box\\nRUN exit 9\\n' > $T/$N/Dockerfile; e bud -q --network none --ulimit nofile=1024:4096 --ulimit nproc=4096:4096 $T/$N",
    status: 9,
    err: /exit status 9/,
  },
]
