import type { Op } from '../plan/op.js'
import type { Input } from './input.js'

/** Network devices of the host go to the container: as soon as it has a network namespace, before hooks and sysctls look at them. */
export function netDevices({ linux }: Input, out: Op[]): void {
  const devices = linux.netDevices
  if (devices === undefined) return
  for (const from in devices) {
    const { name = '' } = devices[from] ?? {}
    const at = `/linux/netDevices/${from}`
    out.push({ op: 'move_net_device', by: 'runtime', at, from, name: name === '' ? from : name })
  }
}
