/** buildah, which calls the runtime itself, without conmon. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBox } from './box.js'
import type { Check, Engine } from './check.js'
import { buildahFrom, faultyRuntime } from './faults.js'
import { imageTree } from './image.js'
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
