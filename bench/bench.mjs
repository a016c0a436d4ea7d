// Speed beside other runtimes: `make bench`. ROUNDS=N (40), ONLY=static,crun (runtimes whose names contain one of these),
// ROWS=exec,state (measures whose names do), MANY=1 (list and state with 5 and with 500 containers, some minutes).
// Every round runs each runtime once, so that noise hits all alike; what is printed are medians and ratios, each twice: back to
// back, as many containers are started at once, and rested, as one is started now and then. They differ: who moves a process
// between cgroups waits for an RCU grace period, 7 to 20 ms on an idle machine, which is under way already on a busy one.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { many } from './many.mjs'
import { measuresOf } from './measures.mjs'
import { peers } from './peers.mjs'

const house = fileURLToPath(new URL('..', import.meta.url))
const rounds = process.env.ROUNDS ?? '40'

if (process.getuid() !== 0) {
  console.error('make bench starts containers, which needs root: sudo make bench')
  process.exit(1)
}

// crun 1.8 refuses hybrid cgroups: everything runs in a mount namespace of its own that shows pure v1.
if (existsSync('/sys/fs/cgroup/unified') && process.env.TSRUN_BENCH_INSIDE !== '1') {
  const script = 'umount /sys/fs/cgroup/unified && exec "$@"'
  const { status } = spawnSync(
    'unshare',
    [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      script,
      'sh',
      process.execPath,
      ...process.argv.slice(1),
    ],
    { stdio: 'inherit', env: { ...process.env, TSRUN_BENCH_INSIDE: '1' } },
  )
  process.exit(status ?? 1)
}

/** bench/side.c, which runs the rounds. */
const timer = join(house, 'build/side')
const only = (process.env.ONLY ?? '').split(',').filter(Boolean)
const all = [
  { name: 'tsrun static', argv: [join(house, 'build/tsrun')] },
  { name: 'tsrun npm', argv: [join(house, 'bin/tsrun')] },
  ...peers(),
]
const work = mkdtempSync('/tmp/tsrun-bench.')
// As /run is: a state root on a disk would be measured, too.
const states = mkdtempSync(existsSync('/dev/shm') ? '/dev/shm/tsrun-bench.' : '/run/tsrun-bench.')

/** A copy of an example that runs `args`; its path. */
function bundle(name, from, args) {
  const dir = join(work, name)
  cpSync(join(house, 'build/bundles', from), dir, { recursive: true, verbatimSymlinks: true })
  const config = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8'))
  config.process.args = args
  writeFileSync(join(dir, 'config.json'), JSON.stringify(config))
  return dir
}

execFileSync(process.execPath, [join(house, 'tools/bundle.mjs'), 'minimal', 'seccomp-docker'], {
  stdio: 'ignore',
})
const bundles = {
  plain: bundle('plain', 'minimal', ['/bin/true']),
  seccomp: bundle('seccomp', 'seccomp-docker', ['/bin/true']),
  sleep: bundle('sleep', 'minimal', ['/bin/payload', 'wait']),
}

const runtimes = all
  .filter(({ name }) => only.length === 0 || only.some(part => name.includes(part)))
  .map((runtime, i) => ({ ...runtime, root: join(states, `root${i}`), id: `bench-${process.pid}-${i}` }))
for (const { root } of runtimes) mkdirSync(root)

const command = (runtime, ...args) => [...runtime.argv, '--root', runtime.root, ...args]
const side = (runtime, ...args) => [...(runtime.variables ?? []), ...command(runtime, ...args)]
const environment = runtime => ({
  ...process.env,
  ...Object.fromEntries((runtime.variables ?? []).map(variable => variable.split(/=(.*)/s).slice(0, 2))),
})
const call = (runtime, ...args) => {
  const [file, ...rest] = command(runtime, ...args)
  return spawnSync(file, rest, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(runtime),
  })
}

