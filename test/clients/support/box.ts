/**
 * A box: a scratch directory, and mount, pid and network namespaces in which an engine and all that it starts live.
 * Closing it kills the first process of the pid namespace; conmon, shims, daemons and containers go with it, and with
 * the last of them the mounts, the bridges and the firewall rules. What a dead namespace cannot take along, the
 * cgroups, is removed by the name of the parent that the engine was given.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Result } from '../../support/container.js'
import { removeCgroups } from '../../support/leaks.js'
import { payloadPath, repository } from '../../support/payload.js'

export interface Box {
  /** holds everything: stores, sockets, images, the copy of the runtime */
  readonly dir: string
  /** the runtime that engines are to call */
  readonly runtime: string
  /** part of the name of every cgroup that is made for this box */
  readonly tag: string
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

const wait = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

const childOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0])

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
  const tag = `tsrun-client-${process.pid}-${counter++}`
  const dir = mkdtempSync(`/var/tmp/${tag}-${engine}-`) // a disk: overlayfs does not stand on overlayfs or tmpfs
  mkdirSync(join(dir, 'bin'))
  const runtime = installRuntime(join(dir, 'bin'))
  copyFileSync(payloadPath(), join(dir, 'bin', 'payload'))
  writeFileSync(join(dir, 'bin', 'term'), '#!/bin/sh\nexec payload pty "$@"\n', { mode: 0o755 })

  const holder: ChildProcess = spawn(
    'unshare',
    ['-m', '-p', '-n', '-f', '--mount-proc', '--kill-child', 'sh', '-c', firstProcess, 'sh', dir],
    { stdio: 'ignore' },
  )
  holder.unref()
  for (let i = 0; i < 500 && !existsSync(join(dir, 'ready')); i++) wait(10)
  if (holder.pid === undefined || !existsSync(join(dir, 'ready')))
    throw new Error(`${engine}: no namespaces for the engine to live in`)
  const first = childOf(holder.pid)
  const enter = ['-m', '-p', '-n', '-t', String(first), '--']
  const env = {
    PATH: `${join(dir, 'bin')}:${process.env.PATH ?? ''}`,
    HOME: dir,
    TERM: 'xterm',
    T: dir,
    RT: runtime,
    TAG: tag,
  }

  const sh = (script: string, seconds = 60): Result => {
    const done = spawnSync('nsenter', [...enter, 'timeout', String(seconds), 'sh', '-c', script], {
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
    process.kill(first, 'SIGKILL')
    // The kernel ends a pid namespace before the parent of its first process can wait for that.
    for (let i = 0; i < 1000 && existsSync(`/proc/${first}`); i++) wait(10)
    removeCgroups(tag)
    rmSync(dir, { recursive: true, force: true })
  }

  return { dir, runtime, tag, sh, daemon, close }
}
