import type { Host } from '../host/facts.js'
import type { Op, Plan } from '../plan/op.js'
import type { Process, Spec } from '../spec/types.gen.js'
import { type CgroupPlan, lowerCgroup } from './cgroup/index.js'
import { joinCgroup, limitBeforeHooks, limitBeforeStart, moveInit } from './cgroupsteps.js'
import { openConsole, useConsole } from './console.js'
import { devices } from './devices.js'
import { execProgram, findProgram, openFdDirectory, openFifo } from './finish.js'
import { createContainerHooks, createRuntimeHooks, openOutputOfInit } from './hooks.js'
import { becomeUser, makeWorkingDirectory, names } from './identity.js'
import type { CreateInput, Input, Pass, Request } from './input.js'
import { earlyResourceLimits, oomScoreOfInit, resourceLimits } from './limits.js'
import { mounts, openSources } from './mounts.js'
import { enterCgroupNamespace, enterNamespaces, openNamespaces, settleInit } from './namespaces.js'
import { netDevices } from './netdevices.js'
import { enterResctrl, makeResctrl } from './resctrl.js'
import { changeRoot, hidePaths, openRoot, sealRoot } from './rootfs.js'
import { sysctls } from './sysctl.js'

/**
 * What `create` does, in order. The order is the kernel's; `plan/verify.ts` holds the rules that must not break.
 * To add a config section, write a pass and put it where the kernel wants it.
 */
const passes: readonly Pass[] = [
  // In the host's namespaces, with the host's rights.
  openNamespaces,
  openFifo,
  openOutputOfInit,
  openSources,
  makeResctrl,
  joinCgroup,
  enterNamespaces,
  // Init, in its namespaces.
  moveInit,
  enterResctrl,
  oomScoreOfInit,
  enterCgroupNamespace,
  settleInit,
  // Its files, by descriptor in root.
  openRoot,
  mounts,
  devices,
  makeWorkingDirectory,
  openConsole,
  openFdDirectory,
  netDevices,
  limitBeforeHooks,
  createRuntimeHooks,
  createContainerHooks,
  hidePaths,
  sealRoot,
  changeRoot,
  // Its identity.
  names,
  sysctls,
  useConsole,
  earlyResourceLimits,
  becomeUser,
  findProgram,
  // Limits at the very end: low ones must not hinder init, and share one barrier with the saving of the state.
  resourceLimits,
  limitBeforeStart,
  execProgram,
]

/** What lowering gives back beside the plan. */
export interface Lowered {
  readonly plan: Plan
  readonly cgroup: Pick<CgroupPlan, 'paths' | 'unit'>
}

/** Init of a container without a process: it waits for a `start` that will be refused. */
const NO_PROCESS: Process = { cwd: '/' }

/** What the passes read, from a valid config. Throws ConfigError for a wrong cgroupsPath. */
export function inputOf(spec: Spec, host: Host, request: Request, warn: Input['warn']): CreateInput {
  const { process = NO_PROCESS, linux = {} } = spec
  const userNamespace = (linux.namespaces ?? []).some(namespace => namespace.type === 'user')
  const cgroup = lowerCgroup(spec, host.cgroup, {
    id: request.id,
    manager: request.cgroupManager,
    ordinaryUser: host.euid !== 0,
    inUserNamespace: host.inUserNamespace,
    tolerant: request.tolerateCgroups === true,
    userNamespace,
  })
  for (const { pointer, message } of cgroup.warnings) warn(pointer, message)
  const user = { uid: 0, gid: 0, ...process.user }
  return { spec, process, linux, user, host, cgroup, request, userNamespace, warn }
}

/** Compiles a valid config into the plan of `create`. Pure. Throws ConfigError for what only lowering can see. */
export function lower(spec: Spec, host: Host, request: Request, warn: Input['warn']): Lowered {
  const input = inputOf(spec, host, request, warn)
  const ops: Op[] = []
  for (const pass of passes) pass(input, ops)
  return { plan: { format: 1, ops }, cgroup: input.cgroup }
}
