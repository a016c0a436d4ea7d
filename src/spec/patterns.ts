/**
 * The patterns of the schemas as functions: neither validator uses RegExp, whose code would make the static form larger
 * and its start slower. tools/schema-hot.mjs names the pattern that each one stands for.
 */

/** Whether every character of `text` is one of `chars`; true for ''. */
export function consistsOf(text: string, chars: string): boolean {
  for (let i = 0; i < text.length; i++) if (chars.indexOf(text.charAt(i)) === -1) return false
  return true
}

/** `^[1-9][0-9]*[KMG]B$`: a huge page size as the kernel's file names have it. */
export function isPageSize(text: string): boolean {
  const digits = text.slice(0, -2)
  return (
    digits !== '' &&
    digits.charAt(0) !== '0' &&
    consistsOf(digits, '0123456789') &&
    consistsOf(text.charAt(text.length - 2), 'KMG') &&
    text.charAt(text.length - 1) === 'B'
  )
}

/** `^MB:[^\n]*$`: one line of a resctrl schemata file for memory bandwidth. */
export function isBandwidthSchema(text: string): boolean {
  return text.startsWith('MB:') && text.indexOf('\n') === -1
}
