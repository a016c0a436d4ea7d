/** Addresses of buses, such as `unix:path=/run/user/1000/bus`: D-Bus Specification, "Server Addresses". */

/** The unix sockets of an address, `@name` for an abstract one; other transports are left out. */
export function socketsOf(address: string): string[] {
  const sockets: string[] = []
  for (const one of address.split(';')) {
    if (!one.startsWith('unix:')) continue
    for (const pair of one.slice('unix:'.length).split(',')) {
      const equals = pair.indexOf('=')
      const value = unescaped(pair.slice(equals + 1))
      if (value === undefined || value === '') continue
      if (pair.startsWith('path=')) sockets.push(value)
      else if (pair.startsWith('abstract=')) sockets.push(`@${value}`)
    }
  }
  return sockets
}

/** `%2f` is a slash. Undefined for what is no escape, and for bytes that are not ASCII. */
function unescaped(text: string): string | undefined {
  let result = ''
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '%') {
      result += text[i]
      continue
    }
    const digits = text.slice(i + 1, i + 3)
    const code = digits.length === 2 ? Number(`0x${digits}`) : Number.NaN
    if (!(code > 0 && code < 128)) return undefined
    result += String.fromCharCode(code)
    i += 2
  }
  return result
}
