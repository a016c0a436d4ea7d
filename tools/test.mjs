// Runs tests: node tools/test.mjs [--jobs N] [--timeout SECONDS] [--verbose] [--show] [--only-bundle | --no-bundle] SUITE|FILE…
//
// A suite is a directory of test/, `lint`, `fuzz` (the shim's decoder, SECONDS or 60) or `no-openat2` (what touches containers once more,
// in the static form, with openat2 refused). esbuild bundles every *.test.ts once, and each file runs in a node of its
// own; tap's runner loads a TypeScript compiler for each file (0.7 s against 0.15). `npx tap FILE` runs the same files.
// Quiet on success (--show: all points); of a failure the whole output. The last line counts asserts: `N passed, N failed, N skipped`.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { availableParallelism, release } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'
import { Parser } from 'tap-parser'
import { keepUrls } from './ts.mjs'

const house = fileURLToPath(new URL('..', import.meta.url))
const built = join(house, 'build/tests')
/** Suites that count what they leave on the machine cannot share it. (Each engine of `clients` has namespaces of its own.) */
const alone = new Set(['integration', 'advisories', 'hostile', 'no-openat2', 'conformance', 'oci'])
/** Seconds that a file of these suites may take: the programs of `oci` poll, and are compiled first. */
const patience = { oci: 1800, hostile: 900 }

const suiteNames = new Set(['unit', 'golden', 'shim', 'clients', ...alone])
/** Suites that are no directory: which files of others they run, and in which environment. */
const again = {
  'no-openat2': {
    of: ['integration', 'advisories', 'hostile'],
    // What is slow and looks into no root is not run again. CRIU cannot dump behind a filter, and a user cannot load one.
    but: /hostile\/(faults|fuzz|load|kill|disk|races)\.test|integration\/(checkpoint|delegated|rootless)|CVE-2026-119101/,
    env: { TSRUN_WITHOUT: 'openat2', TSRUN_RUNTIME: 'static', TRIES: '10' },
  },
}

const options = { jobs: 2, timeout: undefined, verbose: false, show: false, bundle: true, run: true }
const asked = []
for (let args = process.argv.slice(2); args.length > 0; ) {
  const arg = args.shift()
  if (arg === '--verbose' || arg === '--show') options[arg.slice(2)] = true
  else if (arg === '--no-bundle') options.bundle = false
  else if (arg === '--only-bundle') options.run = false
  else if (arg === '--jobs' || arg === '--timeout') options[arg.slice(2)] = Number(args.shift())
  else asked.push(arg)
}

const total = { passed: 0, failed: 0, skipped: 0 }
const reasons = new Map()
/** What failed, said again at the end: the output of a long run may be cut. */
const failures = []

function testsOf(path) {
  const row = again[path]
  if (row !== undefined) return row.of.flatMap(testsOf).filter(file => !row.but.test(file))
  if (path.endsWith('.test.ts')) return [resolve(path)]
  const dir = [join(house, 'test', path), resolve(path)].find(
    it => existsSync(it) && statSync(it).isDirectory(),
  )
  if (dir === undefined && suiteNames.has(path)) return [] // git keeps no empty directory
  if (dir === undefined) throw new Error(`no suite or file ${path}`)
  return readdirSync(dir, { recursive: true })
    .filter(file => file.endsWith('.test.ts'))
    .map(file => join(dir, file))
    .sort()
}

const bundleOf = file => join(built, relative(join(house, 'test'), file).replace(/\.ts$/, '.mjs'))

async function bundle(files) {
  await esbuild.build({
    entryPoints: files,
    outdir: built,
    outbase: join(house, 'test'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: true,
    logLevel: 'error',
    plugins: [keepUrls],
  })
}

/** What slows or changes node, and what an outer tap left. */
function environment(timeout, more) {
  const env = { ...process.env, ...more }
  for (const name of Object.keys(env)) if (/^(NODE_|TAP)/.test(name)) delete env[name]
  // The whole file may take as long: tap would end it after 30 s.
  return { ...env, TSRUN_TIMEOUT: String(timeout), TAP_TIMEOUT: String(timeout) }
}

/** Ends a test file and takes away what its containers, which carry its pid, left on the machine: it had no time to. */
async function endFile(pid) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // it has ended
  }
  const outfile = join(built, 'sweep.mjs')
  const source = join(house, 'test/support/leaks.ts')
  esbuild.buildSync({
    entryPoints: [source],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
  })
  const { sweep } = await import(outfile)
  sweep(`tsrun-test-${pid}-`)
}

/** The process groups of files that run. They are not of the terminal's: who interrupts this ends them, too. */
const running = new Set()
for (const [signal, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 })) {
  process.on(signal, async () => {
    for (const pid of running) await endFile(pid)
    process.exit(128 + number)
  })
}

