/** The image of the checks, made from this machine's busybox: nothing is fetched. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { payloadPath } from '../../support/payload.js'

const passwd = `root:x:0:0:root:/root:/bin/sh
user:x:1000:1000:user:/home:/bin/sh
www-data:x:33:33:www-data:/var:/bin/false
nobody:x:65534:65534:nobody:/:/bin/false
`
const group = `root:x:0:
user:x:1000:
extra:x:2000:user
www-data:x:33:
nogroup:x:65534:
`

const scripts = {
  // Looks like a web server of that name to whom asks for its name, its pid file, its command line or its log.
  nginx: `echo "$1"
httpd -f -p \${PORT:-80} -h /home &
mkdir -p /var/run && echo $$ > /var/run/nginx.pid
trap 'exit 0' TERM QUIT
wait`,
  // Debian's busybox lacks these.
  pgrep: 'cd /proc; for p in [0-9]*; do [ "$(cat $p/comm)" != "$1" ] || echo $p; done',
  ipcs: 'exec cat /proc/sysvipc/shm',
}

/** Writes `image.tar`, the tree of the image, into a directory; returns its path. */
export const imageTree = (dir: string): string => {
  const root = join(dir, 'image')
  for (const path of ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'sys', 'tmp', 'var'])
    mkdirSync(join(root, path), { recursive: true })
  chmodSync(join(root, 'tmp'), 0o1777)
  copyFileSync('/bin/busybox', join(root, 'bin', 'busybox'))
  copyFileSync(payloadPath(), join(root, 'bin', 'payload'))
  copyFileSync(payloadPath(), join(root, 'bin', 'setuid-payload'))
  chmodSync(join(root, 'bin', 'setuid-payload'), 0o4755)
  // Hard links, as in the image of that name: each is a file of its own to whom masks or mounts over it.
  for (const name of execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).split('\n'))
    if (name !== '' && name !== 'busybox') linkSync(join(root, 'bin', 'busybox'), join(root, 'bin', name))
  for (const [name, text] of Object.entries(scripts))
    writeFileSync(join(root, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  writeFileSync(join(root, 'home', 'index.html'), 'served\n')
  writeFileSync(join(root, 'etc', 'passwd'), passwd)
  writeFileSync(join(root, 'etc', 'group'), group)
  const tar = join(dir, 'image.tar')
  execFileSync('tar', ['-C', root, '--owner=0', '--group=0', '-cf', tar, '.'])
  return tar
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

export interface Image {
  /** whole references, such as `docker.io/library/box:latest` */
  readonly names: readonly string[]
  /** the `config` of the image's configuration */
  readonly config: Readonly<Record<string, unknown>>
  /** texts of files that replace those of the tree */
  readonly files?: Readonly<Record<string, string>>
}

const layerOf = (dir: string, files: Readonly<Record<string, string>>): Buffer => {
  const root = mkdtempSync(join(dir, 'layer-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return execFileSync('tar', ['-C', root, '--owner=0', '--group=0', '-c', '.'])
}

/** Writes an OCI layout of images that differ by their configurations alone; returns its path. */
export const imageLayout = (dir: string, images: readonly Image[]): string => {
  const layout = join(dir, 'layout')
  mkdirSync(join(layout, 'blobs', 'sha256'), { recursive: true })
  const blob = (mediaType: string, data: Buffer) => {
    const hash = createHash('sha256').update(data).digest('hex')
    writeFileSync(join(layout, 'blobs', 'sha256', hash), data)
    return { mediaType, digest: `sha256:${hash}`, size: data.length }
  }
  const json = (value: unknown) => Buffer.from(JSON.stringify(value))
  const layerType = 'application/vnd.oci.image.layer.v1.tar'
  const tree = blob(layerType, readFileSync(imageTree(dir)))
  const manifests = images.flatMap(({ names, config, files }) => {
    const layers = files === undefined ? [tree] : [tree, blob(layerType, layerOf(dir, files))]
    const configuration = blob(
      'application/vnd.oci.image.config.v1+json',
      json({
        architecture: architectures[process.arch],
        os: 'linux',
        config: { Env: ['PATH=/bin'], ...config },
        rootfs: { type: 'layers', diff_ids: layers.map(it => it.digest) },
      }),
    )
    const mediaType = 'application/vnd.oci.image.manifest.v1+json'
    const manifest = blob(mediaType, json({ schemaVersion: 2, mediaType, config: configuration, layers }))
    return names.map(name => ({
      ...manifest,
      annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name },
    }))
  })
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  writeFileSync(join(layout, 'index.json'), json({ schemaVersion: 2, manifests }))
  return layout
}

/** The layout of one image as an archive; returns its path. */
export const imageArchive = (dir: string, name: string, args: readonly string[]): string => {
  const tar = join(dir, 'archive.tar')
  execFileSync('tar', ['-C', imageLayout(dir, [{ names: [name], config: { Cmd: args } }]), '-cf', tar, '.'])
  return tar
}
