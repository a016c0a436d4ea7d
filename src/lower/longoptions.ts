/**
 * Options whose value is longer than the kernel lets fsconfig(2) take: 255 bytes (strndup_user in fs/fsopen.c). mount(2) would take a
 * page, but mounts by path. The one that gets that long is the list of layers of overlayfs, which can also be given one by one.
 */

const longest = 255

/** How many bytes a text has as UTF-8. */
function bytesOf(text: string): number {
  let count = 0
  for (const char of text) {
    const code = char.codePointAt(0) as number
    count += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return count
}

/** Options as fsconfig takes them; what is too long otherwise is left, and the kernel refuses it. */
export function splitLong(type: string, options: readonly string[]): readonly string[] {
  if (type !== 'overlay') return options
  const out: string[] = []
  for (const option of options) {
    const value = option.slice('lowerdir='.length)
    if (option.startsWith('lowerdir=') && bytesOf(value) > longest) out.push(...layers(value))
    else out.push(option)
  }
  return out
}

/**
 * `lowerdir` has layers with colons between them, after two colons those that hold data only, and a backslash before a colon or a
 * backslash of a name (overlayfs.rst). `lowerdir+` (Linux 6.7) takes one layer as it is.
 */
function layers(list: string): string[] {
  const out: string[] = []
  let key = 'lowerdir+'
  let name = ''
  for (let i = 0; i < list.length; i++) {
    const char = list[i] as string
    if (char === '\\' && i + 1 < list.length) name += list[++i]
    else if (char !== ':') name += char
    else {
      if (name === '') key = 'datadir+'
      else out.push(`${key}=${name}`)
      name = ''
    }
  }
  if (name !== '') out.push(`${key}=${name}`)
  return out
}
