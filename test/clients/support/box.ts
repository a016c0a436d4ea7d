/**
 * A box: a scratch directory, and mount, pid and network namespaces in which an engine and all that it starts live.
 * Its keeper stands outside and holds the reading end of a fifo. When the writer, this process, closes the fifo or
 * dies in whatever way, the keeper kills the first process of the pid namespace; conmon, shims, daemons and containers
 * go with it, and with the last of them the mounts, the bridges and the firewall rules. What a dead namespace cannot
 * take along, the cgroups and the scratch directory, the keeper removes by name.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Result } from '../../support/container.js'
import { requiresCriu } from '../../support/criu.js'
import { payloadPath, repository } from '../../support/payload.js'
import {
  enterCgroup,
  inScope,
  managed,
  parentOf,
  firstProcess as systemdFirst,
  writeUnits,
} from './systemd.js'

export interface Box {
  /** holds everything: stores, sockets, images, the copy of the runtime */
  readonly dir: string
  /** the runtime that engines are to call */
  readonly runtime: string
  /** part of the name of every cgroup that is made for this box */
  readonly tag: string
  /** what engines are given as the parent of their cgroups */
  readonly parent: string
  /** Runs a shell script inside to its end, or for so many seconds. */
  readonly sh: (script: string, seconds?: number) => Result
  /** Starts a daemon inside and waits until the shell script `ready` succeeds. Its output goes to `NAME.log`. */
  readonly daemon: (name: string, command: string, ready: string) => void
  /** Ends everything inside, unmounts, removes. */
  readonly close: () => void
}

/**
 * The first process of the box. A shared mount tree is what systemd makes of a host's, and /run is where runtimes
 * keep their state. Orphans are reaped by the kernel while SIGCHLD is ignored, which lasts through exec.
 */
const firstProcess = `
mount --make-rshared / && mount -t tmpfs -o mode=755 tmpfs /run || exit 1
ip link set lo up
echo ready > "$1/ready"
exec env --ignore-signal=CHLD sleep infinity
`

/**
 * `unshare` is gone only when the kernel has ended the whole pid namespace. A group of its own keeps the keeper alive
 * when the runner kills that of a test that takes too long.
 */
const keeper = `
unshare -m -p -n -u -f --mount-proc --kill-child sh -c "$2" sh "$1" "$4" < /dev/null &
while [ ! -e "$1/ready" ] && kill -0 $! 2> /dev/null; do sleep 0.02; done
read -r first < "/proc/$!/task/$!/children"; echo "\${first%% *}" > "$1/.first" && mv "$1/.first" "$1/first"
cat "$1/leash"
kill -KILL $(cat "$1/first") || kill -KILL $!; wait
for try in 1 2 3 4 5 6 7 8 9 10; do
  find "\${4:-/sys/fs/cgroup}" -depth -type d -path "*$3*" -exec rmdir {} + && break
  sleep 0.2
done
rm -rf "$1"
`

const wait = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/** Name of the runtime under test: `tsrun` unless TSRUN_RUNTIME names another. */
export const runtimeName = (): string => {
  const asked = process.env.TSRUN_RUNTIME ?? ''
  return asked === '' || asked === 'static' || asked === 'npm' ? 'tsrun' : asked
}

/** Puts the runtime under test into a directory; the static form as a copy, which a build cannot disturb. */
const installRuntime = (bin: string): string => {
  const path = join(bin, runtimeName())
  if (runtimeName() !== 'tsrun')
    symlinkSync(
      spawnSync('sh', ['-c', `command -v ${runtimeName()}`], { encoding: 'utf8' }).stdout.trim(),
      path,
    )
  else if (process.env.TSRUN_RUNTIME === 'npm') symlinkSync(join(repository, 'bin', 'tsrun'), path)
  else copyFileSync(join(repository, 'build', 'tsrun'), path)
  return path
}

let counter = 0

/** Opens a box; throws when namespaces cannot be made. */
export const openBox = (engine: string): Box => {
  requiresCriu() // whoever finds one has it in PATH
  const tag = `tsrun-client-${process.pid}-${counter++}`
  const dir = mkdtempSync(`/var/tmp/${tag}-${engine}-`) // a disk: overlayfs does not stand on overlayfs or tmpfs
  mkdirSync(join(dir, 'bin'))
  const runtime = installRuntime(join(dir, 'bin'))
  copyFileSync(payloadPath(), join(dir, 'bin', 'payload'))
  writeFileSync(join(dir, 'bin', 'ctl'), '#!/bin/sh\nexec systemctl "$@"\n', { mode: 0o755 })
  writeFileSync(join(dir, 'bin', 'term'), '#!/bin/sh\nexec payload pty "$@"\n', { mode: 0o755 })

  execFileSync('mkfifo', [join(dir, 'leash')])
  const leash = openSync(join(dir, 'leash'), constants.O_RDWR)
  const keep = ['sh', '-c', keeper, 'sh', dir, managed ? systemdFirst : firstProcess, tag]
  const [command = '', ...words] = managed ? ['sh', '-c', inScope, 'sh', tag, dir, ...keep] : keep
  if (managed) writeUnits(dir)
  spawn(command, words, { stdio: 'ignore', detached: true }).unref()
  for (let i = 0; i < 6000 && existsSync(dir) && !existsSync(join(dir, 'first')); i++) wait(10)
  const first = existsSync(join(dir, 'first')) ? readFileSync(join(dir, 'first'), 'utf8').trim() : ''
  if (first === '') throw new Error(`${engine}: no namespaces for the engine to live in`)
  const moved = managed ? ['sh', '-c', enterCgroup, 'sh'] : []
  const [program = '', ...enter] = [
    ...moved,
    'nsenter',
    '-m',
    '-p',
    '-n',
    '-u',
    ...(managed ? ['-C'] : []),
    '-t',
    first,
    '--',
  ]
  const env = {
    PATH: `${join(dir, 'bin')}:${process.env.PATH ?? ''}`,
    HOME: dir,
    TERM: 'xterm',
    T: dir,
    RT: runtime,
    TAG: tag,
    PARENT: parentOf(tag),
  }

  const sh = (script: string, seconds = managed ? 600 : 60): Result => {
    const done = spawnSync(program, [...enter, 'timeout', '-k', '2', String(seconds), 'sh', '-c', script], {
      cwd: dir,
      env,
      encoding: 'utf8',
      input: '',
      maxBuffer: 1 << 28,
      timeout: (seconds + 5) * 1000,
      killSignal: 'SIGKILL',
    })
    return { status: done.status ?? -1, stdout: done.stdout, stderr: done.stderr }
  }

  const daemon = (name: string, command: string, ready: string): void => {
    sh(`{ exec setsid ${command}; } > ${dir}/${name}.log 2>&1 < /dev/null &`)
    for (let i = 0; i < 100; i++) {
      if (sh(ready).status === 0) return
      wait(200)
    }
    throw new Error(`${name} does not answer:\n${readFileSync(join(dir, `${name}.log`), 'utf8')}`)
  }

  const close = (): void => {
    closeSync(leash)
    for (let i = 0; i < 3000 && existsSync(dir); i++) wait(10)
  }

  return { dir, runtime, tag, parent: parentOf(tag), sh, daemon, close }
}
