/** Which checks each engine gets. */
import { buildahChecks } from './buildah.js'
import type { Check } from './check.js'
import { checkpointChecks } from './checkpoint.js'
import { identityChecks, limitChecks, networkChecks, volumeChecks } from './config.js'
import { crictlChecks, criWords } from './crictl.js'
import { ctrChecks } from './ctr.js'
import { daemonChecks } from './dockerd.js'
import { buildahWords, ctrWords, dockerWords, faultChecks, nerdctlWords, podmanWords } from './faults.js'
import { nerdctlChecks } from './nerdctl.js'
import { podChecks } from './pods.js'
import { execChecks, processChecks } from './process.js'
import { swarmChecks } from './services.js'
import { remapChecks, usernsChecks } from './userns.js'

type Lists = readonly (readonly Check[])[]

/** What docker's words can say, which podman and nerdctl speak, too. */
const common: Lists = [processChecks, execChecks, limitChecks, volumeChecks, identityChecks, networkChecks]

/** Limits that are none of cgroups, of which a user has none here. */
const withoutCgroups = limitChecks.filter(({ name }) => /^ulimit|^oom score|^shm size/.test(name))

export const catalog = {
  podman: [...common, podChecks, checkpointChecks, faultChecks(podmanWords('sh -c'))],
  rootless: [
    processChecks,
    execChecks,
    withoutCgroups,
    volumeChecks,
    identityChecks,
    networkChecks,
    podChecks,
    usernsChecks,
    faultChecks(podmanWords('e unshare sh -c')),
  ],
  buildah: [buildahChecks, faultChecks(buildahWords)],
  docker: [...common, checkpointChecks, daemonChecks, faultChecks(dockerWords)],
  remapped: [remapChecks],
  swarm: [swarmChecks],
  containerd: [ctrChecks, checkpointChecks, faultChecks(ctrWords)],
  nerdctl: [nerdctlChecks, ...common, faultChecks(nerdctlWords)],
  cri: [crictlChecks, faultChecks(criWords)],
  crio: [crictlChecks, faultChecks(criWords)],
} as const satisfies Readonly<Record<string, Lists>>

export type EngineName = keyof typeof catalog

/** The checks that are meant for an engine. */
export const checksOf = (name: EngineName): readonly Check[] =>
  (catalog[name] as Lists)
    .flat()
    .filter(({ only, except }) => only?.includes(name) !== false && except?.includes(name) !== true)
