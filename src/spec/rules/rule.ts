import { ConfigError } from '../../base/errors.js'
import type { Process, Resources, Spec } from '../types.gen.js'

/** Looks at one concern of a valid document; the first error of the first rule that has one is reported. */
export type SpecRule = (spec: Spec) => ConfigError | undefined

/** `at` is the pointer of the process: /process in a config, '' in a document of its own. */
export type ProcessRule = (process: Process, at: string) => ConfigError | undefined

/** `at` is the pointer of the resources: /linux/resources in a config, '' in a document of its own. */
export type ResourcesRule = (resources: Resources, at: string) => ConfigError | undefined

/** A broken rule; see ConfigError. */
export function broken(pointer: string, rule: string, message: string): ConfigError {
  return new ConfigError(pointer, rule, message)
}

/** Whether the container has a namespace of this type, its own or one it joins. */
export function hasNamespace(spec: Spec, type: string): boolean {
  const namespaces = spec.linux?.namespaces
  if (namespaces === undefined) return false
  for (let i = 0; i < namespaces.length; i++) if (namespaces[i]?.type === type) return true
  return false
}
