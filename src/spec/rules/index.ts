/**
 * The rules that a schema cannot say, in the order in which they are tried. Each looks at one concern and needs nothing
 * but the document; what depends on the machine is checked by host and launch, what depends on lowering's tables there.
 */

import { annotations } from './annotations.js'
import { deviceRules, devices } from './devices.js'
import { hooks } from './hooks.js'
import { idmaps } from './idmaps.js'
import { intelRdt } from './intelrdt.js'
import { mounts } from './mounts.js'
import { mountIds, mountNamespace, namespaces, timeOffsets, userMapped, userNamespace } from './namespaces.js'
import { netDevices } from './netdevices.js'
import { restrictedPaths } from './paths.js'
import { command, environment, rlimits } from './process.js'
import { blockIO, cpu, hugepages, memory, namesOfFiles } from './resources.js'
import { root } from './root.js'
import type { ProcessRule, ResourcesRule, SpecRule } from './rule.js'
import { execCPUAffinity, ioPriority, memoryPolicy, personality, scheduler } from './schedule.js'
import { seccomp } from './seccomp.js'
import { sysctl } from './sysctl.js'
import { uts } from './uts.js'

export { type Warning, warnings } from './warnings.js'

export const processRules: readonly ProcessRule[] = [
  command,
  environment,
  rlimits,
  scheduler,
  ioPriority,
  execCPUAffinity,
]

export const resourcesRules: readonly ResourcesRule[] = [
  memory,
  cpu,
  blockIO,
  hugepages,
  namesOfFiles,
  deviceRules,
]

const process: SpecRule = spec => {
  for (const rule of processRules) {
    const error = spec.process && rule(spec.process, '/process')
    if (error !== undefined) return error
  }
  return undefined
}

const resources: SpecRule = spec => {
  for (const rule of resourcesRules) {
    const error = spec.linux?.resources && rule(spec.linux.resources, '/linux/resources')
    if (error !== undefined) return error
  }
  return undefined
}

export const specRules: readonly SpecRule[] = [
  root,
  process,
  namespaces,
  userNamespace,
  userMapped,
  timeOffsets,
  uts,
  restrictedPaths,
  mounts,
  idmaps,
  mountIds,
  devices,
  netDevices,
  sysctl,
  seccomp,
  intelRdt,
  memoryPolicy,
  personality,
  hooks,
  annotations,
  resources,
  mountNamespace,
]
