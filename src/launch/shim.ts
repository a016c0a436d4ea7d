/** Starting the shim from a sealed memfd, so that no container can reach a file of the host through it (CVE-2019-5736). */
import { check } from '../sys/call.js'
import { native } from '../sys/native.js'
import { execute, spawn } from '../sys/process.js'
import { withCallerLimits } from './limits.js'

const MFD_CLOEXEC = 1
const MFD_ALLOW_SEALING = 2
/** Linux 6.3; asked for because `vm.memfd_noexec` may make the default non-executable. */
const MFD_EXEC = 0x10
const F_ADD_SEALS = 1033
/** F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE */
const ALL_SEALS = 0xf
const EINVAL = -22

/** A memfd with these bytes that nobody can change any more. Close-on-exec. */
export function sealedMemfd(name: string, bytes: Uint8Array, executable: boolean): number {
  const calls = native()
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING
  let fd = calls.memfd_create(name, executable ? flags | MFD_EXEC : flags)
  if (fd === EINVAL && executable) fd = calls.memfd_create(name, flags)
  check(fd, 'memfd_create', () => JSON.stringify(name))
  let done = 0
  while (done < bytes.length) {
    done += check(calls.write(fd, bytes.subarray(done), bytes.length - done), 'write', () => `memfd ${name}`)
  }
  check(calls.fcntl(fd, F_ADD_SEALS, ALL_SEALS), 'fcntl', 'F_ADD_SEALS')
  return fd
}

/** The arguments of the shim's command line: `shim/README.md`. */
function shimArguments(verb: string, plan: number, report: number, preserved: number): string[] {
  return ['tsrun-shim', verb, `${plan}`, `${report}`, `${preserved}`]
}

/** The shim's program as a sealed memfd, made once: a foreground run needs it twice. Close-on-exec. */
let program: number | undefined

function shimProgram(): string {
  program ??= sealedMemfd('tsrun-shim', native().shim(), true)
  return `/proc/self/fd/${program}`
}

/**
 * Starts the shim on a plan, in `cwd`: hooks that init runs find themselves in the bundle, too. It gets stdio and `preserved` more of our
 * descriptors under their own numbers; `output` stands for stdout and stderr. Returns the pid of the helper, our child.
 */
export function startShim(
  plan: Uint8Array,
  report: number,
  preserved: number,
  cwd: string,
  output: number | undefined,
): number {
  const fds: [number, number][] = []
  for (let fd = 0; fd < 3 + preserved; fd++) fds.push([fd, fd])
  if (output !== undefined) for (const fd of [1, 2]) fds[fd] = [output, fd]
  return startWith(fds, sealedMemfd('tsrun-plan', plan, false), report, cwd)
}

const F_DUPFD_CLOEXEC = 1030

/** The same with these descriptors of ours as 3, 4 and so on, instead of those that have these numbers here. */
export function startShimWith(
  descriptors: readonly number[],
  plan: Uint8Array,
  report: number,
  cwd: string,
): number {
  const calls = native()
  // Whatever the new process needs besides must not have one of these numbers, or it would be overwritten.
  const least = 3 + descriptors.length
  const copy = (fd: number): number =>
    check(calls.fcntl(fd, F_DUPFD_CLOEXEC, least), 'fcntl', 'F_DUPFD_CLOEXEC')
  const moved = (fd: number): number => {
    if (fd >= least) return fd
    const above = copy(fd)
    calls.close(fd)
    return above
  }
  shimProgram()
  program = moved(program as number)
  const planFd = moved(sealedMemfd('tsrun-plan', plan, false))
  const copies = [report, ...descriptors].map(copy)
  try {
    const fds: [number, number][] = [0, 1, 2].map(fd => [fd, fd])
    for (let i = 1; i < copies.length; i++) fds.push([copies[i] as number, 2 + i])
    return startWith(fds, planFd, copies[0] as number, cwd)
  } finally {
    for (const fd of copies) calls.close(fd)
  }
}

/** Closes the plan. */
function startWith(fds: [number, number][], planFd: number, report: number, cwd: string): number {
  const preserved = fds.length - 3
  fds.push([planFd, planFd], [report, report])
  const argv = shimArguments('launch', planFd, report, preserved)
  const pid = withCallerLimits(() =>
    spawn(shimProgram(), { argv, env: [], fds, cwd, signalsAsTheyAre: true }),
  )
  native().close(planFd)
  return pid
}

const F_SETFD = 2

/** Replaces this process by the shim's monitor. `keep` are descriptors that the plan names. */
export function becomeMonitor(plan: Uint8Array, keep: readonly number[]): never {
  const calls = native()
  const planFd = sealedMemfd('tsrun-plan', plan, false)
  // Node marks what it inherits close-on-exec; the monitor needs stdio as it was.
  for (const fd of [0, 1, 2, planFd, ...keep]) calls.fcntl(fd, F_SETFD, 0)
  const argv = shimArguments('monitor', planFd, planFd, 0)
  return withCallerLimits(() => execute(shimProgram(), argv, []))
}
