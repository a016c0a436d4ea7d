/** The kinds of hooks, in the order in which they run, and what the payload's hook verb writes. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Container } from './container.js'

export const hookKinds = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const
export type HookKind = (typeof hookKinds)[number]

/** A line of the payload's: what a hook saw. */
export interface HookRecord {
  readonly name: string
  /** What stood on its standard input. */
  readonly state: string
  readonly cwd: string
  readonly mnt: string
  readonly pidns: string
  readonly env: readonly string[]
  /** The payload is at its place in the rootfs: the root has changed. */
  readonly hasPayload: number
  /** The file that the program makes, or a mount of the container, was there. */
  readonly sawExtra: number
}

/** Where the hooks of a container write. */
export const hookLog = (c: Container): string => join(c.dir, 'hooks.log')

/** What the hooks of a container have written. */
export const hookRecords = (c: Container): HookRecord[] =>
  existsSync(hookLog(c))
    ? readFileSync(hookLog(c), 'utf8')
        .split('\n')
        .filter(line => line.startsWith('{'))
        .map(line => JSON.parse(line) as HookRecord)
    : []
