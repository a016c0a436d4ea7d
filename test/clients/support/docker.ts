/** dockerd with a containerd of its own, which it starts itself. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBox } from './box.js'
import type { Engine } from './check.js'
import { faultyRuntime } from './faults.js'
import { imageTree } from './image.js'
import { makeUser } from './podman.js'
import { readmeBlock, readmeWords } from './readme.js'
import { managed } from './systemd.js'

/** With `userns-remap` its containers have ids of a user of the box. */
export const docker = (name: 'docker' | 'remapped' = 'docker'): Engine => {
  const box = openBox(name)
  const { dir } = box
  const readme = JSON.parse(readmeBlock('default-runtime', box.runtime)) as { runtimes: object }
  const daemonJson = {
    ...readme,
    runtimes: { ...readme.runtimes, faulty: { path: faultyRuntime(box) } },
    ...(name === 'remapped' && { 'userns-remap': 'remap' }),
    'live-restore': name === 'docker',
    experimental: true, // docker's word for checkpoints
    ...(managed && (JSON.parse(`{${readmeWords('native.cgroupdriver')}}`) as object)),
    'cgroup-parent': box.parent,
    'data-root': join(dir, 'data'),
    'exec-root': '/run/docker',
    pidfile: '/run/docker.pid',
    hosts: ['unix:///run/docker.sock'],
    'default-address-pools': [{ base: '10.213.0.0/16', size: 24 }],
  }
  writeFileSync(join(dir, 'daemon.json'), JSON.stringify(daemonJson, null, 2))
  writeFileSync(
    join(dir, 'bin', 'e'),
    `#!/bin/sh
verb=$1; shift
exec env DOCKER_HOST=unix:///run/docker.sock docker "$verb" \${WITH:+--runtime $WITH} "$@"
`,
    { mode: 0o755 },
  )
  try {
    if (name === 'remapped') box.sh(makeUser(box, 'remap', 4323, '700000:65536'))
    box.daemon('dockerd', `dockerd --config-file ${dir}/daemon.json`, 'e version')
    const made = box.sh(`e import ${imageTree(dir)} box`)
    if (made.status !== 0) throw new Error(`docker import: ${made.stderr}`)
  } catch (error) {
    box.close()
    throw error
  }
  return {
    name,
    box,
    cleanUp: 'e ps -aq | xargs -r docker -H unix:///run/docker.sock rm -f > /dev/null',
  }
}
