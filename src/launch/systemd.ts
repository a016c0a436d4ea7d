/** Units of systemd: what is asked of its manager for the cgroup driver, org.freedesktop.systemd1(5). Loaded by the first container that needs it. */
import { HostError, SyscallError } from '../base/errors.js'
import type { Bus, OpOf, UnitProperty } from '../plan/op.js'
import { exists } from '../sys/files.js'
import { type Answer, ask, awaitSignal, type Call, type Connection, spoken } from './dbus/connection.js'
import type { Value, Variant } from './dbus/marshal.js'
import {
  isRefusal,
  MANAGER,
  ownSocket,
  Refused,
  ROOT,
  SYSTEMD,
  textIn,
  valuesOf,
  withSystemd,
} from './systemd/connection.js'
import { wire } from './systemd/properties.js'

const PROPERTIES = 'org.freedesktop.DBus.Properties'

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
  const socket = ownSocket(bus)
  if (socket === undefined) return undefined
  return { socket, ...spoken(manager('StopUnit', 'ss', unit, 'replace')) }
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
