/** Checks of podman alone: its README line, pods, the ids of user namespaces, a killed conmon. */
import { runtimeName } from './box.js'
import type { Check } from './check.js'
import { files } from './limits.js'
import { readmeBlock } from './readme.js'

const pod = (options: string): string =>
  `e pod create --infra-command "/bin/sleep 1000" --infra-image box --name $N ${options} > /dev/null; e run -d --pod $N box sleep 100 > /dev/null; `

const conmonKilled = (inside: string): string =>
  `id=$(e run -d --name $N box sleep 100); kill -9 $(pidof conmon); e rm -f -t 0 $N > /dev/null 2>&1 || e rm -f -t 0 $N > /dev/null
e ps -aq; ${inside}$RT delete --force $id`

const portOfPod = (address: string): string =>
  `${pod('-p 8097:80')}e run -d --pod $N box sh -c 'while :; do echo served | nc -l -p 80; done' > /dev/null; ip=${address}; soon sh -c "busybox nc -w 2 $ip 8097 < /dev/null | grep served" && echo served`

export const podChecks: readonly Check[] = [
  {
    name: 'the line of README',
    run: `podman() { e "$@"; }; ${readmeBlock('podman --runtime', '$RT')}`,
    out: 'hello',
  },
  {
    // podman forgets the container without asking the runtime
    name: 'conmon is killed',
    run: conmonKilled(''),
    but: { rootless: { run: conmonKilled('e unshare ') } },
    out: '',
  },
  {
    name: 'a pod',
    run: `${pod('')}e run --rm --pod $N box sh -c "hostname; ls /sys/class/net"; e pod rm -f -t 0 $N > /dev/null; e ps -aq`,
    out: /^check\d+\neth0\nlo$/,
    but: { rootless: { out: /^check\d+\nlo\ntap0$/ } },
  },
  {
    name: 'a pod with one pid namespace',
    run: `${pod('--share net,ipc,uts,pid')}e run --rm --pod $N box ps`,
    out: /\/bin\/sleep 1000\n.*sleep 100\n/,
  },
  {
    name: 'a pod is paused, stopped, started, killed',
    managed: ['rootless'], // it is refused without cgroups
    run: `${pod('')}state() { e pod inspect -f '{{.State}}' $N; }
e pod pause $N > /dev/null; state; e pod unpause $N > /dev/null; state; e pod stop -t 0 $N > /dev/null; state; e pod start $N > /dev/null; state; e pod stats --no-stream $N | wc -l; e pod top $N | grep -c 'sleep 100 '
e pod kill $N > /dev/null; soon sh -c "e pod inspect -f '{{.State}}' $N | grep Exited" && echo killed`,
    out: 'Paused\nRunning\nExited\nRunning\n3\n1\nkilled',
  },
  {
    name: 'a published port of a pod',
    run: portOfPod(`$(ip -4 -o addr show podman0 | awk '{ sub("/.*", "", $4); print $4 }')`),
    but: { rootless: { run: portOfPod('127.0.0.1') } },
    out: 'served',
  },
  {
    name: 'a pod of Kubernetes’ YAML',
    managed: ['rootless'],
    run: `cat > $T/$N.yaml << EOF
apiVersion: v1
kind: Pod
metadata: { name: $N }
spec:
  containers:
  - name: one
    image: localhost/box:latest
    command: [/bin/sleep, "100"]
    resources: { limits: { memory: 64Mi } }
    securityContext: { runAsUser: 1000, readOnlyRootFilesystem: true, capabilities: { drop: [ALL] } }
EOF
printf '[engine]\ninfra_image = "localhost/box"\ninfra_command = "/bin/sleep 1000"\n' > $T/$N.conf
CONTAINERS_CONF_OVERRIDE=$T/$N.conf e play kube $T/$N.yaml > /dev/null; e exec $N-one /bin/sh -c 'id -u; cat /sys/fs/cgroup/${files.memory}; grep CapBnd /proc/self/status; touch /new'; e play kube --down $T/$N.yaml > /dev/null; e ps -aq`,
    out: /^1000\n67108864\nCapBnd:\t0+$/,
    err: /Read-only/,
  },
  {
    name: 'user namespace: of ids that podman chooses',
    except: ['rootless'],
    run: `e run --rm --userns auto:size=300 --tmpfs /scratch box sh -c 'id -u; cat /proc/self/uid_map; touch /scratch/a && stat -c %u /scratch/a'`,
    out: /^0\n +0 +600000 +300\n0$/,
  },
  {
    name: 'user namespace: of another container',
    except: ['rootless'],
    run: `e run -d --userns auto --name $N box sleep 100 > /dev/null; e exec -u user $N id -u; [ "$(e exec $N readlink /proc/self/ns/user)" = "$(e run --rm --userns container:$N box readlink /proc/self/ns/user)" ] && echo same`,
    out: '1000\nsame',
  },
  {
    name: 'run and exec with descriptors of the caller',
    run: 'echo text > $T/$N; e run --rm --preserve-fds 1 box sh -c "cat <&3" 3< $T/$N; e run -d --name $N box sleep 100 > /dev/null; e exec --preserve-fds 1 $N sh -c "cat <&3" 3< $T/$N',
    out: 'text\ntext',
  },
  {
    name: 'a container that tells when it is ready',
    run: `payload recv-notify $T/$N.sock > $T/$N.told & soon test -S $T/$N.sock; chmod 777 $T/$N.sock
NOTIFY_SOCKET=$T/$N.sock e run -d --sdnotify container --name $N box sh -c 'payload notify READY=1; sleep 100' > /dev/null; soon grep READY=1 $T/$N.told; grep -o READY=1 $T/$N.told; kill $!`,
    out: 'READY=1',
  },
  {
    name: 'hooks of a directory',
    run: `mkdir $T/$N; printf '#!/bin/sh\\ncat > %s.$1\\n' $T/$N > $T/$N/hook; chmod 755 $T/$N/hook
cat > $T/$N/hook.json << EOF
{ "version": "1.0.0", "hook": { "path": "$T/$N/hook", "args": ["hook", "told"] }, "when": { "always": true }, "stages": ["createRuntime", "poststop"] }
EOF
touch $T/$N.told; chmod 666 $T/$N.told
e --hooks-dir $T/$N run -d --name $N box sleep 100 > /dev/null; grep -o '"status": *"[a-z]*"' $T/$N.told | tr -d ' '; e --hooks-dir $T/$N rm -f -t 0 $N > /dev/null; grep -o '"status": *"[a-z]*"' $T/$N.told | tr -d ' '`,
    out: '"status":"creating"\n"status":"stopped"',
  },
  {
    name: 'a personality',
    run: 'e run --rm --personality LINUX32 box uname -m',
    out: 'i686',
    runcFails: 'runc 1.1 has no personalities',
  },
  {
    name: 'info names the runtime',
    run: "e info -f '{{.Host.OCIRuntime.Name}}'",
    out: new RegExp(`${runtimeName()}$`),
  },
]
