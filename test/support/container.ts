/** A container of one test: a bundle of its own, a state root of its own, and every command of the runtime. */
import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { defaultConfig, type JsonObject, merge } from './config.js'
import { type Leaks, leaksOf, mountsBelow, nothing, processesOf, removeCgroups } from './leaks.js'
import { type Answer, answersIn, payloadPath, type Report, script, type Verb } from './payload.js'
import type { Runtime } from './runtime.js'

export interface Result {
  /** exit status, or -1 when a signal or the time limit ended it */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** The fields of `state` that every runtime prints. */
export interface State {
  readonly ociVersion: string
  readonly id: string
  readonly pid: number
  readonly status: string
  readonly bundle: string
  readonly rootfs: string
  readonly created: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly owner: string
}

/** A command that goes on while the test does. */
export interface Running {
  readonly child: ChildProcess
  /** What came until now. */
  readonly stdout: () => string
  /** Resolves when the output holds the text; rejects after the time limit. */
  readonly says: (text: string) => Promise<void>
  readonly done: Promise<Result>
}

export interface Container {
  readonly id: string
  /** holds all that is of this test; removed after it */
  readonly dir: string
  readonly bundle: string
  readonly rootfs: string
  readonly stateRoot: string
  /** Patches the config as it is now, and writes it. */
  readonly configure: (patch: JsonObject) => void
  /** Edits config.json as text: for what JSON.stringify cannot write. */
  readonly rewrite: (edit: (text: string) => string) => void
  /** The runtime's command line with its global options. */
  readonly line: (...args: readonly string[]) => string[]
  /** Runs one command of the runtime, with its output in pipes. */
  readonly call: (...args: readonly string[]) => Result
  /** Runs one command of the runtime that leaves a process behind; its output goes to `output()`. */
  readonly leave: (...args: readonly string[]) => Result
  /** The same as `call` with another runtime. */
  readonly callAs: (runtime: Runtime, ...args: readonly string[]) => Result
  readonly create: (...flags: readonly string[]) => Result
  readonly start: () => Result
  readonly state: () => State
  readonly kill: (signal?: string) => Result
  readonly del: (...flags: readonly string[]) => Result
  readonly run: (...flags: readonly string[]) => Result
  /** Runs the payload's verbs in a container to their end, and returns their answers. */
  readonly ask: (...verbs: readonly Verb[]) => Answer[]
  readonly report: () => Report
  /** Starts any command with this test's environment and does not wait for it. */
  readonly spawn: (...argv: readonly string[]) => Running
  /** What a container made by `create` or `run --detach` printed until now. */
  readonly output: () => string
  /** Waits until the container's process has ended. */
  readonly ended: (pid: number) => void
  readonly leaks: () => Leaks
}

/** Milliseconds that a command may take: on a machine with other work the npm form took 40 s for a hundred hooks. */
const limit = 60_000
let counter = 0

/** A teardown that throws would keep the others from running, so what is left is told at the end of the file. */
const leftBehind: string[] = []
tap.teardown(() => {
  if (leftBehind.length > 0) throw new Error(`left behind by\n${leftBehind.join('\n')}`)
})

/** Blocks for some milliseconds: the tests are as synchronous as the runtime. */
export const pause = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/** Waits for a condition; false when it has not come within the time. */
export const until = (condition: () => boolean, milliseconds = 20_000): boolean => {
  for (const end = Date.now() + milliseconds; Date.now() < end; pause(5)) if (condition()) return true
  return condition()
}

/** The same for what is told by events. */
export const soon = async (condition: () => boolean, milliseconds = 20_000): Promise<boolean> => {
  for (const end = Date.now() + milliseconds; Date.now() < end && !condition(); )
    await new Promise(resolve => setTimeout(resolve, 5))
  return condition()
}

/** Whether a process has something open whose name holds these words. */
export const hasOpen = (pid: number | undefined, words: string): boolean => {
  try {
    const directory = `/proc/${pid}/fd`
    return readdirSync(directory).some(fd => readlinkSync(`${directory}/${fd}`).includes(words))
  } catch {
    return false // it has ended, or closed one meanwhile
  }
}

const isOver = (pid: number): boolean => {
  try {
    return /^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return true
  }
}

const result = (done: SpawnSyncReturns<string>): Result => ({
  // It may have ended well, and a container that it left behind kept our pipes open: that is what `leave` is for.
  status: done.error === undefined ? (done.status ?? -1) : -1,
  stdout: done.stdout ?? '',
  stderr: `${done.stderr ?? ''}${done.error === undefined ? '' : done.error.message}`,
})

const environment = (tag: string): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  // Where a user's systemd is.
  XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR,
  TSRUN_TEST_TAG: tag,
})

