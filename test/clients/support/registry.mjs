// A registry to pull from, on 127.0.0.1: node registry.mjs LAYOUT PORT
//
// It serves the images of an OCI layout under every host's name. An image is found by `ns/repository:tag`, where ns is
// the registry that containerd's mirror stands for (CRI-O puts it before the repository), or by digest.
import { createReadStream, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'

const [layout, port] = process.argv.slice(2)
const { manifests } = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'))

const digestOf = (name, reference) =>
  reference.startsWith('sha256:')
    ? reference
    : manifests.find(it => it.annotations['org.opencontainers.image.ref.name'] === `${name}:${reference}`)
        ?.digest

const send = (request, response, digest, type) => {
  const path = join(layout, 'blobs', digest.replace(':', '/'))
  response.writeHead(200, {
    'content-type': type,
    'content-length': statSync(path).size,
    'docker-content-digest': digest,
  })
  if (request.method === 'HEAD') response.end()
  else createReadStream(path).pipe(response)
}

createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost')
  if (url.pathname === '/v2/') return response.end('{}')
  const [, repository, kind, reference] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(url.pathname) ?? []
  try {
    const ns = url.searchParams.get('ns')
    const name = ns === null ? repository : `${ns}/${repository}`
    const manifest = kind === 'manifests'
    send(
      request,
      response,
      manifest ? digestOf(name, reference) : reference,
      manifest ? 'application/vnd.oci.image.manifest.v1+json' : 'application/octet-stream',
    )
  } catch {
    response.writeHead(404).end()
  }
}).listen(Number(port), '127.0.0.1')
