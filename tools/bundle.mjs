// Makes runnable bundles from the examples: node tools/bundle.mjs [--out DIR] [NAME…]
// bundles/NAME/config.json → build/bundles/NAME/{config.json,rootfs} (or DIR/NAME). Every other file of bundles/NAME is copied to
// the top of the rootfs. @BUNDLE@ in a config becomes the path of the bundle. Nothing is downloaded: the programs
// are busybox of the Debian package busybox-static, or the test payload where one program is enough.
import { execFileSync } from 'node:child_process'
import {
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildPayload } from './payload.mjs'

const repository = fileURLToPath(new URL('..', import.meta.url))
const busybox = '/bin/busybox'
const directories = [
  'bin',
  'dev',
  'dev/pts',
  'dev/shm',
  'dev/mqueue',
  'etc',
  'proc',
  'sys',
  'tmp',
  'root',
  'mnt',
  'run',
]

/** Bundles whose process is the payload, under the name of one of its verbs; all others get busybox. */
const payloadBundles = ['minimal', 'seccomp-docker']

const names = () =>
  readdirSync(join(repository, 'bundles'), { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)

const addPayload = bin => {
  copyFileSync(buildPayload(), join(bin, 'payload'))
  symlinkSync('payload', join(bin, 'true'))
}

const addBusybox = (bin, name) => {
  if (!existsSync(busybox))
    throw new Error(`bundle ${name}: no ${busybox}; type: apt-get install busybox-static`)
  copyFileSync(busybox, join(bin, 'busybox'))
  for (const applet of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n'))
    if (applet !== 'busybox') symlinkSync('busybox', join(bin, applet))
}

/** Root in a user namespace has to own the rootfs, to make mount points there. */
const giveTo = (rootfs, config) => {
  const owner = config.linux?.uidMappings?.find(({ containerID }) => containerID === 0)?.hostID
  const group = config.linux?.gidMappings?.find(({ containerID }) => containerID === 0)?.hostID
  if (owner === undefined || group === undefined || process.getuid() !== 0) return
  chownSync(rootfs, owner, group)
  for (const path of readdirSync(rootfs, { recursive: true })) lchownSync(join(rootfs, path), owner, group)
}

/** An ordinary user may map only itself. */
const ownedBy = (text, uid, gid) => {
  if (uid === 0) return text
  const config = JSON.parse(text)
  config.linux.uidMappings[0].hostID = uid
  config.linux.gidMappings[0].hostID = gid
  return JSON.stringify(config, null, 2)
}

const build = (out, name) => {
  const source = join(repository, 'bundles', name)
  const bundle = join(out, name)
  const rootfs = join(bundle, 'rootfs')
  if (!existsSync(join(source, 'config.json')))
    throw new Error(`no bundle ${name}; there are: ${names().join(' ')}`)
  rmSync(bundle, { recursive: true, force: true })
  for (const directory of directories) mkdirSync(join(rootfs, directory), { recursive: true })
  writeFileSync(join(rootfs, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  writeFileSync(join(rootfs, 'etc', 'group'), 'root:x:0:\n')
  if (payloadBundles.includes(name)) addPayload(join(rootfs, 'bin'))
  else addBusybox(join(rootfs, 'bin'), name)
  for (const file of readdirSync(source))
    if (file !== 'config.json') cpSync(join(source, file), join(rootfs, file), { recursive: true })
  // as text: a JSON round trip would round 64-bit numbers
  const text = readFileSync(join(source, 'config.json'), 'utf8').replaceAll('@BUNDLE@', bundle)
  const config = name === 'rootless' ? ownedBy(text, process.getuid(), process.getgid()) : text
  writeFileSync(join(bundle, 'config.json'), config)
  giveTo(rootfs, JSON.parse(config))
}

const words = process.argv.slice(2)
const out = words[0] === '--out' ? words.splice(0, 2)[1] : join(repository, 'build', 'bundles')
try {
  for (const name of words.length > 0 ? words : names()) build(out, name)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
