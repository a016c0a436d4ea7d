/** An ordinary user for a test: known to /etc/passwd and /etc/subuid in a mount namespace of the command alone. */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Container, Result } from './container.js'
import { payloadPath, repository } from './payload.js'
import type { Runtime } from './runtime.js'

export const user = { id: 4321, name: 'tsrun-user', first: 500_000, count: 65_536 } as const

export interface UserOptions {
  /** lines of /etc/subuid and /etc/subgid; absent: a range */
  readonly subids?: string
  /** the environment's XDG_RUNTIME_DIR; null: none */
  readonly runtimeDir?: string | null
  /** more shell, as root, before the user is there */
  readonly prepare?: string
  readonly path?: string
  /** flags of setpriv */
  readonly setpriv?: readonly string[]
}

export interface User {
  /** below it are the bundle and the runtime directory, all the user's */
  readonly home: string
  readonly bundle: string
  readonly runtimeDir: string
  /** The runtime, as this user reaches it. */
  readonly argv: readonly string[]
  readonly line: (options: UserOptions, ...argv: readonly string[]) => string[]
  /** Runs a command of the runtime. */
  readonly call: (...args: readonly string[]) => Promise<Result>
  readonly callWith: (options: UserOptions, ...args: readonly string[]) => Promise<Result>
  /** A shell command. */
  readonly sh: (options: UserOptions, text: string) => Promise<Result>
}

/** The user, with a bundle of the payload; config.json is to be made by the test (`tsrun spec --rootless`). */
export const ordinaryUser = (c: Container, rt: Runtime): User => {
  const home = join(c.dir, 'home')
  const bundle = join(home, 'bundle')
  const runtimeDir = join(home, 'run')
  chmodSync(c.dir, 0o755)
  mkdirSync(join(bundle, 'rootfs', 'bin'), { recursive: true })
  mkdirSync(runtimeDir)
  for (const directory of ['dev', 'proc', 'sys', 'etc', 'tmp']) mkdirSync(join(bundle, 'rootfs', directory))
  copyFileSync(payloadPath(), join(bundle, 'rootfs', 'bin', 'payload'))
  for (const path of [home, bundle, runtimeDir, join(bundle, 'rootfs'), join(bundle, 'rootfs', 'dev')])
    chownSync(path, user.id, user.id)
  const etc = join(c.dir, 'etc')
  mkdirSync(etc)
  const append = (file: string, line: string) => {
    const path = join('/etc', file)
    const old = existsSync(path)
      ? readFileSync(path, 'utf8').replace(/^\w+:.*$/gm, text => (file.startsWith('sub') ? '' : text))
      : ''
    writeFileSync(join(etc, file), `${old.trim()}\n${line}\n`)
  }
  append('passwd', `${user.name}:x:${user.id}:${user.id}::${home}:/bin/sh`)
  append('group', `${user.name}:x:${user.id}:`)
  // The checkout may lie where an ordinary user cannot go, such as /root.
  const checkout = join(c.dir, 'checkout')
  mkdirSync(checkout)
  const argv = rt.argv.map(word =>
    word.startsWith(`${repository}/`) ? join(checkout, word.slice(repository.length)) : word,
  )

  const line = (options: UserOptions, ...words: readonly string[]): string[] => {
    const {
      subids = `${user.name}:${user.first}:${user.count}`,
      prepare = ':',
      runtimeDir: asked = runtimeDir,
    } = options
    for (const file of ['subuid', 'subgid']) append(file, subids)
    const mounts = ['passwd', 'group', 'subuid', 'subgid']
      .map(file => `[ -e /etc/${file} ] || : > /etc/${file}; mount --bind ${etc}/${file} /etc/${file}`)
      .join('; ')
    const checkedOut = `mount --bind '${repository}' ${checkout}`
    const id = `--reuid=${user.id} --regid=${user.id} --clear-groups ${(options.setpriv ?? []).join(' ')}`
    const env = [
      `PATH=${options.path ?? process.env.PATH}`,
      `TSRUN_NODE=${process.execPath}`,
      `HOME=${home}`,
      `TSRUN_TEST_TAG=${c.id}`,
      ...(asked === null ? [] : [`XDG_RUNTIME_DIR=${asked}`]),
    ]
    const script = `${mounts}; ${checkedOut}; ${prepare}; cd ${bundle}; exec setpriv ${id} env -i ${env.join(' ')} "$@"`
    return ['unshare', '--mount', 'sh', '-c', script, 'sh', ...words]
  }
  const callWith = (options: UserOptions, ...args: readonly string[]) =>
    c.spawn(...line(options, ...argv, ...args)).done
  return {
    home,
    bundle,
    runtimeDir,
    argv,
    line: (options, ...words) => line(options, ...words),
    call: (...args) => callWith({}, ...args),
    callWith,
    sh: (options, text) => c.spawn(...line(options, 'sh', '-c', `T='${argv.join(' ')}'; ${text}`)).done,
  }
}
