/** The texts of `state` and `list`, as runc prints them: engines parse both. */
import type { ListEntry, StateJson } from '../container/options.js'

/** Two spaces of indent and no newline at the end. */
export function stateText(state: StateJson): string {
  return JSON.stringify(ordered(state), undefined, 2)
}

/** Keys in runc's order, whatever made the object. */
function ordered(state: StateJson): StateJson {
  const { ociVersion, id, pid, status, bundle, rootfs, created, annotations, owner, oom } = state
  return {
    ociVersion,
    id,
    pid,
    status,
    bundle,
    rootfs,
    created,
    ...(annotations !== undefined && { annotations }),
    owner,
    ...(oom !== undefined && { oom }),
  }
}

/** One line of JSON: an array, or `null` when there is none (a Go slice). */
export function listJson(entries: readonly ListEntry[]): string {
  return entries.length === 0 ? 'null\n' : `${JSON.stringify(entries.map(ordered))}\n`
}

export function listQuiet(entries: readonly ListEntry[]): string {
  return entries.map(({ id }) => `${id}\n`).join('')
}

const headings = ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'] as const
const minimalWidth = 12
const padding = 3

/** Columns of at least twelve cells, three blanks between them, nothing padded after the last. */
export function listTable(entries: readonly ListEntry[]): string {
  const rows: (readonly string[])[] = [
    headings,
    ...entries.map(({ id, pid, status, bundle, created, owner }) => [
      id,
      String(pid),
      status,
      bundle,
      created,
      owner,
    ]),
  ]
  const widths = headings.map((_, column) =>
    Math.max(minimalWidth, ...rows.map(row => (row[column] as string).length + padding)),
  )
  const lines = rows.map(row =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] as number)))
      .join(''),
  )
  return `${lines.join('\n')}\n`
}
