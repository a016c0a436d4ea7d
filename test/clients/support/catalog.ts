/** Which checks each engine gets. */
import { buildahChecks } from './buildah.js'
import type { Check } from './check.js'
import { checkpointChecks } from './checkpoint.js'
import { identityChecks, limitChecks, networkChecks, volumeChecks } from './config.js'
import { crictlChecks } from './crictl.js'
import { ctrChecks } from './ctr.js'
import { daemonChecks } from './dockerd.js'
import { ctrWords, dockerWords, faultChecks } from './faults.js'
import { nerdctlChecks } from './nerdctl.js'
import { podChecks } from './pods.js'
import { execChecks, processChecks } from './process.js'
import { swarmChecks } from './services.js'
import { remapChecks, usernsChecks } from './userns.js'

type Lists = readonly (readonly Check[])[]

/** What docker's words can say, which podman and nerdctl speak, too. */
const common: Lists = [processChecks, execChecks, limitChecks, volumeChecks, identityChecks, networkChecks]
const dockerFaults = faultChecks(dockerWords)

export const catalog = {
  podman: [...common, podChecks, checkpointChecks, dockerFaults],
  rootless: [processChecks, execChecks, volumeChecks, identityChecks, usernsChecks, dockerFaults],
  buildah: [buildahChecks],
  docker: [...common, checkpointChecks, daemonChecks, dockerFaults],
  remapped: [remapChecks],
  swarm: [swarmChecks],
  containerd: [ctrChecks, checkpointChecks, faultChecks(ctrWords)],
  nerdctl: [nerdctlChecks, ...common, dockerFaults],
  cri: [crictlChecks],
  crio: [crictlChecks],
} as const satisfies Readonly<Record<string, Lists>>

export type EngineName = keyof typeof catalog

/** The checks that are meant for an engine. */
export const checksOf = (name: EngineName): readonly Check[] =>
  (catalog[name] as Lists)
    .flat()
    .filter(({ only, except }) => only?.includes(name) !== false && except?.includes(name) !== true)
