/** What of a bundle and of this machine criu is told when it restores: namespaces to join, cgroups, pipes. */
import { ConfigError, HostError } from '../base/errors.js'
import { O, openFile, tryRead } from '../sys/files.js'
import { readKernelFile } from '../sys/kernelfiles.js'

import type { LoadedBundle } from './bundle.js'
import { DESCRIPTORS, externalName, isHostFile, joinedPath, kernelNames } from './criu.js'

/** Namespaces that criu left out of the images, and wants open. */
export function openJoined({ spec }: LoadedBundle): { key: string; fd: number }[] {
  const found: { key: string; fd: number }[] = []
  for (const type of ['network', 'pid'] as const) {
    const path = joinedPath(spec, type)
    if (path !== undefined) found.push({ key: externalName(type), fd: openFile(path, O.RDONLY) })
  }
  return found
}

/** The others it joins by their paths. */
export function joinedByPath({ spec }: LoadedBundle): { namespace: string; file: string }[] {
  const found: { namespace: string; file: string }[] = []
  for (const type of ['mount', 'ipc', 'uts', 'user', 'cgroup', 'time'] as const) {
    const file = joinedPath(spec, type)
    if (file === undefined) continue
    if (type === 'cgroup')
      throw new ConfigError(
        '/linux/namespaces',
        'criu-cgroup',
        'criu cannot join a cgroup namespace by its path',
      )
    found.push({ namespace: kernelNames[type], file })
  }
  return found
}

/** What was the container's cgroup is where criu is now, in each hierarchy. */
export function cgroupRoots(criu: number): { controller: string; path: string }[] {
  const roots: { controller: string; path: string }[] = []
  for (const line of (readKernelFile(`/proc/${criu}/cgroup`) ?? '').split('\n')) {
    const [, controllers, ...rest] = line.split(':')
    if (controllers === undefined) continue
    for (const controller of controllers.split(',')) roots.push({ controller, path: rest.join(':') })
  }
  return roots
}

/** Pipes and files of the host that were stdio become our stdio; with `output` stdout and stderr become that descriptor of criu's. */
export function inheritedStdio(images: string, output: number | undefined): { key: string; fd: number }[] {
  const path = `${images}/${DESCRIPTORS}`
  const text = tryRead(path)
  if (text === undefined)
    throw new HostError(`there is no checkpoint in ${images}: ${DESCRIPTORS} is missing`)
  let names: unknown
  try {
    names = JSON.parse(text)
  } catch {
    throw new HostError(`${path} is damaged`)
  }
  if (!Array.isArray(names)) throw new HostError(`${path} is damaged`)
  const found: { key: string; fd: number }[] = []
  for (let fd = 0; fd < 3; fd++) {
    const key: unknown = names[fd]
    if (typeof key !== 'string' || !(key.startsWith('pipe:') || isHostFile(key))) continue
    const ours = fd > 0 && output !== undefined ? output : fd
    // criu closes what it was given, and would miss it the second time.
    if (!found.some(one => one.key === key && one.fd === ours)) found.push({ key, fd: ours })
  }
  return found
}
