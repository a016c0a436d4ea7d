/** The language of the test payload (payload/*.c). */
import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The top of the repository. */
export const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

let path: string | undefined

/** Path of the payload on the host, built when it is missing or old (tools/payload.mjs). */
export const payloadPath = (): string => {
  const { PATH, HOME } = process.env
  path ??= execFileSync(process.execPath, [join(repository, 'tools', 'payload.mjs')], {
    encoding: 'utf8',
    env: { PATH, HOME }, // without tap's NODE_OPTIONS
  }).trim()
  return path
}

/** One command of the payload: its verb and the verb's arguments. */
export type Verb = readonly (string | number)[]

/** `process.args` for these verbs, one after another. */
export const script = (...verbs: readonly Verb[]): string[] => [
  '/bin/payload',
  ...verbs.flatMap((verb, index) => (index === 0 ? verb : [';', ...verb])).map(String),
]

/** What `report` says: one process about itself. */
export interface Report {
  readonly pid: number
  readonly ppid: number
  readonly sid: number
  readonly cwd: string
  readonly env: readonly string[]
  /** real, effective, saved */
  readonly uid: readonly number[]
  readonly gid: readonly number[]
  readonly groups: readonly number[]
  readonly umask: number
  /** hexadecimal masks */
  readonly caps: Readonly<Record<'effective' | 'permitted' | 'inheritable' | 'bounding' | 'ambient', string>>
  readonly noNewPrivs: number
  /** 0 none, 2 filter */
  readonly seccomp: number
  readonly deathSignal: number
  readonly securebits: number
  /** how many it may run on */
  readonly cpus: number
  readonly hostname: string
  readonly domainname: string
  /** [soft, hard] as decimal strings, by name without RLIMIT_ */
  readonly rlimits: Readonly<Record<string, readonly [string, string]>>
  readonly oomScoreAdj: number
  /** signal numbers */
  readonly ignored: readonly number[]
  readonly blocked: readonly number[]
  /** what each open descriptor is, by number */
  readonly fds: Readonly<Record<string, string>>
  readonly ns: Readonly<Record<string, string>>
  readonly tty: readonly (null | {
    readonly name: string | null
    readonly rows: number
    readonly cols: number
  })[]
  readonly controllingTerminal: number
  readonly keyring: number
  readonly keyringName: string | null
  readonly loopbackUp: number
}

/** What the other verbs say. Which fields are there depends on the verb. */
export interface Answer {
  readonly verb: string
  readonly path: string
  /** name of the errno, or null when it worked */
  readonly errno: string | null
  readonly data: string
  readonly names: readonly string[]
  readonly args: readonly string[]
  readonly type: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly major: number
  readonly minor: number
  readonly target: string
  readonly bytes: number
  readonly readonly: number
  readonly signal: number
  readonly result: number
  readonly made: number
  readonly rows: number
  readonly cols: number
  readonly name: string
  readonly fds: number
  readonly later: number
  readonly isatty: number
  readonly pid: number
}

/** The JSON lines in a text; other lines are not ours. */
export const answersIn = (text: string): Answer[] =>
  text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line.startsWith('{"verb"'))
    .map(line => JSON.parse(line) as Answer)

/** Whether a capability mask of the report holds the capability of this number. */
export const capabilityBit = (mask: string, bit: number): boolean =>
  ((BigInt(`0x${mask}`) >> BigInt(bit)) & 1n) === 1n

const capabilityNumbers: Readonly<Record<string, bigint>> = {
  CAP_CHOWN: 0n,
  CAP_KILL: 5n,
  CAP_NET_BIND_SERVICE: 10n,
  CAP_NET_RAW: 13n,
}

/** The mask of some capabilities, of those that tests give. */
export const capabilityMask = (names: readonly string[]): bigint =>
  names.reduce((mask, name) => mask | (1n << (capabilityNumbers[name] ?? 63n)), 0n)
