/** What the tests of the hostile suite share: a canary on the host, links that try to reach it, verdicts, races. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { isBefore, type Mended } from './advisories.js'
import type { Container, Result, Running } from './container.js'
import { type Mount, parseMounts } from './mountinfo.js'
import { payloadPath } from './payload.js'
import type { Runtime } from './runtime.js'

/** How often a race is tried; more with TRIES. */
export const tries = (ordinarily: number): number => Number(process.env.TRIES ?? ordinarily)

/** A tree of the host that no container may read, change or get into. */
export interface Canary {
  readonly path: string
  /** a text that is in its files and nowhere else */
  readonly secret: string
  /** what a change would show in: inode, mode, owner, links, size, ctime, and a hash of the contents */
  readonly snapshot: () => string
  /** The target of a symbolic link that leads out of any root, as it would to who resolves it on the host. */
  readonly up: string
}

const lineOf = (root: string, path: string): string => {
  const stat = lstatSync(join(root, path), { bigint: true })
  const fields = [path, stat.ino, stat.mode, stat.uid, stat.gid, stat.nlink, stat.rdev, stat.ctimeNs]
  if (stat.isFile()) {
    fields.push(
      createHash('sha256')
        .update(readFileSync(join(root, path)))
        .digest('hex')
        .slice(0, 16),
    )
  }
  if (stat.isSymbolicLink()) fields.push(readlinkSync(join(root, path)))
  return fields.join(' ')
}

/** A canary of its own for one test. Beside the container, thus on its file system, so that it can be linked hard. */
export const canary = (t: Test, dir = mkdtempSync(join(tmpdir(), 'tsrun-canary-'))): Canary => {
  const path = join(dir, 'canary')
  const secret = `secret-${Math.random().toString(36).slice(2)}`
  for (const name of ['pts', 'shm', 'attr', 'etc', 'fd']) mkdirSync(join(path, name), { recursive: true })
  for (const name of ['null', 'console', 'ptmx', 'file', 'etc/passwd', 'pts/0', 'attr/exec', 'core'])
    writeFileSync(join(path, name), secret, { mode: 0o640 })
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const snapshot = (): string =>
    ['', ...readdirSync(path, { recursive: true, encoding: 'utf8' }).sort()]
      .map(name => lineOf(path, name))
      .join('\n')
  return { path, secret, snapshot, up: `../../../../../../../../../../..${path}` }
}

const versions = new Map<string, string>()

const versionOf = (rt: Runtime): string => {
  const known = versions.get(rt.name)
  if (known !== undefined) return known
  const text = execFileSync(rt.program, ['--version'], { encoding: 'utf8' })
  const version = /version (\d+\.\d+(\.\d+)?)/.exec(text)?.[1] ?? '0'
  versions.set(rt.name, version)
  return version
}

/** Whether the runtime under test is a version of another one in which the hole is open. */
export const isOpenIn = (rt: Runtime, mended: Mended): boolean => {
  const first = mended[rt.name.slice(rt.name.lastIndexOf('/') + 1)]
  return first !== undefined && (first === 'never' || isBefore(versionOf(rt), first))
}

/** The verdict of an attack: it fails, except on the versions that are known for it; there it has to work. */
export const verdict = (t: Test, rt: Runtime, mended: Mended, escaped: boolean, what: string): void => {
  const open = isOpenIn(rt, mended)
  t.equal(escaped, open, open ? `${what}: this version of ${rt.name} falls for it` : what)
}

/** Runs a command that needs a terminal: `run` in the foreground with a pty of its own. */
export const runOnTerminal = (c: Container, ...flags: readonly string[]): Promise<Result> =>
  c.spawn(payloadPath(), 'pty', '24', '80', ...c.line('run', '--bundle', c.bundle, ...flags, c.id)).done

/** Puts a link in the place of whatever is at a path of the rootfs. */
export const linkTo = (c: Container, path: string, target: string): void => {
  rmSync(join(c.rootfs, path), { recursive: true, force: true })
  symlinkSync(target, join(c.rootfs, path))
}

/** Puts a hard link to a file of the host there. */
export const hardLinkTo = (c: Container, path: string, file: string): void => {
  rmSync(join(c.rootfs, path), { recursive: true, force: true })
  linkSync(file, join(c.rootfs, path))
}

/** Exchanges two names of the rootfs until `stop` is called. */
export const swapping = async (c: Container, a: string, b: string): Promise<() => Promise<void>> => {
  const swapper: Running = c.spawn(payloadPath(), 'swap', join(c.rootfs, a), join(c.rootfs, b))
  await swapper.says('"verb":"swap"')
  return async () => {
    swapper.child.kill('SIGKILL')
    await swapper.done
  }
}

const kernelTypes = ['proc', 'sysfs', 'tmpfs', 'devpts', 'mqueue', 'cgroup', 'cgroup2', 'ramfs']

/** Where we have what a mount shows: of a subvolume, or a bind mount, the kernel tells the path from its file system's top. */
const ourPaths = ({ device, root }: Mount): string[] =>
  parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'))
    .filter(
      ours => ours.device === device && `${root}/`.startsWith(ours.root === '/' ? '/' : `${ours.root}/`),
    )
    .map(ours => join(ours.point, root.slice(ours.root === '/' ? 0 : ours.root.length)))

/** The mounts in a mountinfo that show files of the host: see `strangers`. */
export const strangersIn = (c: Container, mountinfo: string, allowed: readonly string[] = []): Mount[] => {
  const isKnown = (path: string): boolean =>
    path.startsWith(c.rootfs) || allowed.some(each => path === each || path.startsWith(`${each}/`))
  return parseMounts(mountinfo).filter(
    mount =>
      !kernelTypes.includes(mount.type) &&
      mount.root !== '/null' &&
      !isKnown(mount.root) &&
      !ourPaths(mount).some(isKnown),
  )
}

/**
 * The mounts of a process that show files of the host: what is not the rootfs and no file system of the kernel's own.
 * `/null` is the mask. Mounts of `allowed` roots are those that the config asked for.
 */
export const strangers = (c: Container, pid: number, allowed: readonly string[] = []): Mount[] =>
  strangersIn(c, readFileSync(`/proc/${pid}/mountinfo`, 'utf8'), allowed)