let usable = []
process.on('exit', () => {
  for (const rt of usable) call(rt, 'delete', '--force', rt.id)
  for (const dir of [work, states]) rmSync(dir, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

/** Not call(): the container would hold its pipes open. */
function leave(rt, ...args) {
  const [file, ...rest] = command(rt, ...args)
  const { status } = spawnSync(file, rest, { stdio: 'ignore', env: environment(rt) })
  if (status !== 0) throw new Error(`${rt.name}: ${args[0]} failed`)
}

const measures = measuresOf({ side, leave, call, bundles })

/** Which runtimes can do it at all; the others become notes. */
const notes = runtimes
  .filter(({ missing }) => missing !== undefined)
  .map(({ name, missing }) => `${name}: not measured (${missing})`)
usable = runtimes
  .filter(({ missing }) => missing === undefined)
  .filter(rt => {
    const { status, stderr, error } = call(rt, 'run', '--bundle', bundles.plain, rt.id)
    if (status === 0) return true
    notes.push(
      `${rt.name}: cannot run the bundle: ${
        String(error?.message ?? stderr)
          .trim()
          .split('\n')[0]
      }`,
    )
    call(rt, 'delete', '--force', rt.id)
    return false
  })
if (usable.length === 0) {
  console.log(notes.join('\n'))
  process.exit(1)
}

function measure({ before, words, after }, rest, among) {
  for (const rt of among) {
    // What a round left that failed.
    call(rt, 'delete', '--force', rt.id)
    before?.(rt)
  }
  try {
    const list = among.flatMap((rt, i) => [...(i > 0 ? [','] : []), String(i), ...words(rt)])
    const text = execFileSync(timer, ['-n', rounds, '-p', rest, ...list], {
      encoding: 'utf8',
    })
    return text
      .trimEnd()
      .split('\n')
      .map(line => {
        const [, median, lowest, , peak, failures] = line.split('\t').map(Number)
        return { median, lowest, peak, failures }
      })
  } finally {
    for (const rt of among) after?.(rt)
  }
}

const pad = (text, width) => String(text).padStart(width)
const ratio = (a, b) => (b === undefined ? '' : `${(a / b).toFixed(2)} x`)

/** The untimed pause before each command, in µs. */
const modes = { 'back to back': '0', rested: '12000' }
const runtimeColumn = 22
const rows = (process.env.ROWS ?? '').split(',').filter(Boolean)

console.log(
  `Medians of ${rounds} rounds, interleaved; ms. Peak: memory of one process, KiB. Rested: 12 ms of rest before each.\n`,
)
for (const [name, what] of Object.entries(measures)) {
  if (rows.length > 0 && !rows.some(part => name.includes(part))) continue
  const among = usable.filter(what.able ?? (() => true))
  if (among.length === 0) continue
  const base = among.findIndex(rt => rt.name.startsWith(what.against ?? 'crun'))
  const results = Object.values(modes).map(rest => measure(what, rest, among))
  const short = among[base]?.name.replace(/\+.*/, '') ?? 'none'
  const heads = Object.keys(modes).flatMap(mode => [mode, 'lowest', `/ ${short}`])
  console.log(name)
  console.log(`  ${'runtime'.padEnd(runtimeColumn)}${[...heads, 'peak'].map(it => pad(it, 13)).join('')}`)
  for (const [i, runtime] of among.entries()) {
    const own = results.map(result => result[i])
    const cells = results.flatMap(result => {
      const { median, lowest } = result[i]
      return [median.toFixed(2), lowest.toFixed(2), ratio(median, result[base]?.median)]
    })
    cells.push(Math.max(...own.map(({ peak }) => peak)))
    const failures = own.reduce((sum, it) => sum + it.failures, 0)
    const failed = failures > 0 ? `   ${failures} failed` : ''
    console.log(`  ${runtime.name.padEnd(runtimeColumn)}${cells.map(it => pad(it, 13)).join('')}${failed}`)
  }
  console.log()
}

if (process.env.MANY === '1') many(usable, { side, leave, call, bundles, rounds, timer })

/** Resident memory of `run` and its descendants, without the container. */
async function memoryBeside(rt) {
  const [file, ...args] = command(rt, 'run', '--bundle', bundles.sleep, rt.id)
  const child = spawn(file, args, { stdio: 'ignore', env: environment(rt) })
  await new Promise(done => setTimeout(done, 500))
  const { stdout } = call(rt, 'state', rt.id)
  const container = JSON.parse(stdout).pid
  let total = 0
  const visit = pid => {
    if (pid === container) return
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    total += Number(/VmRSS:\s*(\d+)/.exec(status)?.[1] ?? 0)
    for (const inner of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')) {
      if (inner !== '') visit(Number(inner))
    }
  }
  visit(child.pid)
  const ended = new Promise(done => child.on('exit', done))
  call(rt, 'kill', rt.id, 'KILL')
  await ended
  call(rt, 'delete', '--force', rt.id)
  return total
}

if (rows.length === 0) console.log('resident memory beside a foreground container, KiB')
for (const rt of rows.length === 0 ? usable : []) {
  const memory = await memoryBeside(rt).catch(error => `? (${error.message})`)
  console.log(`  ${rt.name.padEnd(22)}${pad(memory, 12)}`)
}
if (notes.length > 0) console.log(`${rows.length === 0 ? '\n' : ''}${notes.join('\n')}`)
