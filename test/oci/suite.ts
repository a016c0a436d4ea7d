/** The OCI runtime-tools validation programs: where they are, and how they get there. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const toolsModule = 'github.com/opencontainers/runtime-tools'
/**
 * The newest version whose `ociVersion` (1.0.2) every runtime of a distribution takes: crun 1.8 refuses 1.1 and later. From
 * November 2025 on the programs also compare the pids limit by its address in memory, and fail with everybody.
 */
const version = 'v0.9.1-0.20221107090550-2e043c6bd626'

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tsrun')

const run = (
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string => {
  const done = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 600_000,
  })
  if (done.status === 0) return done.stdout
  throw new Error(`${command} ${args.join(' ')}: ${done.error?.message ?? done.stderr.trim()}`)
}

/**
 * The directory of the programs: SUITE, or what `go install` makes of the module, kept in the cache. Otherwise a sentence that says
 * what is missing.
 */
export const findSuite = (): { readonly dir: string } | { readonly missing: string } => {
  const asked = process.env.SUITE
  if (asked !== undefined && asked !== '') {
    return existsSync(join(asked, 'runtimetest'))
      ? { dir: asked }
      : { missing: `SUITE=${asked} holds no runtimetest` }
  }
  const dir = join(cache, `runtime-tools-${version}`)
  if (existsSync(dir)) return { dir }
  if (spawnSync('go', ['version']).status !== 0) {
    return { missing: 'needs Go (apt-get install golang-go), or SUITE=DIR with the programs built' }
  }
  mkdirSync(cache, { recursive: true })
  const made = mkdtempSync(join(cache, 'building-'))
  try {
    run('go', ['install', `${toolsModule}/validation/...@${version}`], { GOBIN: made })
    // It runs in the container, where there is no libc.
    run('go', ['install', `${toolsModule}/cmd/runtimetest@${version}`], { GOBIN: made, CGO_ENABLED: '0' })
    renameSync(made, dir)
  } finally {
    rmSync(made, { recursive: true, force: true })
  }
  return { dir }
}

export const programsOf = (dir: string): readonly string[] =>
  readdirSync(dir)
    .filter(name => name !== 'runtimetest' && !name.includes('.'))
    .sort()

/** The architectures of Node by the names of Go, which the tarball's name has. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }

/** pidfile kills `true` when it is running, so it runs for a while. */
const slowTrue = '#!/bin/sh\nsleep 1\n'

/**
 * poststart compares when a hook writes with when the container's program does. The hook runs as soon as the program is executed, and
 * is often the faster of the two: it waits, so that a hook before the program shows and one after it does not lose.
 */
const slowHook = `#!/bin/busybox sh
case "$2" in "echo 'post-start called'"*) /bin/busybox sleep 0.5 ;; esac
exec /bin/busybox sh "$@"
`

const scripts = { true: slowTrue, sh: slowHook }

/**
 * The runtime as the programs call it: nearly all look at what the container's process does as soon as `start` has returned, and
 * killsig sends a signal that a shell is about to trap.
 */
const patient = (command: string): string => `#!/bin/sh
if [ "$1" != start ]; then exec '${command}' "$@"; fi
'${command}' "$@"
status=$?
sleep 0.2
exit $status
`

/**
 * Makes a directory to run programs in, and returns the command for RUNTIME. They look for `runtimetest` and for the root file system,
 * here Debian's busybox. `runtimetest` is in that, too, because misc_props does not copy it.
 */
export const prepare = (suite: string, scratch: string, command: string): string => {
  chmodSync(scratch, 0o711) // root of a user namespace has to get through
  const root = join(scratch, 'rootfs')
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp'])
    mkdirSync(join(root, name), { recursive: true })
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'))
  for (const applet of run('/bin/busybox', ['--list']).trim().split('\n')) {
    if (!['busybox', ...Object.keys(scripts)].includes(applet))
      symlinkSync('busybox', join(root, 'bin', applet))
  }
  for (const [name, text] of Object.entries(scripts))
    writeFileSync(join(root, 'bin', name), text, { mode: 0o755 })
  for (const place of [root, scratch]) {
    copyFileSync(join(suite, 'runtimetest'), join(place, 'runtimetest'))
    chmodSync(join(place, 'runtimetest'), 0o755)
  }
  const tarball = join(scratch, `rootfs-${architectures[process.arch] ?? process.arch}.tar.gz`)
  run('tar', ['-C', root, '-czf', tarball, '.'])
  rmSync(root, { recursive: true })
  const wrapper = join(scratch, 'runtime')
  writeFileSync(wrapper, patient(command), { mode: 0o755 })
  return wrapper
}
