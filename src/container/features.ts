import { capabilityNames } from '../base/capabilities.js'
import { commit, version } from '../base/version.js'
import { mountOptions } from '../lower/mountoptions.js'
import { actionNames } from '../lower/seccomp/actions.js'
import { archNames } from '../lower/seccomp/archs.js'
import { operatorNames } from '../lower/seccomp/rules.js'
import { memoryFlags, memoryMode, namespaces, seccompFlags } from '../plan/flags.js'
import { OCI_RUN } from '../spec/ocirun.js'
import { hookKinds } from '../spec/rules/hooks.js'
import { SPEC_VERSION } from '../spec/statedoc.js'
import type { Features } from '../spec/types.gen.js'

const flags = (Object.keys(seccompFlags) as (keyof typeof seccompFlags)[]).sort()

/**
 * What tsrun was built to do, whatever the kernel beneath can (features.md). It is read from the tables that do the work and
 * from the list of what is refused, so that it cannot say anything else.
 */
export function features(): Features {
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: SPEC_VERSION,
    hooks: [...hookKinds],
    mountOptions: Object.keys(mountOptions).sort(),
    linux: {
      namespaces: (Object.keys(namespaces) as (keyof typeof namespaces)[]).sort(),
      capabilities: [...capabilityNames],
      cgroup: {
        v1: true,
        v2: true,
        systemd: true,
        systemdUser: true,
        rdma: true,
      },
      seccomp: {
        enabled: true,
        actions: actionNames().sort(),
        operators: operatorNames().sort(),
        archs: [...archNames].sort(),
        knownFlags: flags,
        supportedFlags: flags,
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      memoryPolicy: { modes: Object.keys(memoryMode).sort(), flags: Object.keys(memoryFlags).sort() },
      mountExtensions: { idmap: { enabled: Object.hasOwn(mountOptions, 'idmap') } },
      netDevices: { enabled: true },
    },
    potentiallyUnsafeConfigAnnotations: ['org.criu.config', 'org.systemd.property.', OCI_RUN],
    annotations: {
      'org.tsrun.version': version,
      'org.tsrun.commit': commit,
      // runc's name, which whoever wants checkpoints looks for.
      'org.opencontainers.runc.checkpoint.enabled': 'true',
    },
  }
}
