/** Reads mountinfo(5) as text, of a container or of the host. */
import type { Answer } from './payload.js'

export interface Mount {
  readonly id: number
  readonly parent: number
  /** major:minor of the file system */
  readonly device: string
  /** what of the file system is mounted */
  readonly root: string
  readonly point: string
  /** of the mount: ro, nosuid, … */
  readonly options: readonly string[]
  /** shared:N, master:N, unbindable */
  readonly propagation: readonly string[]
  readonly type: string
  readonly source: string
  /** of the file system */
  readonly superOptions: readonly string[]
}

const unescapeOctal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)))

const parseLine = (line: string): Mount => {
  const fields = line.split(' ')
  const separator = fields.indexOf('-')
  const [id = '', parent = '', device = '', root = '', point = '', options = ''] = fields
  const [type = '', source = '', superOptions = ''] = fields.slice(separator + 1)
  return {
    id: Number(id),
    parent: Number(parent),
    device,
    root: unescapeOctal(root),
    point: unescapeOctal(point),
    options: options.split(','),
    propagation: fields.slice(6, separator),
    type,
    source: unescapeOctal(source),
    superOptions: superOptions.split(','),
  }
}

export const parseMounts = (text: string): Mount[] => text.trim().split('\n').map(parseLine)

/** The verb that asks for the mounts, and the reader of its answer. */
export const askMounts = ['cat', '/proc/self/mountinfo'] as const

/** The topmost mount at each point. */
export const mountsByPoint = (answer: Answer | undefined): Map<string, Mount> =>
  new Map(parseMounts(answer?.data ?? '').map(mount => [mount.point, mount]))
