/** Checks of processes: statuses, signals, streams, terminals, logs, the life of a container. */
import type { Check } from './check.js'

const loop = 'sh -c \'trap "exit 9" TERM; echo up; while :; do sleep 0.1; done\''

export const processChecks: readonly Check[] = [
  { name: 'exit status', run: "e run --rm box sh -c 'echo hello; exit 7'", status: 7, out: 'hello' },
  {
    name: 'a program that does not exist',
    run: 'e run --rm box /nope',
    status: 127,
    err: /no such file|not found/,
    but: { nerdctl: { status: 1 } },
  },
  {
    name: 'a program not in PATH',
    run: 'e run --rm box nope',
    status: 127,
    err: /not found/,
    but: { nerdctl: { status: 1 } },
  },
  {
    name: 'a file that is no program',
    run: 'e run --rm box /etc/passwd',
    status: 126,
    err: /permission denied/i,
    but: { nerdctl: { status: 1 } },
  },
  {
    name: 'a directory as program',
    run: 'e run --rm box /etc',
    status: 126,
    but: { nerdctl: { status: 1 } },
  },
  {
    name: 'a child ended by a signal',
    run: 'e run --rm box sh -c \'sh -c "kill -9 \\$\\$"; echo $?\'',
    out: '137',
  },
  // The clients of containerd 1.6 tell a task of the end of input once; one that is not there yet never hears of it
  // and waits for ever, with any runtime: runc 10 times of 10 (ctr), 9 of 10 (nerdctl).
  {
    name: 'standard input',
    run: 'echo data | e run --rm -i box cat',
    out: 'data',
    but: { nerdctl: { run: '(echo data; sleep 1) | e run --rm -i box cat' } },
  },
  {
    name: 'an end of input at once',
    run: 'e run --rm -i box cat < /dev/null',
    out: '',
    except: ['nerdctl'],
  },
  {
    name: 'output and errors apart',
    run: "e run --rm box sh -c 'echo out; echo err >&2'",
    out: 'out',
    err: /^err/m,
  },
  {
    name: '50 MB of output',
    except: ['nerdctl'],
    run: "e run --rm box sh -c 'head -c 50000000 /dev/zero' | wc -c",
    out: '50000000',
  },
  { name: '20 MB of input', run: 'head -c 20000000 /dev/zero | e run --rm -i box wc -c', out: '20000000' },
  {
    name: 'signals go through a foreground run',
    run: `e run --rm --name $N box ${loop} > $T/$N.out & soon grep up $T/$N.out; kill -TERM $!; wait $!`,
    status: 9,
  },
  {
    name: 'a terminal',
    run: 'term 24 80 e run --rm -it box sh -c \'tty; until [ "$(stty size 2> /dev/null)" = "24 80" ]; do sleep 0.1; done; stty size\'',
    out: '/dev/pts/0\n24 80',
  },
  {
    name: 'a terminal that grows',
    run: `term 24 80 e run --rm -it box sh -c 'echo up; until [ "$(stty size 2> /dev/null)" = "30 100" ]; do sleep 0.1; done; echo grown; sleep 1' > $T/$N.out &
soon grep up $T/$N.out; sleep 0.3; kill -USR1 $!; wait $!; tr -d '\\r' < $T/$N.out`,
    out: 'up\ngrown',
  },
  { name: 'exit status through a terminal', run: "term 24 80 e run --rm -it box sh -c 'exit 3'", status: 3 },
  {
    name: 'detached, wait and logs',
    run: "e run -d --name $N box sh -c 'echo one; echo two >&2; exit 5' > /dev/null; e wait $N; e logs $N 2>&1 | sort",
    out: '5\none\ntwo',
  },
  {
    name: 'detached with a terminal',
    run: "e run -dt --name $N box sh -c 'tty; exit 5' > /dev/null; e wait $N; e logs $N",
    out: '5\n/dev/pts/0',
  },
  {
    name: 'logs that are followed',
    run: "e run -d --name $N box sh -c 'for i in 1 2 3; do echo $i; sleep 0.2; done' > /dev/null; e logs -f $N",
    out: '1\n2\n3',
  },
  {
    name: 'create, then start attached',
    run: "e create --name $N box sh -c 'echo made; exit 6' > /dev/null; e start -a $N",
    status: 6,
    out: 'made',
    except: ['nerdctl'],
  },
  {
    name: 'attach',
    run: "e run -d -i --name $N box sh -c 'read line; echo got $line; exit 4' > /dev/null; (sleep 0.3; echo words; sleep 1) | e attach $N; e wait $N",
    out: /^got words\s+4$/,
    except: ['nerdctl'],
  },
  {
    name: 'detached by keys from a terminal, then attached to it again',
    run: `(soon sh -c "e logs $N | grep up"; printf '\\020'; sleep 0.3; printf '\\021'; sleep 1) | term 24 80 e run -it --name $N box sh -c 'echo up; read line; echo got $line; exit 4' > /dev/null; e inspect -f '{{.State.Status}}' $N
(sleep 1; echo words; sleep 1) | term 24 80 e attach $N > $T/$N.out; e inspect -f '{{.State.ExitCode}}' $N; tr -d '\\r' < $T/$N.out | grep -o 'got words'`,
    out: 'running\n4\ngot words',
  },
  {
    name: 'kill',
    run: 'e run -d --name $N box sleep 100 > /dev/null; e kill $N > /dev/null; e wait $N',
    out: '137',
  },
  {
    name: 'kill by name of the signal',
    run: `e run -d --name $N box ${loop} > /dev/null; soon sh -c "e logs $N | grep up"; e kill -s TERM $N > /dev/null; e wait $N`,
    out: '9',
  },
  {
    name: 'kill by number',
    run: `e run -d --name $N box ${loop} > /dev/null; soon sh -c "e logs $N | grep up"; e kill -s 15 $N > /dev/null; e wait $N`,
    out: '9',
    except: ['nerdctl'],
  },
  {
    name: 'kill of a stopped container',
    run: 'e run --name $N box true; e kill $N',
    status: 125,
    err: /not running|can only kill running/,
    only: ['podman'],
  },
  {
    name: 'stop',
    run: `e run -d --name $N box ${loop} > /dev/null; soon sh -c "e logs $N | grep up"; e stop -t 10 $N > /dev/null; e inspect -f '{{.State.ExitCode}} {{.State.Status}}' $N`,
    out: '9 exited',
  },
  {
    name: 'stop of a program that will not',
    run: "e run -d --name $N box sh -c 'trap : TERM; while :; do sleep 0.1; done' > /dev/null; e stop -t 1 $N > /dev/null 2>&1; e inspect -f '{{.State.ExitCode}}' $N",
    out: '137',
  },
  {
    name: 'restart',
    run: "e run -d --name $N box sleep 100 > /dev/null; a=$(e inspect -f '{{.State.Pid}}' $N); e restart -t 0 $N > /dev/null; b=$(e inspect -f '{{.State.Pid}}' $N); [ $a != $b ] && kill -0 $b && e inspect -f '{{.State.Status}}' $N",
    out: 'running',
  },
  {
    name: 'start again',
    run: "e run --name $N box sh -c 'echo x >> /count; wc -l < /count'; e start -a $N",
    out: '1\n2',
  },
  {
    name: 'restart policy',
    run: 'e run -d --restart on-failure:2 --name $N box sh -c \'echo x; exit 1\' > /dev/null; soon sh -c "[ \\$(e logs $N | wc -l) = 3 ]"; e logs $N',
    out: 'x\nx\nx',
    except: ['nerdctl'],
  },
  {
    name: 'rm of a running container is refused',
    run: 'e run -d --name $N box sleep 100 > /dev/null; e rm $N && exit 9; e rm -f $N > /dev/null && ! e inspect $N 2> /dev/null',
    err: /running/,
    out: '[]',
    but: { nerdctl: { out: '' } },
  },
  {
    name: 'rm of a created container',
    run: 'e create --name $N box true > /dev/null; e rm $N > /dev/null && e ps -aq',
    out: '',
  },
  {
    name: 'pause and unpause',
    managed: ['rootless'],
    run: "e run -d --name $N box sh -c 'while :; do echo x; sleep 0.1; done' > /dev/null; soon sh -c \"e logs $N | grep x\"; e pause $N > /dev/null; e inspect -f '{{.State.Status}}' $N; sleep 0.3; a=$(e logs $N | wc -l); sleep 0.5; b=$(e logs $N | wc -l); [ $a = $b ] && e unpause $N > /dev/null; sleep 0.5; c=$(e logs $N | wc -l); [ $c -gt $b ] && echo on",
    out: 'paused\non',
  },
  {
    name: 'exec in a paused container is refused',
    managed: ['rootless'],
    run: 'e run -d --name $N box sleep 100 > /dev/null; e pause $N > /dev/null; e exec $N true; s=$?; e unpause $N > /dev/null; [ $s != 0 ]',
    err: /paused|can only create exec sessions on running/,
  },
  {
    name: 'rm -f of a paused container',
    managed: ['rootless'],
    run: 'e run -d --name $N box sleep 100 > /dev/null; e pause $N > /dev/null; e rm -f $N > /dev/null && e ps -aq',
    out: '',
  },
  { name: 'top', run: 'e run -d --name $N box sleep 100 > /dev/null; e top $N', out: /sleep 100/ },
  {
    name: 'stats',
    managed: ['rootless'],
    run: "e run -d --name $N -m 64m box sleep 100 > /dev/null; e stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.PIDs}}' $N",
    out: /^check\d+ .*(67.11MB|64MiB) 1$/,
    // It may wait for ever (seen with runc, once in 30).
    but: {
      nerdctl: {
        run: "e run -d --name $N -m 64m box sleep 100 > /dev/null; for i in 1 2 3; do timeout 20 e stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.PIDs}}' $N && break; done",
      },
    },
  },
  {
    name: 'a child in the background keeps the container no longer than its init',
    run: "e run --rm box sh -c 'sleep 50 & echo done'",
    out: 'done',
  },
  {
    name: '--init reaps',
    run: 'e run -d --init --name $N box sh -c \'sh -c "sleep 0.1 &"; sleep 100\' > /dev/null; sleep 0.5; e exec $N ps',
    out: /^PID.*\n +1 .*(catatonit|init|tini)/,
  },
  {
    name: '8 at once',
    run: 'for i in 1 2 3 4 5 6 7 8; do e run --rm box echo $i & done > $T/$N.out; wait; sort < $T/$N.out | tr -d "\\n"',
    out: '12345678',
  },
  {
    name: '8 detached at once, removed at once',
    run: 'for i in 1 2 3 4 5 6 7 8; do e run -d --name $N-$i box sleep 100 & done > /dev/null; wait; e ps -q | wc -l; e rm -f -t 0 $(e ps -q) > /dev/null; e ps -aq | wc -l',
    out: '8\n0',
    only: ['podman'],
  },
]

