/** The way to a systemd, the machine's or the user's. The answer to every request is awaited for 30 s at most, as in runc. */
import { HostError, SyscallError } from '../../base/errors.js'
import type { Bus } from '../../plan/op.js'
import { native } from '../../sys/native.js'
import { socketsOf } from '../dbus/address.js'
import {
  type Answer,
  addMatch,
  type Connection,
  connect,
  deadlineIn,
  type Endpoint,
  isLate,
} from '../dbus/connection.js'
import type { Value, Variant } from '../dbus/marshal.js'

const LIMIT = 30_000

export const SYSTEMD = 'org.freedesktop.systemd1'
export const MANAGER = 'org.freedesktop.systemd1.Manager'
export const ROOT = '/org/freedesktop/systemd1'

function variable(name: string): string {
  for (const entry of native().environ) if (entry.startsWith(`${name}=`)) return entry.slice(name.length + 1)
  return ''
}

/**
 * Where systemd can be reached, best first. Its own socket, which systemctl uses, saves the way through the bus and works without one; it
 * is for root, or the user themselves. Whoever names a bus gets that one.
 */
function endpoints(bus: Bus): Endpoint[] {
  const own = bus === 'user' ? variable('XDG_RUNTIME_DIR') || `/run/user/${native().getuid()}` : '/run'
  const named = socketsOf(variable(bus === 'user' ? 'DBUS_SESSION_BUS_ADDRESS' : 'DBUS_SYSTEM_BUS_ADDRESS'))
  const usual = bus === 'user' ? `${own}/bus` : '/run/dbus/system_bus_socket'
  if (named.length > 0) return named.map(path => ({ path, bus: true }))
  return [
    { path: `${own}/systemd/private`, bus: false },
    { path: usual, bus: true },
  ]
}

const jobRemoved = addMatch(
  `type='signal',sender='${SYSTEMD}',path='${ROOT}',interface='${MANAGER}',member='JobRemoved'`,
)

/** One connection for all that a command asks: it closes with the process. */
let kept: { readonly bus: Bus; readonly connection: Connection } | undefined

function connectionTo(bus: Bus, deadline: number): Connection {
  if (kept?.bus === bus) return kept.connection
  let last: unknown
  for (const endpoint of endpoints(bus)) {
    try {
      const connection = connect(endpoint, [jobRemoved], deadline)
      kept = { bus, connection }
      return connection
    } catch (error) {
      if (isLate(error)) throw late(endpoint.path)
      last = error
    }
  }
  const what = bus === 'user' ? "the user's systemd" : 'systemd'
  throw new HostError(`cannot reach ${what}: ${(last as Error).message} (${mend(bus)})`)
}

function mend(bus: Bus): string {
  if (bus === 'system') return 'is systemd pid 1 here, and dbus running? else use --cgroup-manager cgroupfs'
  const uid = native().getuid()
  return `log in through PAM, or: loginctl enable-linger ${uid}; export XDG_RUNTIME_DIR=/run/user/${uid}; apt-get install dbus-user-session; else use --cgroup-manager cgroupfs`
}

const late = (where: string): HostError =>
  new HostError(
    `systemd did not answer within ${LIMIT / 1000} s on ${where}: the bus or systemd hangs (systemctl status, journalctl -b), or use --cgroup-manager cgroupfs`,
  )

/**
 * Works with a connection; throws HostError where there is none. When one that was kept has been closed (systemd was executed again), tries once more
 * with a new one.
 */
export function withSystemd<T>(bus: Bus, work: (connection: Connection, deadline: number) => T): T {
  const deadline = deadlineIn(LIMIT)
  const old = kept?.bus === bus
  const connection = connectionTo(bus, deadline)
  try {
    return work(connection, deadline)
  } catch (error) {
    if (error instanceof Refused) throw error
    // Whatever is left on it, nobody awaits any more.
    native().close(connection.fd)
    kept = undefined
    if (isLate(error)) throw late(connection.endpoint.path)
    if (old && error instanceof SyscallError) return withSystemd(bus, work)
    throw error
  }
}

/** systemd's own socket, where what was asked last went there; undefined where a bus is between. */
export function ownSocket(bus: Bus): string | undefined {
  const endpoint = kept?.bus === bus ? kept.connection.endpoint : undefined
  return endpoint === undefined || endpoint.bus ? undefined : endpoint.path
}

/** systemd, or the bus, says no. */
export class Refused extends HostError {
  readonly error: string
  constructor(error: string, message: string) {
    super(message)
    this.error = error
  }
}

/** One answer's values, which are of this signature. Throws Refused, and HostError for values of another. */
export function valuesOf(signature: string, answer: Answer | undefined): readonly Value[] {
  if (answer === undefined) throw new HostError('the bus gave no answer')
  if ('error' in answer)
    throw new Refused(answer.error, answer.message === '' ? answer.error : answer.message)
  if (answer.signature === signature) return answer.values
  throw new HostError(`systemd answered with "${answer.signature}" instead of "${signature}"`)
}

/** The text in a variant. */
export function textIn(value: Value | undefined): string {
  const { signature, value: text } = value as Variant
  if (signature !== 's') throw new HostError(`systemd answered with a variant of "${signature}"`)
  return text as string
}

/** Whether systemd refused with an error of its own of this name. */
export const isRefusal = (error: unknown, name: string): boolean =>
  error instanceof Refused && error.error === `${SYSTEMD}.${name}`
