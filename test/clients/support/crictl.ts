/** The checks in the words of crictl: pods, and containers in them. */
import type { Check } from './check.js'
import type { Words } from './faults.js'
import { files, quota, shares } from './limits.js'
import { readmeBlock } from './readme.js'

/** Stands for a dollar that the shell which writes the file is to leave alone. */
const dollar = '\uE000'

const file = (name: string, content: object): string =>
  `cat > $T/$N.${name} << EOF\n${JSON.stringify(content).replaceAll(dollar, '\\u0024')}\nEOF\n`

interface Config {
  readonly linux?: { readonly security_context?: object; readonly [other: string]: unknown }
  readonly [other: string]: unknown
}

/** Each container has pids of its own, as kubelet asks for; of a pod they are crictl's default. */
const withOwnPids = (config: Config): Config => {
  const context = { namespace_options: { pid: 1 }, ...config.linux?.security_context }
  return { ...config, linux: { ...config.linux, security_context: context } }
}

/** A pod of that configuration: its id is $P. */
const pod = (config: Config = {}, options = ''): string => {
  const whole = withOwnPids({
    metadata: { name: '$N', namespace: 'default', uid: '$N', attempt: 1 },
    log_directory: '$T/$N.logs',
    linux: { cgroup_parent: '/$PARENT' },
    ...config,
  })
  return `${file('pod', whole)}P=$(e runp ${options} $T/$N.pod) || exit 90\n`
}

/** One more container in the pod: its id is $C. */
const create = (command: readonly string[], config: Config = {}, name = 'c'): string => {
  const whole = withOwnPids({
    metadata: { name },
    image: { image: 'box:latest' },
    command,
    log_path: `${name}.log`,
    ...config,
  })
  return `${file(name, whole)}C=$(e create --no-pull $P $T/$N.${name} $T/$N.pod) || exit 91\n`
}

const start = 'e start $C > /dev/null\n'
const exited = 'soon sh -c "e ps -aq --id $C --state Exited | grep ."; '
const log = 'e logs $C'
const shell = (script: string) => ['sh', '-c', script.replaceAll('$', dollar)]

/** A container that runs a script to its end, and what it printed. */
const printed = (script: string, container: Config = {}, podConfig: Config = {}): string =>
  pod(podConfig) + create(shell(script), container) + start + exited + log

const sleeping = pod() + create(['sleep', '1000']) + start
const exitCode = `e inspect -o go-template --template '{{.status.exitCode}}' $C`
const security = (context: object) => ({ linux: { security_context: context } })
const resources = (limits: object) => ({ linux: { resources: limits } })
const mount = (options: object) => ({
  mounts: [{ host_path: '$T/$N.d', container_path: '/data', ...options }],
})
const sandbox = (context: object) => ({ linux: { cgroup_parent: '/$PARENT', security_context: context } })
const cgroup = (path: string) => `cat /sys/fs/cgroup/${path}`

/** The one that README's RuntimeClass names. */
const handler = /^handler: (.*)$/m.exec(readmeBlock('RuntimeClass', ''))?.[1]

/** CRI-O asks for all capabilities that there are. */
const CAPABILITIES = 'runc cannot leave out the capabilities that this machine does not give'

