/**
 * systemd's manager, for the cgroup driver: org.freedesktop.systemd1(5). Loaded by the first container that needs it. The answer to every
 * request is awaited for 30 s at most, as in runc.
 */
import { HostError, SyscallError } from '../base/errors.js'
import type { Int64 } from '../base/int64.js'
import type { Bus, OpOf, UnitProperty } from '../plan/op.js'
import { exists, tryRead } from '../sys/files.js'
import { native } from '../sys/native.js'
import { socketsOf } from './dbus/address.js'
import {
  type Answer,
  addMatch,
  ask,
  awaitSignal,
  type Call,
  type Connection,
  connect,
  deadlineIn,
  type Endpoint,
  isLate,
  spoken,
} from './dbus/connection.js'
import type { Value, Variant } from './dbus/marshal.js'

const LIMIT = 30_000

const SYSTEMD = 'org.freedesktop.systemd1'
const MANAGER = 'org.freedesktop.systemd1.Manager'
const PROPERTIES = 'org.freedesktop.DBus.Properties'
const ROOT = '/org/freedesktop/systemd1'

const manager = (member: string, signature: string, ...values: Value[]): Call => ({
  destination: SYSTEMD,
  path: ROOT,
  interface: MANAGER,
  member,
  signature,
  values,
})

/** Is answered after systemd has put into force what it was told before: between two messages it works off what they asked. */
const ping: Call = {
  destination: SYSTEMD,
  path: ROOT,
  interface: 'org.freedesktop.DBus.Peer',
  member: 'Ping',
}

// ---- connecting -----------------------------------------------------------------------------------------------------

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