export const execChecks: readonly Check[] = [
  {
    name: 'exec: exit status',
    run: "e run -d --name $N box sleep 100 > /dev/null; e exec $N sh -c 'echo in; exit 8'",
    status: 8,
    out: 'in',
    but: { nerdctl: { status: 1, err: /exit code 8/ } },
  },
  {
    name: 'exec: program not found',
    run: 'e run -d --name $N box sleep 100 > /dev/null; e exec $N nope 2>&1; [ $? -ge 126 ]',
    out: /not found/,
    but: { nerdctl: { status: 1 } },
  },
  {
    name: 'exec: path not found',
    run: 'e run -d --name $N box sleep 100 > /dev/null; e exec $N /nope 2>&1; [ $? -ge 126 ]',
    out: /no such file|not found/,
    but: { nerdctl: { status: 1 } },
  },
  {
    name: 'exec: no permission',
    run: 'e run -d --name $N box sleep 100 > /dev/null; e exec $N /etc/passwd 2>&1; [ $? -ge 126 ]',
    out: /permission denied/i,
    but: { nerdctl: { status: 1 } },
  },
  {
    name: 'exec: statuses of what cannot run',
    run: 'e run -d --name $N box sleep 100 > /dev/null; for p in nope /nope /etc/passwd /etc; do e exec $N $p 2> /dev/null; echo $?; done',
    out: '127\n127\n126\n126',
    only: ['podman'], // docker 20.10 says 126
  },
  {
    name: 'exec: signal',
    run: "e run -d --name $N box sleep 100 > /dev/null; e exec $N sh -c 'kill -9 $$'",
    status: 137,
    but: { nerdctl: { status: 1, err: /exit code 137/ } },
  },
  {
    name: 'exec: env, workdir, user',
    run: "e run -d --name $N -e A=1 box sleep 100 > /dev/null; e exec -e B=2 -w /tmp -u user $N sh -c 'echo $A$B $PWD $(id)'",
    out: /^12 \/tmp uid=1000\(user\) gid=1000\(user\) groups=.*2000\(extra\)/,
  },
  {
    name: 'exec: user by number',
    run: 'e run -d --name $N box sleep 100 > /dev/null; e exec -u 77:88 $N id',
    out: 'uid=77 gid=88',
    only: ['podman'],
  },
  {
    name: 'exec: user of the container',
    run: 'e run -d -u 1000 --name $N box sleep 100 > /dev/null; e exec $N id -u',
    out: '1000',
  },
  {
    name: 'exec: unknown user',
    run: 'e run -d --name $N box sleep 100 > /dev/null; e exec -u nobody7 $N true 2>&1; [ $? -ge 125 ]',
    out: /nobody7/,
    but: { nerdctl: { status: 1, out: /no users found/ } },
  },
  {
    name: 'exec: input',
    run: 'e run -d --name $N box sleep 100 > /dev/null; echo words | e exec -i $N cat',
    out: 'words',
  },
  {
    name: 'exec: 20 MB through',
    run: 'e run -d --name $N box sleep 100 > /dev/null; head -c 20000000 /dev/zero | e exec -i $N cat | wc -c',
    out: '20000000',
  },
  {
    name: 'exec: terminal',
    run: 'e run -d --name $N box sleep 100 > /dev/null; term 24 80 e exec -it $N sh -c \'until [ "$(stty size 2> /dev/null)" = "24 80" ]; do sleep 0.1; done; tty; exit 4\'',
    status: 4,
    out: /^\/dev\/pts\/\d$/,
    but: { nerdctl: { status: 1, out: /^\/dev\/pts\/\d\n.*exit code 4$/ } },
  },
  {
    name: 'exec: terminal that grows',
    run: `e run -d --name $N box sleep 100 > /dev/null
term 24 80 e exec -it $N sh -c 'echo up; until [ "$(stty size 2> /dev/null)" = "30 100" ]; do sleep 0.1; done; echo grown; sleep 1' > $T/$N.out &
soon grep up $T/$N.out; sleep 0.3; kill -USR1 $!; wait $!; tr -d '\\r' < $T/$N.out`,
    out: 'up\ngrown',
  },
  {
    name: 'exec: terminal in a container with a terminal',
    run: 'e run -dt --name $N box sleep 100 > /dev/null; term 24 80 e exec -it $N tty',
    out: '/dev/pts/1',
  },
  {
    name: 'exec: terminal as a user',
    run: "e run -d --name $N box sleep 100 > /dev/null; term 24 80 e exec -it -u user $N sh -c 'stat -c %u $(tty); echo > $(tty) && echo mine'",
    out: '1000\n\nmine',
  },
  {
    name: 'exec: detached',
    run: 'e run -d --name $N box sleep 100 > /dev/null; e exec -d $N touch /tmp/done > /dev/null; soon e exec $N ls /tmp/done; e exec $N ls /tmp',
    out: 'done',
  },
  {
    name: 'exec: ten at once',
    run: 'e run -d --name $N box sleep 100 > /dev/null; for i in 0 1 2 3 4 5 6 7 8 9; do e exec $N echo $i & done > $T/$N.out; wait; sort < $T/$N.out | tr -d "\\n"',
    out: '0123456789',
  },
  {
    name: 'exec: a hundred at once, and nothing is left of them',
    run: `e run -d --name $N box sleep 100 > /dev/null; e exec $N true; sleep 1; before=$(census); for i in $(seq 100); do e exec $N echo $i & done > $T/$N.out; wait; sort -n $T/$N.out | uniq | wc -l
same() { [ "$(census)" = "$before" ]; }; soon same 2> /dev/null || { echo "before: $before"; echo "after: $(census)"; }`,
    out: '100',
    only: ['podman', 'docker'],
  },
  {
    name: 'exec: in a stopped container',
    run: 'e run --name $N box true; e exec $N true; [ $? != 0 ]',
    err: /not running|can only create exec sessions on running containers|state improper|in a stopped state/,
  },
  {
    name: 'exec: ends with its container',
    run: 'e run -d --name $N box sleep 100 > /dev/null; e exec $N sleep 100 & sleep 0.5; e kill $N > /dev/null; wait $!',
    status: 137,
    but: { nerdctl: { status: 1, err: /exit code 137/ } },
  },
  {
    name: 'exec: privileged',
    run: 'e run -d --name $N box sleep 100 > /dev/null; e exec --privileged $N sh -c "grep CapEff /proc/self/status" > $T/$N.a; e exec $N sh -c "grep CapEff /proc/self/status" > $T/$N.b; ! cmp -s $T/$N.a $T/$N.b',
  },
  {
    name: 'exec: has the seccomp filter, the caps and the cgroups of the container',
    run: "e run -d --name $N box sleep 100 > /dev/null; for p in 1 self; do e exec $N sh -c \"grep -hE '^(Seccomp:|CapBnd|CapEff|CapInh|CapAmb|NoNewPrivs)' /proc/$p/status; cat /proc/$p/cgroup\" > $T/$N.$p; done; cmp $T/$N.1 $T/$N.self && grep -c 'Seccomp:.2' $T/$N.self",
    out: '1',
  },
  {
    name: 'exec: as in a health check',
    run: "e run -d --name $N --health-cmd 'test -e /tmp/ok' --health-interval 1s --health-retries 1 box sleep 100 > /dev/null; e healthcheck run $N; e exec $N touch /tmp/ok; e healthcheck run $N && echo healthy",
    out: /healthy$/,
    only: ['podman', 'rootless'],
  },
  {
    name: 'a health check',
    run: "e run -d --name $N --health-cmd 'test -e /tmp/ok' --health-interval 0.3s --health-retries 1 box sleep 100 > /dev/null; soon sh -c \"e inspect -f '{{.State.Health.Status}}' $N | grep unhealthy\"; e exec $N touch /tmp/ok; soon sh -c \"e inspect -f '{{.State.Health.Status}}' $N | grep -x healthy\" && echo healthy",
    out: 'healthy',
    only: ['docker'],
  },
]
