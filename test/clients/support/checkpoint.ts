/** Checks of checkpoint and restore, which engines leave to the runtime and criu. */
import type { Check } from './check.js'

const counting = "sh -c 'i=0; while :; do i=$((i+1)); echo $i > /tmp/c; mv /tmp/c /count; sleep 0.05; done'"

/** Prints `on` when the number that a command prints has grown since it was looked at, and when it goes on growing. */
const goesOn = (count: string): string =>
  `b=$(${count}); sleep 0.4; c=$(${count}); [ $a -le $b ] && [ $b -lt $c ] && echo on`

const podmanCounts = 'e exec $N cat /count'
const counter = `e run -d --name $N box ${counting} > /dev/null; soon ${podmanCounts}; a=$(${podmanCounts}); `
const status = "e inspect -f '{{.State.Status}}' $N; "

const ctrStart = `I=docker.io/library/box:latest; e run -d $I $N ${counting}; soon e t exec --exec-id s $N cat /count; a=$(e t exec --exec-id a $N cat /count); `
const ctrCount = 'i=x$i; e t exec --exec-id $i $N cat /count'

export const checkpointChecks: readonly Check[] = [
  {
    name: 'checkpoint and restore',
    run: `${counter}e container checkpoint $N > /dev/null; ${status}e container restore $N > /dev/null; ${status}${goesOn(podmanCounts)}`,
    out: 'exited\nrunning\non',
    only: ['podman'],
  },
  {
    name: 'checkpoint and restore, thrice',
    run: `${counter}for i in 1 2 3; do e container checkpoint $N && e container restore $N; done > /dev/null; ${status}${goesOn(podmanCounts)}`,
    out: 'running\non',
    only: ['podman'],
  },
  {
    name: 'checkpoint that leaves the container running',
    run: `${counter}e container checkpoint --leave-running $N > /dev/null; ${status}${goesOn(podmanCounts)}`,
    out: 'running\non',
    only: ['podman'],
  },
  {
    name: 'checkpoint to a file, restored as another container',
    run: `${counter}e container checkpoint --export $T/$N.tar.gz $N > /dev/null; e rm $N > /dev/null; e container restore --import $T/$N.tar.gz --name $N-b > /dev/null; N=$N-b; ${status}${goesOn(podmanCounts)}`,
    out: 'running\non',
    only: ['podman'],
  },
  {
    name: 'checkpoint to a file, restored into a pod', // podman asks the runtime first whether it can
    run: `p=$(e pod create --name $N-p --share ipc,net,uts); e run -d --pod $p --name $N box ${counting} > /dev/null; soon ${podmanCounts}; a=$(${podmanCounts}); e container checkpoint --export $T/$N.tar.gz $N > /dev/null; e pod rm -f $p > /dev/null
p=$(e pod create --name $N-q --share ipc,net,uts); e container restore --import $T/$N.tar.gz --pod $p --name $N-b > /dev/null; N=$N-b; ${status}${goesOn(podmanCounts)}; e pod rm -t 0 -f $p > /dev/null`,
    out: 'running\non',
    only: ['podman'],
  },
  {
    name: 'checkpoint of a container with a terminal',
    run: `e run -dt --name $N box sh > /dev/null; e container checkpoint $N > /dev/null; e container restore $N > /dev/null; ${status}e exec $N readlink /proc/1/fd/0`,
    out: 'running\n/dev/pts/0',
    only: ['podman'],
  },
  {
    name: 'checkpoint with an open connection',
    run: `e run -d --name $N box nc -l -p 80 -e cat > /dev/null; ip=$(e inspect -f '{{.NetworkSettings.IPAddress}}' $N); soon e exec $N sh -c 'netstat -tln | grep :80'
(for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 1; done) | busybox nc $ip 80 > $T/$N.out & soon grep 2 $T/$N.out
e container checkpoint --tcp-established $N > /dev/null; e container restore --tcp-established $N > /dev/null; wait $!; tr -d '\\n' < $T/$N.out`,
    out: '123456789',
    only: ['podman'],
  },
  {
    name: 'checkpoint, and start from it',
    // It may say at first that the content is there already (seen with runc).
    run: `${counter}e checkpoint create $N one > /dev/null; soon sh -c "e inspect -f '{{.State.Status}}' $N | grep exited"; soon e start --checkpoint one $N; ${status}${goesOn(podmanCounts)}`,
    out: 'running\non',
    only: ['docker'],
  },
  {
    name: 'checkpoint that leaves the container running',
    run: `${counter}e checkpoint create --leave-running $N one; e checkpoint ls $N | tail -n 1; ${status}${goesOn(podmanCounts)}`,
    out: 'one\none\nrunning\non',
    only: ['docker'],
  },
  {
    name: 'checkpoint to an image, restored from it',
    run: `${ctrStart}e c checkpoint --rw --task --image $N docker.io/checks/$N:latest; e t kill -s KILL $N; soon sh -c "e t ls | grep $N.*STOPPED"; e t rm $N 2> /dev/null; e c rm $N
e c restore --rw --live $N docker.io/checks/$N:latest; e t ls | grep -o RUNNING; ${goesOn(ctrCount)}`,
    out: 'RUNNING\non',
    only: ['containerd'],
  },
  {
    name: 'checkpoint to a directory',
    run: `${ctrStart}e t checkpoint --image-path $T/$N.img --work-path $T/$N.work $N; ls $T/$N.img/pstree.img; tail -n 1 $T/$N.work/dump.log`,
    out: /pstree.img\n.*Dumping finished successfully$/,
    only: ['containerd'],
  },
].map(check => ({ ...check, needs: 'criu' }) as const)
