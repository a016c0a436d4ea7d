import { HostError, InternalError, type TsrunError } from '../base/errors.js'
import { encodePlan } from '../plan/encode.js'
import { answer, type FailedFrame, parseFrame } from '../plan/frames.js'
import type { RuntimeOp, VerifiedPlan } from '../plan/op.js'
import { native } from '../sys/native.js'
import { type Exit, openPidfd, signalPidfd, wait, waitReadable, waitUnreaped } from '../sys/process.js'
import { packetPair, receive, send } from '../sys/socket.js'
import { type Actions, runActions } from './actions.js'
import { failureOf } from './failure.js'
import { noteOutput } from './hook.js'
import { startShim, startShimWith } from './shim.js'

const SIGKILL = 9

/** A container process that waits for `start`. Our child, not yet reaped: its pid cannot be another's. */
export interface Launched {
  readonly pid: number
  readonly pidfd: number
  /** The pty master, when the plan opened one and no socket took it. */
  readonly console: number | undefined
}

/** A process that waits at the last barrier of its plan: who answers it lets the program run. */
export interface Held extends Launched {
  /** The report socket: closed by the exec of the program, or a `failed` frame comes. */
  readonly report: number
  /** The barrier. */
  readonly n: number
}

/** What happens while a plan is played: what the actions of the runtime may look at. */
export interface Session {
  /** The helper until init was cloned, then init. */
  pid: number
  pidfd: number | undefined
  console: number | undefined
  /** The seccomp listener, until it is sent. */
  listener?: number | undefined
}

/** The tag of a descriptor that is the listener of a seccomp filter. */
const LISTENER = 2

/** Ops that need no process but the helper's, so they run while the shim starts. */
const EARLY: readonly RuntimeOp['op'][] = ['resctrl_create', 'unit_start', 'cgroup_create', 'cgroup_write']

/**
 * Plays a plan: starts the shim, answers its barriers with the runtime's own ops, and returns when it has answered the last one.
 * From then on init lives without the runtime, so nothing but the exit is to follow: an engine that sees its runtime killed takes
 * the container for failed, and conmon then reads its standard error, which init has, to the end.
 * Throws what failed, with the config field that caused it; no process is left then.
 */
export function launch(plan: VerifiedPlan, preservedFds: number, actions: Actions): Launched {
  return play(plan, preservedFds, actions, 'answered')
}

/** The same for a plan that nobody has to start: returns when the program was executed. */
export function launchToExec(plan: VerifiedPlan, preservedFds: number, actions: Actions): Launched {
  return play(plan, preservedFds, actions, 'executed')
}

/** The same, but stops before the last barrier is answered. */
export function launchAndHold(plan: VerifiedPlan, preservedFds: number, actions: Actions): Held {
  return play(plan, preservedFds, actions, 'held')
}

function play(
  plan: VerifiedPlan,
  preservedFds: number,
  actions: Actions,
  until: 'answered' | 'executed' | 'held',
): Held {
  const calls = native()
  const { bytes, barriers } = encodePlan(plan, calls.utf8Write)
  const [ours, theirs] = packetPair()
  const { bundle, descriptors } = actions
  const helper =
    descriptors === undefined
      ? startShim(bytes, theirs, preservedFds, bundle, actions.output)
      : startShimWith(descriptors, bytes, theirs, bundle)
  calls.close(theirs)
  const session: Session = { pid: helper, pidfd: undefined, console: undefined }
  let reaped = false
  // A plan without barriers is under way to its program from the start.
  let executing = until === 'executed' && barriers.length === 0
  const done = (n: number): Held => {
    const { pid, pidfd, console } = session
    if (pidfd === undefined) throw new InternalError('the plan came to its end before init started')
    return { pid, pidfd, console, report: ours, n }
  }
  try {
    const first = barriers[0] ?? []
    let early = 0
    while (early < first.length && EARLY.includes((first[early] as RuntimeOp).op)) early++
    try {
      runActions(first.slice(0, early), session, actions)
    } catch (error) {
      // A helper that has ended is no process for systemd: why it did is the error.
      throw lastWords(ours, plan) ?? error
    }
    for (;;) {
      const message = receive(ours)
      if (message.bytes.length === 0) {
        if (!executing) throw diedSilently(session, helper)
        calls.close(ours)
        return done(-1)
      }
      const frame = parseFrame(message.bytes)
      switch (frame.kind) {
        case 'started':
          session.pid = frame.pid
          session.pidfd = openPidfd(frame.pid)
          wait({ pid: helper })
          reaped = true
          actions.meanwhile?.(frame.pid)
          break
        case 'barrier':
          runActions((barriers[frame.n] ?? []).slice(frame.n === 0 ? early : 0), session, actions)
          if (frame.n < barriers.length - 1) {
            send(ours, answer(frame.n))
            break
          }
          if (until === 'held') return done(frame.n)
          send(ours, answer(frame.n))
          if (until === 'answered') {
            calls.close(ours)
            return done(frame.n)
          }
          executing = true
          break
        case 'fd':
          if (frame.tag === LISTENER) session.listener = message.fd
          else session.console = message.fd
          break
        case 'failed':
          throw failure(plan, frame)
        case 'said': {
          const op = plan.ops[frame.index]
          if (op?.op === 'run_hook') noteOutput(op, frame.detail, actions.log)
          break
        }
      }
    }
  } catch (error) {
    calls.close(ours)
    end(session, reaped ? undefined : helper)
    throw error
  }
}

/** What the helper has failed at already. */
function lastWords(report: number, plan: VerifiedPlan): TsrunError | undefined {
  if (!waitReadable(report, 0)) return undefined
  const { bytes } = receive(report)
  const frame = bytes.length === 0 ? undefined : parseFrame(bytes)
  return frame?.kind === 'failed' ? failure(plan, frame) : undefined
}

/** Kills and reaps what was started. Both are our children, so their pids are theirs until then. */
function end(session: Session, helper: number | undefined): void {
  const { pid, pidfd, console, listener } = session
  if (pidfd !== undefined) {
    signalPidfd(pidfd, SIGKILL)
    wait({ pid })
    native().close(pidfd)
  }
  if (helper !== undefined) {
    native().kill(helper, SIGKILL)
    wait({ pid: helper })
  }
  if (console !== undefined) native().close(console)
  if (listener !== undefined) native().close(listener)
}

function failure(plan: VerifiedPlan, frame: FailedFrame): TsrunError {
  const op = plan.ops[frame.index]
  if (op !== undefined) return failureOf(op, frame, plan.ops)
  return new InternalError(`the shim refused the plan (step ${frame.step}, errno ${frame.errno})`)
}

/** The shim's end of the socket is closed and it told nothing: killed, most likely for memory. */
function diedSilently({ pid }: Session, helper: number): TsrunError {
  const exit: Exit | undefined = waitUnreaped({ pid })
  const who = pid === helper ? 'helper' : 'init'
  if (exit !== undefined && 'signal' in exit) {
    const hint =
      exit.signal === SIGKILL
        ? ': most likely its memory limit is too small to start (/linux/resources/memory/limit)'
        : ''
    return new HostError(
      `the container's ${who} was killed by signal ${exit.signal} before it was ready${hint}`,
    )
  }
  // The helper did its work: what it cloned was killed before its first word (delete --force of the container that exec enters).
  if (who === 'helper' && exit !== undefined && 'code' in exit && exit.code === 0)
    return new HostError("the container's process was killed before it was ready")
  return new InternalError(`the container's ${who} ended before it was ready`)
}