export const crictlChecks: readonly Check[] = [
  {
    name: 'exit status and log',
    run: `${printed('echo out; echo err >&2; exit 7')} 2>&1 | sort; ${exitCode}`,
    out: 'err\nout\n7',
  },
  { name: 'ended by a signal', run: `${sleeping}e stop -t 0 $C > /dev/null; ${exitCode}`, out: '137' },
  {
    name: 'stop asks with TERM first',
    run: `${pod()}${create(shell('trap "exit 9" TERM; echo up; while :; do sleep 0.1; done'))}${start}soon sh -c "e logs $C | grep up"; e stop -t 10 $C > /dev/null; ${exitCode}`,
    out: '9',
  },
  {
    name: 'a program that does not exist',
    run: `${pod()}${create(['/nope'])}e start $C`,
    status: 1,
    but: { crio: { status: 91 } }, // it asks for nothing but `create`
    err: /no such file or directory/,
  },
  {
    name: 'a program not in PATH',
    run: `${pod()}${create(['nope'])}e start $C`,
    status: 1,
    but: { crio: { status: 91 } }, // it asks for nothing but `create`
    err: /executable file not found in \$PATH/,
  },
  {
    name: 'a file that is no program',
    run: `${pod()}${create(['/etc/passwd'])}e start $C`,
    status: 1,
    but: { crio: { status: 91 } }, // it asks for nothing but `create`
    err: /permission denied/,
  },
  { name: 'exec', run: `${sleeping}e exec $C sh -c 'echo in; exit 8'`, status: 1, out: 'in', err: /code 8/ },
  {
    name: 'exec, sync',
    run: `${sleeping}e exec -s $C echo in; e exec -s $C sh -c 'exit 8'`,
    out: 'in',
    err: /exited with 8/,
    status: 1,
  },
  {
    name: 'exec: program not found',
    run: `${sleeping}e exec -s $C nope`,
    status: 1,
    err: /executable file not found in \$PATH/,
  },
  { name: 'exec: input', run: `${sleeping}echo words | e exec -i $C cat`, out: 'words' },
  {
    name: 'exec: a terminal that grows',
    run: `${sleeping}term 24 80 e exec -it $C sh -c 'echo up; until [ "$(stty size 2> /dev/null)" = "30 100" ]; do sleep 0.1; done; echo grown; sleep 1' > $T/$N.out &
soon grep up $T/$N.out; sleep 0.5; kill -USR1 $!; wait $!; tr -d '\\r' < $T/$N.out`,
    out: 'up\ngrown',
  },
  {
    name: 'exec: ten at once',
    run: `${sleeping}for i in 0 1 2 3 4 5 6 7 8 9; do e exec -s $C echo $i & done > $T/$N.out; wait; sort < $T/$N.out | tr -d "\\n"`,
    out: '0123456789',
  },
  {
    name: 'exec: a time limit',
    run: `${sleeping}e exec -s --timeout 1 $C sleep 77; soon sh -c "! e exec -s $C ps | grep 'sleep 7'7"`,
    err: /timeout|timed out/,
  },
  {
    name: 'attach',
    run: `${pod()}${create(shell('read line; echo got $line'), { stdin: true, stdin_once: true })}${start}(sleep 0.5; echo words; sleep 1) | e attach -i $C`,
    out: 'got words',
  },
  {
    name: 'attach to a terminal that grows',
    run: `${pod()}${create(shell('until [ "$(stty size 2> /dev/null)" = "30 100" ]; do sleep 0.1; done; echo grown; read line; echo got $line'), { stdin: true, tty: true })}${start}(sleep 3; echo words; sleep 1) | term 24 80 e attach -it $C > $T/$N.out & sleep 1.5; kill -USR1 $!; wait $!; tr -d '\\r' < $T/$N.out`,
    out: /^grown\nwords\ngot words$/,
  },
  {
    name: 'a log that is followed',
    run: `${pod()}${create(shell('for i in 1 2 3; do echo $i; sleep 0.3; done'))}${start}e logs -f $C`,
    out: '1\n2\n3',
  },
  {
    name: 'the pid namespace of another container',
    run: `${sleeping}A=$C
${create(shell('ps'), security({ namespace_options: { pid: 3, target_id: '$A' } }), 'b')}${start}${exited}${log}`,
    out: /sleep 1000\n/,
  },
  {
    name: 'a terminal',
    run: `${pod()}${create(shell('tty; ls -l /dev/console; sleep 1'), { tty: true })}${start}${exited}${log}`,
    out: /^\/dev\/pts\/0\nc/,
  },
  {
    name: 'stats',
    run: `${sleeping}sleep 1; e stats -o json $C`,
    out: /"workingSetBytes": {[^}]*"value": "[1-9]/,
  },
  {
    name: 'rm of a running container',
    run: `${sleeping}e rm $C; e rm -f $C > /dev/null && e ps -aq`,
    err: /running/,
    out: '',
  },
  {
    name: 'rmp of a running pod',
    run: `${sleeping}e rmp $P; e rmp -f $P > /dev/null && e pods -q && e ps -aq`,
    err: /running|not stopped/i,
    out: /^$|forcibly|stopped/i,
  },
  {
    name: 'two containers of a pod share its network, IPC and host name',
    run:
      pod({ hostname: 'web' }) +
      create(shell('nc -l -p 80 -e echo served; sleep 100'), {}, 'a') +
      start +
      create(shell('hostname; sleep 0.5; nc 127.0.0.1 80; ls /proc/1/comm'), {}, 'b') +
      start +
      exited +
      log,
    out: 'web\nserved\n/proc/1/comm',
  },
  {
    name: 'one pid namespace for the pod',
    // Its container that holds the pids asks for an OOM score of -998, which takes CAP_SYS_RESOURCE.
    except: ['crio'],
    run:
      pod(sandbox({ namespace_options: { pid: 0 } })) +
      create(['sleep', '1000'], security({ namespace_options: { pid: 0 } }), 'a') +
      start +
      create(shell('ps'), security({ namespace_options: { pid: 0 } }), 'b') +
      start +
      exited +
      log,
    out: /sleep 1000000\n(.*\n)*.*sleep 1000\n/,
  },
  {
    name: 'the network and the pids of the host',
    run: `${printed('readlink /proc/self/ns/net; ls /proc/1/comm; hostname', security({ namespace_options: { network: 2, pid: 2 } }), sandbox({ namespace_options: { network: 2, pid: 2 } }))}; readlink /proc/self/ns/net`,
    out: /^(net:\[\d+\])\n\/proc\/1\/comm\n.*\n\1$/,
  },
  {
    name: 'a published port',
    run: `${pod({ port_mappings: [{ container_port: 80, host_port: 8098 }] })}${create(shell('while :; do echo served | nc -l -p 80; done'))}${start}ip=$(ip -4 -o addr show cni0 | awk '{ sub("/.*", "", $4); print $4 }'); soon sh -c "busybox nc -w 2 $ip 8098 < /dev/null | grep served" && echo served`,
    out: 'served',
  },
  {
    name: 'DNS',
    run: printed(
      'cat /etc/resolv.conf',
      {},
      { dns_config: { servers: ['10.9.9.9'], searches: ['a.example'] } },
    ),
    out: 'search a.example\nnameserver 10.9.9.9',
  },
  {
    name: 'sysctl',
    run: printed(
      'cat /proc/sys/net/ipv4/ip_unprivileged_port_start',
      {},
      { linux: { cgroup_parent: '/$PARENT', sysctls: { 'net.ipv4.ip_unprivileged_port_start': '7' } } },
    ),
    out: '7',
  },
  {
    name: 'env, workdir, user',
    run: printed('echo $A $PWD $(id -u):$(id -g)', {
      envs: [{ key: 'A', value: 'b' }],
      working_dir: '/tmp',
      ...security({ run_as_user: { value: 12 }, run_as_group: { value: 34 } }),
    }),
    out: 'b /tmp 12:34',
  },
  {
    name: 'user by name, groups',
    run: printed('id', security({ run_as_username: 'user', supplemental_groups: [555] })),
    out: /uid=1000\(user\) gid=1000\(user\) groups=.*555/,
  },
  {
    name: 'capabilities',
    run: printed(
      'grep CapEff /proc/self/status',
      security({ capabilities: { add_capabilities: ['SYS_PTRACE'], drop_capabilities: ['CHOWN'] } }),
    ),
    out: /00000000a80c25fa$/,
    but: { crio: { out: /00000000000805fa$/ } },
  },
  {
    name: 'no capabilities',
    run: printed('grep CapEff /proc/self/status', security({ capabilities: { drop_capabilities: ['ALL'] } })),
    out: /0000000000000000$/,
  },
  {
    name: 'privileged',
    run: printed(
      'mount -t tmpfs tmpfs /tmp && ls /dev/fuse',
      security({ privileged: true }),
      sandbox({ privileged: true }),
    ),
    out: '/dev/fuse',
    but: { crio: { runcFails: CAPABILITIES } },
  },
  {
    name: 'no new privileges',
    run: printed(
      '/bin/setuid-payload euid; grep NoNewPrivs /proc/self/status',
      security({ no_new_privs: true, run_as_user: { value: 1000 } }),
    ),
    out: /^Effective uid: 1000\nNoNewPrivs:\t1$/,
  },
  {
    name: 'new privileges',
    run: printed('/bin/setuid-payload euid', security({ run_as_user: { value: 1000 } })),
    out: 'Effective uid: 0',
  },
  {
    name: 'a read-only root',
    run: printed('touch /new', security({ readonly_rootfs: true })),
    err: /Read-only/,
  },
  {
    name: 'seccomp: the runtime’s default',
    run: printed(
      'grep Seccomp: /proc/self/status; unshare -U true || echo no',
      security({ seccomp: { profile_type: 0 } }),
    ),
    out: /2\nno$/,
  },
  {
    name: 'seccomp: unconfined',
    run: printed('grep Seccomp: /proc/self/status', security({ seccomp: { profile_type: 1 } })),
    out: /0$/,
  },
  {
    name: 'seccomp of a file',
    run: `cat > $T/$N.json << EOF
{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["chmod","fchmodat","fchmodat2"],"action":"SCMP_ACT_ERRNO","errnoRet":38}]}
EOF
${printed('chmod 700 /tmp', security({ seccomp: { profile_type: 2, localhost_ref: '$T/$N.json' } }))}`,
    err: /not implemented/,
  },
  {
    name: 'masked and read-only paths',
    run: printed(
      'cat /proc/kcore | wc -c; echo x > /proc/sys/kernel/domainname',
      security({ masked_paths: ['/proc/kcore'], readonly_paths: ['/proc/sys'] }),
    ),
    out: '0',
    err: /Read-only/,
  },
  {
    name: 'a volume',
    run: `mkdir $T/$N.d; echo text > $T/$N.d/f; ${printed('cat /data/f; echo more > /data/new', mount({}))}; cat $T/$N.d/new`,
    out: 'text\nmore',
  },
  {
    name: 'a read-only volume',
    run: `mkdir $T/$N.d; ${printed('touch /data/new', mount({ readonly: true }))}`,
    err: /Read-only/,
  },
  {
    name: 'a volume that sees later mounts of the host',
    run: `mkdir -p $T/$N.d/sub; ${pod()}${create(['sleep', '1000'], mount({ propagation: 1 }))}${start}mount -t tmpfs tmpfs $T/$N.d/sub; echo text > $T/$N.d/sub/f; e exec -s $C cat /data/sub/f; umount $T/$N.d/sub`,
    out: 'text',
  },
  {
    name: 'a volume whose mounts the host sees',
    run: `mkdir -p $T/$N.d/sub; ${printed(
      'mount -t tmpfs tmpfs /data/sub && echo text > /data/sub/f',
      { ...mount({ propagation: 2 }), ...security({ privileged: true }) },
      sandbox({ privileged: true }),
    )}; cat $T/$N.d/sub/f; umount $T/$N.d/sub`,
    out: 'text',
    but: { crio: { runcFails: CAPABILITIES } },
  },
  {
    name: 'a device',
    run: printed('stat -c %t:%T /dev/mine; : < /dev/mine && echo readable; : > /dev/mine', {
      devices: [{ host_path: '/dev/fuse', container_path: '/dev/mine', permissions: 'r' }],
    }),
    out: 'a:e5\nreadable',
    err: /not permitted|denied/,
  },
  {
    name: 'memory, cpu, cpuset',
    run: printed(
      `${cgroup(files.memory)}; ${cgroup(files.quota)}; ${cgroup(files.shares)}; grep Cpus_allowed_list /proc/self/status`,
      resources({
        memory_limit_in_bytes: 67108864,
        cpu_period: 100000,
        cpu_quota: 50000,
        cpu_shares: 512,
        cpuset_cpus: '0',
      }),
    ),
    out: new RegExp(`^67108864\n${quota(50000)}\n${shares(512)}\nCpus_allowed_list:\t0$`),
  },
  {
    name: 'update',
    run: `${pod()}${create(['sleep', '1000'], resources({ memory_limit_in_bytes: 67108864, cpu_shares: 512 }))}${start}e update --memory 33554432 --cpu-quota 25000 --cpu-period 100000 $C > /dev/null; e exec -s $C ${cgroup(files.memory)}; e exec -s $C ${cgroup(files.quota)}`,
    out: new RegExp(`^33554432\\s+${quota(25000)}$`),
  },
  {
    name: 'update of the cpuset',
    run: `${sleeping}e update --cpuset-cpus 1 $C > /dev/null; e exec -s $C grep Cpus_allowed_list /proc/1/status`,
    out: /\t1$/,
  },
  {
    name: 'limits and updates are properties of the scope',
    run: `${pod()}${create(['sleep', '1000'], resources({ memory_limit_in_bytes: 67108864, cpu_period: 100000, cpu_quota: 50000, cpuset_cpus: '0' }))}${start}S=cri-containerd-$C.scope
show() { ctl show -p MemoryMax -p CPUQuotaPerSecUSec -p AllowedCPUs $S | sort | cut -d = -f 2 | tr '\\n' ' '; }
show; e update --memory 33554432 --cpuset-cpus 1 $C > /dev/null; ctl daemon-reload; show; e exec -s $C ${cgroup(files.memory)}; e stop -t 0 $C > /dev/null; e rm $C > /dev/null; ctl show --value -p LoadState $S`,
    out: /^0 500ms 67108864 1 500ms 33554432 33554432\s+not-found$/,
    only: ['cri'],
    managed: ['cri'],
  },
  {
    name: 'stats of a pod',
    run: `${sleeping}sleep 1; e statsp -o json $P`,
    out: /"processCount": {[^}]*"value": "[1-9]/,
    but: { crio: { out: /"containers": \[\s*{/ } },
  },
  {
    name: 'out of memory',
    run: `${pod()}${create(shell('tail /dev/zero'), resources({ memory_limit_in_bytes: 16777216 }))}${start}${exited}e inspect -o go-template --template '{{.status.exitCode}} {{.status.reason}}' $C`,
    out: '137 OOMKilled',
  },
  {
    name: 'a handler by name, as a RuntimeClass names it',
    run: `${pod({}, `--runtime ${handler}`)}${create(['true'])}${start}${exited}${exitCode}; e inspectp -o go-template --template '{{.status.runtimeHandler}}' $P`,
    out: '0\ntsrun',
    but: { crio: { out: '0' } }, // it tells no handler
  },
  {
    name: '8 pods at once',
    run: `for i in 1 2 3 4 5 6 7 8; do (N=$N-$i; ${printed('echo up')}) & done > $T/$N.out; wait; grep -c up $T/$N.out`,
    out: '8',
  },
  {
    name: 'containerd is killed and comes back under a pod',
    run: `${sleeping}kill -9 $(pidof containerd); sleep 0.5; setsid containerd-in-cgroup > $T/again.log 2>&1 < /dev/null & soon e version; soon e exec -s $C true; e exec -s $C echo in; e stop -t 0 $C > /dev/null; ${exitCode}; e rmp -f $P > /dev/null; e ps -aq`,
    only: ['cri'],
    out: /^in\s+137$/,
  },
  {
    name: 'the shim of a pod is killed',
    run: `${sleeping}kill -9 $(pidof containerd-shim-runc-v2); soon sh -c "e ps -aq --state Exited | grep ."; e rmp -f $P > /dev/null; e ps -aq; e pods -q`,
    only: ['cri'],
    out: '',
  },
  {
    name: 'checkpoint to a file, restored as a container of another pod',
    run: `${pod()}${create(shell('i=0; while :; do i=$((i+1)); echo $i > /tmp/c; mv /tmp/c /count; sleep 0.05; done'))}${start}soon e exec -s $C cat /count; a=$(e exec -s $C cat /count)
e checkpoint --export $T/$N.tar $C > /dev/null || exit 92; e stop -t 0 $C > /dev/null; e rmp -f $P > /dev/null
A=$a; N=$N-b
${pod()}${create([], { image: { image: '$T/' + '$(basename $N -b).tar' } })}${start}b=$(e exec -s $C cat /count); sleep 0.4; c=$(e exec -s $C cat /count); [ $A -le $b ] && [ $b -lt $c ] && echo on`,
    only: ['crio'],
    needs: 'criu',
    out: 'on',
  },
  {
    name: 'CRI-O is killed and comes back under a pod',
    run: `${sleeping}kill -9 $(pidof crio); sleep 0.5; setsid crio-in-cgroup > $T/again.log 2>&1 < /dev/null & soon e version; soon e exec -s $C true; e exec -s $C echo in; e stop -t 0 $C > /dev/null; ${exitCode}; e rmp -f $P > /dev/null; e ps -aq`,
    only: ['crio'],
    out: /^in\s+137$/,
  },
  {
    name: 'the conmon of a container is killed',
    run: `${sleeping}kill -9 $(pidof conmon); e rmp -f $P > /dev/null; e ps -aq; e pods -q; ps -e -o args | grep '^sleep 1000$'`,
    only: ['crio'],
    status: 1,
    out: '',
  },
]

/** There is never more than one pod. A program that does not hear TERM is not waited for. */
export const criWords: Words = {
  start: `(N=$C; ${pod({}, '$([ -z "$WITH" ] || echo --runtime $WITH)')}${create(['sleep', '100'])}${start})`,
  exec: 'e exec -s $(e ps -q)',
  remove: 'e ps -q | xargs -r e stop -t 0; e rmp -fa',
  list: 'e ps -aq; e pods -q',
  deleteMoments: 'now 0.005',
}