/** Works with a connection. When one that was kept has been closed (systemd was executed again), tries once more with a new one. */
function withSystemd<T>(bus: Bus, work: (connection: Connection, deadline: number) => T): T {
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

/** systemd, or the bus, says no. */
class Refused extends HostError {
  readonly error: string
  constructor(error: string, message: string) {
    super(message)
    this.error = error
  }
}

/** One answer's values, which are of this signature. Throws Refused, and HostError for values of another. */
function valuesOf(signature: string, answer: Answer | undefined): readonly Value[] {
  if (answer === undefined) throw new HostError('the bus gave no answer')
  if ('error' in answer)
    throw new Refused(answer.error, answer.message === '' ? answer.error : answer.message)
  if (answer.signature === signature) return answer.values
  throw new HostError(`systemd answered with "${answer.signature}" instead of "${signature}"`)
}

/** The text in a variant. */
function textIn(value: Value | undefined): string {
  const { signature, value: text } = value as Variant
  if (signature !== 's') throw new HostError(`systemd answered with a variant of "${signature}"`)
  return text as string
}

const isRefusal = (error: unknown, name: string): boolean =>
  error instanceof Refused && error.error === `${SYSTEMD}.${name}`

// ---- units ----------------------------------------------------------------------------------------------------------

/**
 * Starts a transient scope with a process in it, and returns when the job is done. A unit of that name in which nothing runs is taken
 * away first. Throws HostError.
 */
export function startUnit({ at, unit, bus, dir, properties }: OpOf<'unit_start'>, pid: number): void {
  try {
    withSystemd(bus, (connection, deadline) => {
      const asked: Value[] = properties.map(wire)
      asked.push(['PIDs', { signature: 'au', value: [pid] }])
      const call = manager('StartTransientUnit', 'ssa(sv)a(sa(sv))', unit, 'replace', asked, [])
      try {
        awaitJob(connection, unit, call, deadline)
      } catch (error) {
        if (!isRefusal(error, 'UnitExists')) throw error
        removeLeftover(connection, unit, deadline)
        awaitJob(connection, unit, call, deadline)
      }
    })
  } catch (error) {
    throw explained(error, `start unit ${unit}`, properties).wrap(at)
  }
  if (exists(dir)) return
  let where = ''
  try {
    where = `, but ${controlGroup(bus, unit)}`
  } catch {
    // The error is that it is not there.
  }
  stopUnit(bus, unit)
  throw new HostError(`${at}: the cgroup of unit ${unit} is not ${dir}${where}`)
}

/** Makes a request whose answer is a job, and waits for that. */
function awaitJob(connection: Connection, unit: string, call: Call, deadline: number): void {
  const [job] = valuesOf('o', ask(connection, [call], deadline)[0])
  const isOurs = (values: readonly Value[]): boolean => values[1] === job
  const [, , , result] = awaitSignal(connection, 'JobRemoved', 'uoss', isOurs, deadline)
  if (result === 'done') return
  ask(connection, [manager('ResetFailedUnit', 's', unit)], deadline)
  throw new HostError(`its job ended as "${result}" (journalctl -u ${unit} may tell why)`)
}

/** Takes away a unit that has no processes any more: one that failed, or is just about to go. Throws HostError for another. */
function removeLeftover(connection: Connection, unit: string, deadline: number): void {
  const [answer] = ask(connection, [manager('GetUnitProcesses', 's', unit)], deadline)
  const gone = answer !== undefined && 'error' in answer && answer.error.endsWith('NoSuchUnit')
  const processes = gone ? [] : (valuesOf('a(sus)', answer)[0] as readonly Value[])
  if (processes.length > 0) {
    throw new HostError(
      `a unit of that name exists already, with ${processes.length} process(es): end them (systemctl stop ${unit}), or give another cgroupsPath`,
    )
  }
  stop(connection, unit, deadline)
}

/** Sets properties at run time, and returns when they are in force. Throws HostError that names the field of the one that was refused. */
export function setUnit({ at, unit, bus, properties }: OpOf<'unit_set'>): void {
  try {
    withSystemd(bus, (connection, deadline) => {
      const call = manager('SetUnitProperties', 'sba(sv)', unit, true, properties.map(wire))
      valuesOf('', ask(connection, [call, ping], deadline)[0])
    })
  } catch (error) {
    throw explained(error, `set properties of unit ${unit}`, properties).wrap(at)
  }
}

/** What some properties are now: for taking a change back. Those that systemd does not know are left out. */
export function readUnit(
  bus: Bus,
  unit: string,
  properties: readonly UnitProperty[],
): readonly UnitProperty[] {
  return withSystemd(bus, (connection, deadline) => {
    const [path] = valuesOf('o', ask(connection, [manager('GetUnit', 's', unit)], deadline)[0])
    const calls = properties.map(({ name }) => property(path as string, `${SYSTEMD}.Scope`, name))
    const answers = ask(connection, calls, deadline)
    const old: UnitProperty[] = []
    for (let i = 0; i < answers.length; i++) {
      const answer = answers[i] as Answer
      const asked = properties[i] as UnitProperty
      if ('error' in answer) continue
      const { signature, value } = valuesOf('v', answer)[0] as Variant
      if (signature === asked.type && signature !== 'a(ss)') old.push({ ...asked, value } as UnitProperty)
    }
    return old
  })
}

/** Moves a process into a unit's cgroup, or one below it. Throws HostError. */
export function attachToUnit({ at, unit, bus, subcgroup }: OpOf<'unit_attach'>, pid: number): void {
  try {
    withSystemd(bus, (connection, deadline) => {
      const call = manager('AttachProcessesToUnit', 'ssau', unit, subcgroup, [pid])
      valuesOf('', ask(connection, [call], deadline)[0])
    })
  } catch (error) {
    throw explained(error, `join unit ${unit}`, []).wrap(at)
  }
}

/** Stops a unit and forgets that it failed; one that is not there is fine. Throws HostError. */
export function stopUnit(bus: Bus, unit: string): void {
  try {
    withSystemd(bus, (connection, deadline) => stop(connection, unit, deadline))
  } catch (error) {
    throw explained(error, `stop unit ${unit}`, [])
  }
}

/**
 * What the monitor of a foreground run says to systemd's own socket to have a unit stopped, once its processes have ended. Undefined
 * where a bus is between, which nobody but us can talk to.
 */
export function stopRequest(
  bus: Bus,
  unit: string,
): { readonly socket: string; readonly first: number; readonly bytes: Uint8Array } | undefined {
  const endpoint = kept?.bus === bus ? kept.connection.endpoint : undefined
  if (endpoint === undefined || endpoint.bus) return undefined
  return { socket: endpoint.path, ...spoken(manager('StopUnit', 'ss', unit, 'replace')) }
}

function stop(connection: Connection, unit: string, deadline: number): void {
  try {
    awaitJob(connection, unit, manager('StopUnit', 'ss', unit, 'replace'), deadline)
  } catch (error) {
    if (isRefusal(error, 'NoSuchUnit')) return
    throw error
  }
  ask(connection, [manager('ResetFailedUnit', 's', unit)], deadline)
}

const property = (path: string, type: string, name: string): Call => ({
  destination: SYSTEMD,
  path,
  interface: PROPERTIES,
  member: 'Get',
  signature: 'ss',
  values: [type, name],
})

/** The cgroup of a user's manager, `/user.slice/user-1000.slice/user@1000.service`. Throws HostError. */
export function managerCgroup(bus: Bus): string {
  return withSystemd(bus, (connection, deadline) => {
    const call = property(ROOT, MANAGER, 'ControlGroup')
    return textIn(valuesOf('v', ask(connection, [call], deadline)[0])[0])
  })
}

function controlGroup(bus: Bus, unit: string): string {
  return withSystemd(bus, (connection, deadline) => {
    const [path] = valuesOf('o', ask(connection, [manager('GetUnit', 's', unit)], deadline)[0])
    const call = property(path as string, `${SYSTEMD}.Scope`, 'ControlGroup')
    return textIn(valuesOf('v', ask(connection, [call], deadline)[0])[0])
  })
}

/** The error of a request that systemd refused: what was asked, by which field, and what mends it. */
function explained(error: unknown, what: string, properties: readonly UnitProperty[]): HostError {
  if (!(error instanceof HostError || error instanceof SyscallError)) throw error
  const { message } = error
  const guilty = properties.find(({ name }) => message.includes(name))
  const field = guilty === undefined ? '' : ` (${guilty.name} is asked for by ${guilty.at})`
  return new HostError(`${what}: ${message}${field}${error instanceof Refused ? hintOf(error) : ''}`)
}

const hints: readonly (readonly [part: string, hint: string])[] = [
  ['AccessDenied', 'run as root, or as a user with a systemd of their own'],
  ['InteractiveAuthorizationRequired', 'run as root, or as a user with a systemd of their own'],
  ['ServiceUnknown', 'systemd is not on this bus'],
  ['NameHasNoOwner', 'systemd is not on this bus'],
  [
    'PropertyReadOnly',
    'this systemd is too old for it: leave the field out, or use --cgroup-manager cgroupfs',
  ],
]

function hintOf({ error }: Refused): string {
  for (const [part, hint] of hints) if (error.endsWith(part)) return ` (${hint})`
  return ''
}

// ---- values ---------------------------------------------------------------------------------------------------------

/** A property as `(sv)`. */
function wire({ name, type, value }: UnitProperty): Value {
  if (type === 'a(ss)') return [name, { signature: type, value: deviceEntries(value) }]
  return [name, { signature: type, value: value as Value | Int64 }]
}

/**
 * Lines of cgroup v1 (`c 1:3 rwm`) as DeviceAllow= has them: nodes by number, whole drivers by the name in /proc/devices. A rule that it
 * cannot say (a minor of every driver) is left out: our own rules are in the cgroup besides.
 */
function deviceEntries(lines: readonly string[]): Value[] {
  const entries: Value[] = []
  for (const line of lines) {
    const [type = '', numbers = '', access = ''] = line.split(' ')
    const [major = '', minor = ''] = numbers.split(':')
    const kind = type === 'b' ? 'block' : 'char'
    if (major !== '*' && minor !== '*') entries.push([`/dev/${kind}/${major}:${minor}`, access])
    else if (minor === '*') {
      const driver = major === '*' ? '*' : driverName(kind, major)
      if (driver !== undefined) entries.push([`${kind}-${driver}`, access])
    }
  }
  return entries
}

/** The name of a major number: /proc/devices has character devices first, then block devices. */
function driverName(kind: 'block' | 'char', major: string): string | undefined {
  const heading = kind === 'block' ? 'Block devices:' : 'Character devices:'
  let inside = false
  for (const line of (tryRead('/proc/devices') ?? '').split('\n')) {
    if (line.endsWith(':')) inside = line === heading
    const [number, name] = line.trim().split(' ')
    if (inside && number === major) return name
  }
  return undefined
}
