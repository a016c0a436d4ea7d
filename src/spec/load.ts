/** Text → ValidSpec. What is refused here never reaches lowering, so lowering has no errors about values. */

import { ConfigError, InternalError } from '../base/errors.js'
import { exactIntegers } from './json.js'
import { show } from './pointer.js'
import { processRules, resourcesRules, specRules } from './rules/index.js'
import type { IdMap, Process, Resources, Root, Spec } from './types.gen.js'
import { checkProcess, checkResources, checkSpec, type Verdict } from './validate.gen.js'

declare const valid: unique symbol

/** A config that passed the schema and all rules. Integers beyond 2^53 are bigint. */
export type ValidSpec = Spec & { readonly root: Root; readonly [valid]: true }

/** The process of `exec --process`, checked like the one of a config. */
export type ValidProcess = Process & { readonly [valid]: true }

/** The limits of `update --resources`, checked like those of a config. */
export type ValidResources = Resources & { readonly [valid]: true }

/** Documents that can be loaded, named by the type of what they hold. */
export type DocumentKind = 'Spec' | 'Process' | 'Resources'

/** The part that finds words for a refusal; loaded when there is one. Each undefined means: no fault of this kind. */
export interface Explainer {
  /** For a text that JSON.parse refused. */
  syntax(text: string): ConfigError
  /** For a document that the validator refused. */
  schema(kind: DocumentKind, document: unknown): ConfigError | undefined
  /** For one whose exact 64-bit integers it refused. */
  range(kind: DocumentKind, document: unknown): ConfigError | undefined
  /** For one that may have strings with a NUL. */
  nul(document: unknown): ConfigError | undefined
}

function isNumeric(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 48 || code > 57) return false
  }
  return text !== '' && (text === '0' || text.charAt(0) !== '0')
}

/** SemVer 2.0 (MAJOR.MINOR.PATCH with -pre and +build) of major version 1: what runc accepts, too. */
function versionError(document: unknown): ConfigError | undefined {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return undefined
  const version = (document as { ociVersion?: unknown }).ociVersion
  const error = (text: string) => new ConfigError('/ociVersion', 'oci-version', text)
  if (version === undefined)
    return error('is missing; it names the version of the OCI runtime specification, like "1.2.0"')
  if (typeof version !== 'string') return undefined
  const plus = version.indexOf('+')
  const release = plus === -1 ? version : version.slice(0, plus)
  const dash = release.indexOf('-')
  const numbers = (dash === -1 ? release : release.slice(0, dash)).split('.')
  if (numbers.length !== 3 || !numbers.every(isNumeric)) {
    return error(`must be a semantic version like "1.2.0", is ${show(version)}`)
  }
  if (numbers[0] !== '1') return error(`version ${show(version)} is not supported, only 1.x is`)
  return undefined
}

/** Runs what walks a whole document, unknown properties included: one of a hundred thousand levels ends the stack. */
function shallow<T>(walk: () => T): T {
  try {
    return walk()
  } catch (error) {
    if (error instanceof ConfigError || error instanceof InternalError) throw error
    throw new ConfigError('', 'json-depth', 'invalid JSON: it is nested too deeply')
  }
}

/** `check` comes with the kind, so that a part which reads one kind of document holds no other validator. */
function load(
  kind: DocumentKind,
  check: (document: unknown) => Verdict,
  text: string,
  explain: () => Explainer,
): unknown {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw explain().syntax(text)
  }
  const version = kind === 'Spec' ? versionError(document) : undefined
  if (version !== undefined) throw version
  let verdict = check(document)
  if (verdict === 0)
    throw explain().schema(kind, document) ?? new InternalError('the two validators disagree')
  if (verdict === 2) {
    document = shallow(() => exactIntegers(document, text))
    verdict = check(document)
    if (verdict !== 1)
      throw explain().range(kind, document) ?? new InternalError('no integer is out of range')
  }
  // JSON has no raw NUL, only this escape; the text may also hold it behind another backslash.
  const nul = text.indexOf('\\u0000') === -1 ? undefined : shallow(() => explain().nul(document))
  if (nul !== undefined) throw nul
  return document
}

/**
 * Reads the text of a config.json. `explain` loads the explaining part; it is called only when something is wrong.
 * Throws a ConfigError that names the first fault, its JSON pointer and value, and how many more there are.
 */
export function loadSpec(text: string, explain: () => Explainer): ValidSpec {
  const spec = withoutPlaceholder(load('Spec', checkSpec, text, explain) as Spec)
  for (const rule of specRules) {
    const error = rule(spec)
    if (error !== undefined) throw error
  }
  return spec as ValidSpec
}

/**
 * podman gives a user namespace to join (`--userns ns:PATH`) the map `0 0 1`, because runc once wanted one. It says nothing about the
 * namespace.
 */
function withoutPlaceholder(spec: Spec): Spec {
  const { uidMappings, gidMappings, namespaces = [] } = spec.linux ?? {}
  if (!isPlaceholder(uidMappings) || !isPlaceholder(gidMappings)) return spec
  if (!namespaces.some(({ type, path = '' }) => type === 'user' && path !== '')) return spec
  return { ...spec, linux: { ...spec.linux, uidMappings: [], gidMappings: [] } }
}

const isPlaceholder = (map: readonly IdMap[] | undefined): boolean =>
  map?.length === 1 && map[0]?.containerID === 0 && map[0].hostID === 0 && map[0].size === 1

/**
 * Reads a config that loadSpec has accepted before and that nobody could change since (the copy in the state directory): without checks,
 * with the same exact integers.
 */
export function loadTrustedSpec(text: string): ValidSpec {
  return withoutPlaceholder(exactIntegers(JSON.parse(text), text) as Spec) as ValidSpec
}

/** Reads the text of a process document (`exec --process`); see loadSpec. */
export function loadProcess(text: string, explain: () => Explainer): ValidProcess {
  return checkProcessRules(load('Process', checkProcess, text, explain) as Process)
}

/** The rules for a process that was put together from checked parts. Throws ConfigError. */
export function checkProcessRules(process: Process): ValidProcess {
  for (const rule of processRules) {
    const error = rule(process, '')
    if (error !== undefined) throw error
  }
  return process as ValidProcess
}

/** Reads the text of a resources document (`update --resources`); see loadSpec. */
export function loadResources(text: string, explain: () => Explainer): ValidResources {
  return checkResourcesRules(load('Resources', checkResources, text, explain) as Resources)
}

/** The rules for limits that were put together from checked parts. Throws ConfigError. */
export function checkResourcesRules(resources: Resources): ValidResources {
  for (const rule of resourcesRules) {
    const error = rule(resources, '')
    if (error !== undefined) throw error
  }
  return resources as ValidResources
}
