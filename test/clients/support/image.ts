/** The image of the checks, made from this machine's busybox: nothing is fetched. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { payloadPath } from '../../support/payload.js'

const passwd = 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n'
const group = 'root:x:0:\nuser:x:1000:\nextra:x:2000:user\n'

/** Writes `image.tar`, the tree of the image, into a directory; returns its path. */
export const imageTree = (dir: string): string => {
  const root = join(dir, 'image')
  for (const path of ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'sys', 'tmp', 'var'])
    mkdirSync(join(root, path), { recursive: true })
  chmodSync(join(root, 'tmp'), 0o1777)
  copyFileSync('/bin/busybox', join(root, 'bin', 'busybox'))
  copyFileSync(payloadPath(), join(root, 'bin', 'payload'))
  for (const name of execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).split('\n'))
    if (name !== '' && name !== 'busybox') symlinkSync('busybox', join(root, 'bin', name))
  writeFileSync(join(root, 'etc', 'passwd'), passwd)
  writeFileSync(join(root, 'etc', 'group'), group)
  const tar = join(dir, 'image.tar')
  execFileSync('tar', ['-C', root, '--owner=0', '--group=0', '-cf', tar, '.'])
  return tar
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/** Writes an OCI archive with that tree as its only layer; returns its path. `name` is a whole reference. */
export const imageArchive = (dir: string, name: string, args: readonly string[]): string => {
  const layout = join(dir, 'layout')
  mkdirSync(join(layout, 'blobs', 'sha256'), { recursive: true })
  const blob = (mediaType: string, data: Buffer) => {
    const hash = createHash('sha256').update(data).digest('hex')
    writeFileSync(join(layout, 'blobs', 'sha256', hash), data)
    return { mediaType, digest: `sha256:${hash}`, size: data.length }
  }
  const json = (value: unknown) => Buffer.from(JSON.stringify(value))
  const layer = blob('application/vnd.oci.image.layer.v1.tar', readFileSync(imageTree(dir)))
  const config = blob(
    'application/vnd.oci.image.config.v1+json',
    json({
      architecture: architectures[process.arch],
      os: 'linux',
      config: { Env: ['PATH=/bin'], Cmd: args },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    }),
  )
  const manifest = blob(
    'application/vnd.oci.image.manifest.v1+json',
    json({ schemaVersion: 2, config, layers: [layer] }),
  )
  const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name }
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  writeFileSync(
    join(layout, 'index.json'),
    json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  )
  const tar = join(dir, 'archive.tar')
  execFileSync('tar', ['-C', layout, '-cf', tar, '.'])
  return tar
}
