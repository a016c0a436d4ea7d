/** One validation program: run apart from the machine, and judged by what it printed. */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

export interface Outcome {
  /** how many points are `ok`, and what the others say */
  readonly passed: number
  readonly failed: readonly string[]
  readonly status: number | string
  readonly output: string
}

/** Seconds. The slowest ones poll for 10, some of them twice. */
const limit = 90

/**
 * A pid namespace ends whatever is left with the program; the mount namespace hides a private /run (the runtime's state) and, where
 * cgroup v1 has the controllers, the v2 tree beside it: crun refuses such a mixture, and the programs know v1 only.
 */
const apart = `
mount -t tmpfs tmpfs /run
[ ! -d /sys/fs/cgroup/unified ] || umount /sys/fs/cgroup/unified 2> /dev/null || :
exec "$0"
`

const unshare = ['unshare', '--pid', '--mount', '--fork', '--kill-child', '--mount-proc']

/**
 * The points of a TAP stream. Some programs have none and tell an error by a diagnostic before the first, some by an exit status and a
 * line that is no TAP at all.
 */
const pointsOf = (output: string, status: number | string): { passed: number; failed: string[] } => {
  const failed: string[] = []
  let passed = 0
  for (const line of output.split('\n')) {
    const point = /^(not )?ok \d+(?: - )?(.*)$/.exec(line)
    const error = /^ {4}"error": "(.*)",?$/.exec(line)
    if (point?.[1] !== undefined) failed.push(point[2] ?? '')
    else if (point !== null) passed++
    else if (passed + failed.length === 0 && error !== null) failed.push(error[1] ?? '')
    else if (status !== 0 && / MUST /.test(line)) failed.push(line)
  }
  return { passed, failed }
}

/** Runs a program of `scratch` with RUNTIME set. */
export const runProgram = (program: string, runtime: string, scratch: string): Promise<Outcome> =>
  new Promise(done => {
    const temporary = join(scratch, `tmp-${program.slice(program.lastIndexOf('/') + 1)}`)
    mkdirSync(temporary, { recursive: true, mode: 0o711 })
    const [command = '', ...args] = [...unshare, 'sh', '-c', apart, program]
    const child = spawn(command, args, {
      cwd: scratch,
      env: { PATH: process.env.PATH, RUNTIME: runtime, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const chunks: Buffer[] = []
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, limit * 1000)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      rmSync(temporary, { recursive: true, force: true })
      const output = Buffer.concat(chunks).toString()
      const status = late ? `no end after ${limit} s` : (code ?? signal ?? 'no status')
      done({ ...pointsOf(output, status), status, output })
    })
  })

const v1 = '/sys/fs/cgroup'
/** Names that the programs give: an id, or what they ask for by `cgroupsPath`. */
const theirs = /^([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|cgrouptest|testdir)$/

const cgroups = (dir: string, depth: number): string[] => {
  let names: string[] = []
  try {
    names = readdirSync(dir)
  } catch {
    // Gone meanwhile.
  }
  const found: string[] = []
  for (const name of names) {
    const path = join(dir, name)
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) continue
    if (theirs.test(name)) found.push(path)
    else if (depth > 0) found.push(...cgroups(path, depth - 1))
  }
  return found
}

/** Cgroups of theirs on this machine. */
export const cgroupsOfPrograms = (): readonly string[] => cgroups(v1, 1)

/** Removes what a program that was ended left of cgroups; whoever was in them died with its pid namespace. */
export const removeCgroup = (path: string): void => {
  for (const name of readdirSync(path)) {
    const below = join(path, name)
    if (statSync(below, { throwIfNoEntry: false })?.isDirectory() === true) removeCgroup(below)
  }
  try {
    rmdirSync(path)
  } catch {
    // Somebody else's, who is in it.
  }
}
