/**
 * `import 'tsrun'`: the container runtime as a library, on Node. What the commands do, without a command line: functions return or
 * throw one of the errors below, and print nothing.
 */

import { compileSeccomp } from './lower/seccomp/index.js'
import { describeFailure } from './plan/describe.js'
import { explainer } from './spec/explain.js'
import { install } from './sys/native.js'
import { nodeNative } from './sys/node.js'

const parts: Readonly<Record<string, unknown>> = {
  explain: explainer,
  failure: { describeFailure },
  seccomp: { compileSeccomp },
}

install(nodeNative({ load: part => parts[part] }))

export {
  ConfigError,
  HostError,
  InternalError,
  PlanError,
  StateError,
  SyscallError,
  TsrunError,
} from './base/errors.js'
export { type Log, silent } from './base/log.js'
export { createContainer } from './container/create.js'
export { deleteContainer } from './container/delete.js'
export { features } from './container/features.js'
export { killContainer } from './container/kill.js'
export { listContainers } from './container/list.js'
export type { Common, CreateOptions, ListEntry, StateJson, Status } from './container/options.js'
export { planContainer } from './container/plan.js'
export { startContainer } from './container/start.js'
export { containerState } from './container/state.js'
export type { Op, Plan } from './plan/op.js'
export { planText } from './plan/print.js'
export type { Spec } from './spec/types.gen.js'
