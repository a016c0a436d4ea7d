import { count } from './read.js'

/** The columns of /proc/PID/net/dev that runc's struct has, by their place after the name. */
const interfaceFields: readonly (readonly [name: string, column: number])[] = [
  ['RxBytes', 0],
  ['RxPackets', 1],
  ['RxErrors', 2],
  ['RxDropped', 3],
  ['TxBytes', 8],
  ['TxPackets', 9],
  ['TxErrors', 10],
  ['TxDropped', 11],
]

/** Every interface but the loopback; null for none, as a Go slice is written. */
export function networkInterfaces(netDev: string): object[] | null {
  const interfaces: object[] = []
  for (const line of netDev.split('\n')) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).trim()
    if (colon < 0 || name === 'lo') continue
    const columns = words(line.slice(colon + 1))
    const row: Record<string, unknown> = { Name: name }
    for (const [field, column] of interfaceFields) row[field] = count(columns[column] ?? '0')
    interfaces.push(row)
  }
  return interfaces.length === 0 ? null : interfaces
}

const words = (line: string): string[] => line.split(' ').filter(word => word !== '')
