/** A property name as a part of a JSON pointer (RFC 6901). */
export function escapeKey(key: string): string {
  return key.split('~').join('~0').split('/').join('~1')
}

/** The value that a JSON pointer points at in `document`; undefined when there is none. */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document
  for (const part of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<string, unknown>)[part.split('~1').join('/').split('~0').join('~')]
  }
  return value
}

/** A value as a message shows it: JSON, cut short. */
export function show(value: unknown): string {
  const text = typeof value === 'bigint' ? `${value}` : (JSON.stringify(value) ?? 'nothing')
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}
