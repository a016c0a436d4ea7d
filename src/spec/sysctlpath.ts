/**
 * A kernel parameter as a path below /proc/sys. `net.ipv4.conf.eno2/100.x` and `net/ipv4/conf/eno2.100/x` name the same
 * file (sysctl(8)): whichever separator comes first separates, the other one stands for a dot or slash inside a name.
 */
export function sysctlPath(key: string): string {
  const dot = key.indexOf('.')
  const slash = key.indexOf('/')
  if (dot < 0 || (slash >= 0 && slash < dot)) return key
  let path = ''
  for (const char of key) path += char === '.' ? '/' : char === '/' ? '.' : char
  return path
}