const spawned = (argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Running => {
  const child = spawn(argv[0] ?? '', argv.slice(1), { cwd, env, stdio: 'pipe' })
  let stdout = ''
  let stderr = ''
  let closed = false
  child.stdin.on('error', () => {}) // it ended without reading all; its status says why
  child.stdout.on('data', data => {
    stdout += data
  })
  child.stderr.on('data', data => {
    stderr += data
  })
  const timer = setTimeout(() => {
    child.kill('SIGKILL')
    child.stdout.destroy() // a container that lives on keeps them open
    child.stderr.destroy()
  }, limit)
  const done = new Promise<Result>(resolve => {
    child.on('close', status => {
      closed = true
      clearTimeout(timer)
      resolve({ status: status ?? -1, stdout, stderr })
    })
  })
  const says = async (text: string) => {
    await soon(() => stdout.includes(text) || closed)
    if (!stdout.includes(text)) throw new Error(`${argv.join(' ')} never said ${text}: ${stdout}${stderr}`)
  }
  return { child, stdout: () => stdout, says, done }
}

/** Makes the bundle: a rootfs with the payload and the directories that an image has. */
const makeBundle = (dir: string, config: JsonObject): void => {
  for (const path of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp', 'mnt', 'run'])
    mkdirSync(join(dir, 'bundle', 'rootfs', path), { recursive: true })
  copyFileSync(payloadPath(), join(dir, 'bundle', 'rootfs', 'bin', 'payload'))
  writeFileSync(join(dir, 'bundle', 'config.json'), JSON.stringify(config, null, 2))
}

/**
 * A container that exists only as a bundle yet. After the test it is deleted by force, and the test fails when
 * anything of it is left on the host.
 */
export const container = (t: Test, rt: Runtime, patch: JsonObject = {}): Container => {
  const id = `tsrun-test-${process.pid}-${counter++}`
  const dir = mkdtempSync(join(tmpdir(), `${id}-`))
  chmodSync(dir, 0o711) // a mapped root has to come through
  const bundle = join(dir, 'bundle')
  const stateRoot = join(dir, 'state')
  const env = environment(id)
  let config = merge(defaultConfig(id), patch)
  makeBundle(dir, config)

  const configure = (change: JsonObject) => {
    config = merge(config, change)
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config, null, 2))
  }
  const rewrite = (edit: (text: string) => string) => {
    const path = join(bundle, 'config.json')
    const text = readFileSync(path, 'utf8')
    const edited = edit(text)
    if (edited === text) throw new Error('the edit of config.json changed nothing')
    writeFileSync(path, edited)
  }
  const lineAs = (runtime: Runtime, args: readonly string[]) => [
    ...runtime.argv,
    '--root',
    stateRoot,
    ...args,
  ]
  const line = (...args: readonly string[]) => lineAs(rt, args)
  const callAs = (runtime: Runtime, ...args: readonly string[]): Result => {
    const argv = lineAs(runtime, args)
    const options = { cwd: bundle, env, encoding: 'utf8', timeout: limit, killSignal: 'SIGKILL' } as const
    return result(spawnSync(argv[0] ?? '', argv.slice(1), options))
  }
  const call = (...args: readonly string[]) => callAs(rt, ...args)
  /** With files for output: a container holds them open, and a pipe would only end when the container does. */
  const callToFiles = (...args: readonly string[]): Result => {
    const argv = line(...args)
    const out = openSync(join(dir, 'out'), 'a')
    const err = openSync(join(dir, 'err'), 'w')
    const { status } = spawnSync(argv[0] ?? '', argv.slice(1), {
      cwd: bundle,
      env,
      stdio: ['ignore', out, err],
      timeout: limit,
      killSignal: 'SIGKILL',
    })
    closeSync(out)
    closeSync(err)
    return { status: status ?? -1, stdout: output(), stderr: readFileSync(join(dir, 'err'), 'utf8') }
  }
  const output = () => (existsSync(join(dir, 'out')) ? readFileSync(join(dir, 'out'), 'utf8') : '')
  const detached = (flags: readonly string[]) => flags.includes('--detach') || flags.includes('-d')
  const run = (...flags: readonly string[]) =>
    (detached(flags) ? callToFiles : call)('run', '--bundle', bundle, ...flags, id)
  const ask = (...verbs: readonly Verb[]) => {
    configure({ process: { args: script(...verbs) } })
    const done = run()
    if (done.status !== 0) throw new Error(`run: status ${done.status}: ${done.stderr}${done.stdout}`)
    return answersIn(done.stdout)
  }
  const leaks = () => leaksOf(id, stateRoot, dir)

  t.teardown(() => {
    call('delete', '--force', id)
    until(() => processesOf(id).length === 0, 1000)
    const left = leaks()
    for (const pid of processesOf(id)) process.kill(pid, 'SIGKILL')
    for (const point of mountsBelow(dir).reverse()) spawnSync('umount', ['-l', point])
    removeCgroups(id)
    if (mountsBelow(dir).length === 0) rmSync(dir, { recursive: true, force: true })
    if (JSON.stringify(left) !== JSON.stringify(nothing))
      leftBehind.push(`${t.fullname}: ${JSON.stringify(left)}`)
  })

  return {
    id,
    dir,
    bundle,
    rootfs: join(bundle, 'rootfs'),
    stateRoot,
    configure,
    rewrite,
    line,
    call,
    callAs,
    leave: callToFiles,
    create: (...flags) => callToFiles('create', '--bundle', bundle, ...flags, id),
    start: () => call('start', id),
    state: () => {
      const { status, stdout, stderr } = call('state', id)
      if (status !== 0) throw new Error(`state: status ${status}: ${stderr}`)
      return JSON.parse(stdout) as State
    },
    kill: signal => call('kill', id, ...(signal === undefined ? [] : [signal])),
    del: (...flags) => call('delete', ...flags, id),
    run,
    ask,
    report: () => ask(['report'])[0] as unknown as Report,
    spawn: (...argv) => spawned(argv, bundle, env),
    output,
    ended: pid => {
      if (!until(() => isOver(pid))) throw new Error(`process ${pid} of ${id} has not ended`)
    },
    leaks,
  }
}
