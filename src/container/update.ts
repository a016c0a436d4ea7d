import { ConfigError, StateError, TsrunError } from '../base/errors.js'
import type { CgroupPaths } from '../host/cgroup.js'
import { replaceCgroups } from '../launch/cgroupvalues.js'
import { changeResctrl, type ResctrlChange } from '../launch/resctrl.js'
import { readUnit, setUnit } from '../launch/systemd.js'
import { isUnified, lowerUpdate, mergeResources, updateUnit, withoutZeros } from '../lower/cgroup/update.js'
import { groupsOf, olderLines, ROOT as RESCTRL } from '../lower/resctrl.js'
import { exactJson } from '../spec/json.js'
import { checkResourcesRules, type Explainer, loadResources } from '../spec/load.js'
import type { Resources } from '../spec/types.gen.js'
import { readKernelFile } from '../sys/kernelfiles.js'
import { native } from '../sys/native.js'
import { frozenSpec } from './frozen.js'
import type { Schemas, UpdateOptions } from './options.js'
import { type Record, statusOf } from './record.js'
import { load, save } from './store.js'
import { warnerOf } from './warn.js'

const explain = (): Explainer => native().load('explain') as Explainer

/**
 * `tsrun update`: changes limits of a container, all that are asked for or none. Throws ConfigError, StateError `container not running`,
 * HostError, SyscallError.
 */
export function updateContainer({ common, id, resources }: UpdateOptions): void {
  try {
    const record = load(common.root, id)
    const status = statusOf(common.root, record)
    if (status === 'stopped' || status === 'creating') {
      throw new StateError('not-running', `container not running (its status is ${status})`)
    }
    const given =
      'text' in resources
        ? withoutZeroPids(loadResources(resources.text, explain))
        : checkResourcesRules(resources.limits)
    const asked = withoutZeros(given)
    const merged = mergeResources(limitsOf(common.root, record), asked)
    checkResourcesRules(merged)
    checkUsage(asked, merged, record.cgroup)
    const warn = warnerOf(common)
    const writes = lowerUpdate(asked, merged, record.cgroup, warn)
    const keep = () => save(common.root, { ...record, resources: exactJson(merged) })
    const change = 'schemas' in resources ? resctrlOf(common.root, id, resources.schemas) : undefined
    withUnit(record, asked, merged, () =>
      replaceCgroups(writes, change === undefined ? keep : () => changeResctrl(change, keep)),
    )
  } catch (error) {
    throw error instanceof TsrunError ? error.wrap(`update ${JSON.stringify(id)}`) : error
  }
}

/**
 * A document of a client whose Go types are older than specification 1.3 says `pids.limit: 0` when it means nothing (nerdctl 1.7, whatever
 * is updated); taken as a limit it would end the container's ability to fork, exec included. The option `--pids-limit 0` means it.
 */
function withoutZeroPids(asked: Resources): Resources {
  if (asked.pids === undefined || Number(asked.pids.limit ?? 0) !== 0) return asked
  const { pids: _, ...others } = asked
  return others
}

/**
 * Tells systemd first: it writes files too, which are then written once more (see `KnobProperty`). A failure of that gives it back what it
 * knew before.
 */
function withUnit({ unit, cgroup }: Record, asked: Resources, merged: Resources, write: () => void): void {
  const properties = unit === undefined ? [] : updateUnit(asked, merged, cgroup)
  if (unit === undefined || properties.length === 0) {
    write()
    return
  }
  const op = { op: 'unit_set', by: 'runtime', at: 'runtime:update', unit: unit.name, bus: unit.bus } as const
  const old = readUnit(unit.bus, unit.name, properties)
  setUnit({ ...op, properties })
  try {
    write()
  } catch (error) {
    setUnit({ ...op, properties: old })
    throw error
  }
}

/** What becomes of the container's group of resctrl. The text is runc's. */
function resctrlOf(root: string, id: string, schemas: Schemas | undefined): ResctrlChange | undefined {
  if (schemas === undefined) return undefined
  const rdt = frozenSpec(root, id).linux?.intelRdt
  if (rdt === undefined)
    throw new ConfigError(
      '/linux/intelRdt',
      'rdt-update',
      'updating a non-existent Intel RDT configuration is not supported',
    )
  return { mount: RESCTRL, group: groupsOf(rdt, id).group, lines: olderLines(schemas) }
}

/** What a container's limits are now. */
function limitsOf(root: string, record: Record): Resources {
  if (record.resources !== undefined) return loadResources(record.resources, explain)
  return frozenSpec(root, record.id).linux?.resources ?? {}
}

/** `checkBeforeUpdate`: rather no change than a container that is killed by it. */
function checkUsage(asked: Resources, merged: Resources, paths: CgroupPaths): void {
  const limit = asked.memory?.limit
  if (merged.memory?.checkBeforeUpdate !== true || limit === undefined || Number(limit) === -1) return
  const file = isUnified(paths) ? `${paths.v2}/memory.current` : `${paths.v1.memory}/memory.usage_in_bytes`
  const used = readKernelFile(file)?.trim()
  if (used === undefined || BigInt(used) <= BigInt(limit)) return
  throw new ConfigError(
    '/memory/limit',
    'limit-below-usage',
    `rejecting memory limit ${limit}: the container uses ${used} (checkBeforeUpdate is set)`,
  )
}