/** Runs a command in a process group of its own; { status, output } with both streams in order. */
function run(command, args, timeout = options.timeout ?? 300, more = {}) {
  return new Promise(done => {
    const child = spawn(command, args, {
      cwd: house,
      env: environment(timeout, more),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    running.add(child.pid)
    const chunks = []
    let late = false
    const timer = setTimeout(() => {
      late = true
      endFile(child.pid)
    }, timeout * 1000)
    child.stdout.on('data', chunk => chunks.push(chunk))
    child.stderr.on('data', chunk => chunks.push(chunk))
    child.on('error', error => done({ status: error.message, output: '' }))
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      running.delete(child.pid)
      const status = late ? `no end after ${timeout} s` : (signal ?? code)
      done({ status, output: Buffer.concat(chunks).toString() })
    })
  })
}

/** Counts the leaves of a TAP stream of the file `name`. */
function count(name, output) {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const watch = parser => {
    let inner
    parser.on('child', child => {
      inner = child
      watch(child)
    })
    parser.on('assert', result => {
      const summary = inner !== undefined && inner.name === result.name
      inner = undefined
      if (result.skip) {
        counts.skipped++
        const reason = typeof result.skip === 'string' ? result.skip : 'no reason given'
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
      } else if (!summary || !result.ok) {
        if (result.ok || result.todo) counts.passed++
        else if (!summary) {
          counts.failed++
          failures.push(`${name}: ${result.fullname.slice(0, 300)}`)
        }
      }
    })
  }
  const parser = new Parser()
  watch(parser)
  parser.end(output)
  return counts
}

async function runFile(file, more) {
  const name = relative(house, file)
  const timeout = options.timeout ?? patience[name.split('/')[1]]
  const { status, output } = await run(
    process.execPath,
    ['--enable-source-maps', bundleOf(file)],
    timeout,
    more,
  )
  const counts = count(name, output)
  if (counts.failed === 0 && (status !== 0 || counts.passed + counts.skipped === 0)) {
    counts.failed = 1
    failures.push(`${name}: exit ${status}`)
  }
  if (counts.failed > 0) console.log(`--- ${name} (exit ${status})\n${output}--- end of ${name}`)
  else if (options.show)
    console.log(output.replaceAll(/^ *(# Subtest|1\.\.|# (time|{|})).*\n/gm, '').trimEnd())
  else if (options.verbose) console.log(`${name}: ${counts.passed} passed, ${counts.skipped} skipped`)
  return counts
}

/** Runs `jobs` of the thunks at a time. */
async function pool(thunks, jobs) {
  const results = []
  let next = 0
  const worker = async () => {
    while (next < thunks.length) {
      const at = next++
      results[at] = await thunks[at]()
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  return results
}

async function suite(name, thunks, jobs) {
  const start = performance.now()
  const sum = { passed: 0, failed: 0, skipped: 0 }
  for (const counts of await pool(thunks, jobs)) for (const key in sum) sum[key] += counts[key]
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const skipped = sum.skipped === 0 ? '' : `, ${sum.skipped} skipped`
  console.log(`${name}: ${sum.passed} passed, ${sum.failed} failed${skipped} (${seconds} s)`)
  for (const key in total) total[key] += sum[key]
}

const warnings = '-std=gnu11 -Wall -Wextra -Wshadow -Wconversion -Wswitch-enum -Werror -fsyntax-only'.split(
  ' ',
)
const local = name => join(house, 'node_modules/.bin', name)
const shimSources = () =>
  readdirSync(join(house, 'shim'))
    .filter(file => file.endsWith('.c'))
    .map(file => join('shim', file))

const checks = {
  lint: [
    ['types', local('tsc'), ['-p', '.']],
    ['biome', local('biome'), ['check', '--error-on-warnings', '.']],
    ['cc shim', 'gcc', [...warnings, '-ffreestanding', ...shimSources()]],
    ['cc bench', 'gcc', [...warnings, 'bench/side.c']],
  ],
  fuzz: [['fuzz', process.execPath, ['test/shim/fuzz.mjs', process.env.SECONDS ?? '60']]],
}

async function check([name, command, args]) {
  const { status, output } = await run(command, args)
  const ok = status === 0
  if (!ok) {
    failures.push(`${name}: exit ${status}`)
    console.log(
      `--- ${name}: ${relative(house, command) || command} ${args.join(' ')} (exit ${status})\n${output}--- end of ${name}`,
    )
  }
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 }
}

const suites = asked.map(name => ({ name, files: name in checks ? [] : testsOf(name) }))
const everything = suites.flatMap(({ files }) => files)
if (options.bundle && everything.length > 0) await bundle(everything)
if (!options.run) process.exit(0)
console.log(`${availableParallelism()} processors, Linux ${release()}, Node.js ${process.version}`)
for (const { name, files } of suites) {
  if (name in checks)
    await suite(
      name,
      checks[name].map(it => () => check(it)),
      options.jobs,
    )
  else
    await suite(
      name,
      files.map(file => () => runFile(file, again[name]?.env)),
      alone.has(name) ? 1 : options.jobs,
    )
}
for (const failure of failures) console.log(`failed: ${failure}`)
for (const [reason, times] of reasons) console.log(`skipped ${times}: ${reason}`)
console.log(
  `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
)
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0
