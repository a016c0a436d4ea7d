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
import { unitChecks } from './units.js'
import { remapChecks, usernsChecks } from './userns.js'

type Lists = readonly (readonly Check[])[]

/** What docker's words can say, which podman and nerdctl speak, too. */
const common: Lists = [processChecks, execChecks, limitChecks, volumeChecks, identityChecks, networkChecks]

/** Limits as a user has them: those of cgroups only from a systemd. */
const usersLimits = limitChecks.map(check =>
  /^ulimit|^oom score|^shm size/.test(check.name) ? check : { ...check, managed: ['rootless'] },
)

export const catalog = {
  podman: [...common, unitChecks, podChecks, checkpointChecks, faultChecks(podmanWords('sh -c'))],
  rootless: [
    processChecks,
    execChecks,
    usersLimits,
    unitChecks,
    volumeChecks,
    identityChecks,
    networkChecks,
    podChecks,
    usernsChecks,
    faultChecks(podmanWords('e unshare sh -c')),
  ],
  buildah: [buildahChecks, faultChecks(buildahWords)],
  docker: [...common, unitChecks, checkpointChecks, daemonChecks, faultChecks(dockerWords)],
  remapped: [remapChecks],
  swarm: [swarmChecks],
  containerd: [ctrChecks, checkpointChecks, faultChecks(ctrWords)],
  nerdctl: [nerdctlChecks, ...common, unitChecks, faultChecks(nerdctlWords)],
  cri: [crictlChecks, faultChecks(criWords)],
  crio: [crictlChecks, faultChecks(criWords)],
} as const satisfies Readonly<Record<string, Lists>>

export type EngineName = keyof typeof catalog

/** The checks that are meant for an engine, wherever it is. */
export const checksOf = (name: EngineName): readonly Check[] =>
  (catalog[name] as Lists)
    .flat()
    .filter(
      ({ only, except = [], managed = [] }) =>
        only?.includes(name) !== false && ![...except, ...managed].includes(name),
    )
