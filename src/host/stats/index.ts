/**
 * What a container uses, read from its cgroups into runc's layout (its types/events.go): engines parse it. Times are nanoseconds, sizes
 * bytes. Numbers beyond 2^53 are bigint. What a hierarchy or the kernel does not have is left out, or 0 where runc has 0.
 */
import type { CgroupPaths } from '../cgroup.js'
import { hugetlb, hugetlbV1, hugetlbV2 } from './hugetlb.js'
import { networkInterfaces } from './network.js'
import { type ResctrlSource, resctrlStats } from './resctrl.js'
import { statsV1 } from './v1.js'
import { statsV2 } from './v2.js'

/** What a container has beside its cgroups. */
export interface StatsSources {
  /** Of init, where it has a network namespace of its own. */
  readonly netDev?: string
  /** Its group of resctrl, and its monitoring group (else the group itself counts). */
  readonly resctrl?: ResctrlSource
}

/** The `data` of an event of type `stats`. */
export function readStats(paths: CgroupPaths, { netDev, resctrl }: StatsSources = {}): object {
  const unified = paths.v2 !== undefined && Object.keys(paths.v1).length === 0
  const rest = unified ? statsV2(paths.v2 as string) : statsV1(paths.v1)
  return {
    ...rest,
    hugetlb: unified ? hugetlb(paths.v2, hugetlbV2) : hugetlb(paths.v1.hugetlb, hugetlbV1),
    intel_rdt: resctrl === undefined ? {} : resctrlStats(resctrl),
    network_interfaces: netDev === undefined ? null : networkInterfaces(netDev),
  }
}
