// `run` of /bin/true on cgroup v2, with files and with systemd, beside crun, in the virtual machine of `make check-vm`:
//
//   make bench-vm            ROUNDS=N (20)
//
// It is emulated where there is no KVM: only ratios mean anything, and only while the host does nothing else. Every round runs
// each of the four once, so that noise hits all alike.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const house = fileURLToPath(new URL('..', import.meta.url))
const rounds = process.env.ROUNDS ?? '20'
const bundles = join(house, 'build/bundles')

/** In the machine: everything is copied first, because its files of the host are slow. */
function inside() {
  const work = mkdtempSync('/run/tsrun-bench.')
  const copy = from => {
    const to = join(work, relative(house, from).replaceAll('/', '-'))
    cpSync(from, to, { recursive: true, verbatimSymlinks: true })
    return to
  }
  const timer = copy(join(house, 'build/side'))
  const runtimes = { tsrun: copy(join(house, 'build/tsrun')), crun: 'crun' }
  const series = ['cgroupfs', 'systemd'].flatMap(manager =>
    Object.entries(runtimes).map(([name, program]) => ({
      manager,
      name,
      program,
      id: `bench-${name}-${manager}`,
    })),
  )
  const words = series.map(({ manager, program, id }) => {
    const bundle = join(work, id)
    cpSync(join(bundles, 'minimal'), bundle, { recursive: true, verbatimSymlinks: true })
    const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'))
    config.process.args = ['/bin/true']
    config.linux.cgroupsPath = manager === 'systemd' ? `bench.slice:bench:${id}` : `/bench/${id}`
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config))
    const options = [
      '--root',
      join(work, `root-${id}`),
      ...(manager === 'systemd' ? ['--systemd-cgroup'] : []),
    ]
    return [program, ...options, 'run', '--bundle', bundle, id]
  })
  for (const [program, ...args] of words) {
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
  }
  const list = words.flatMap((line, i) => [...(i > 0 ? [','] : []), String(i), ...line])
  const lines = execFileSync(timer, ['-n', rounds, '-w', '2', ...list], { encoding: 'utf8' })
    .trimEnd()
    .split('\n')
  const results = lines.map(line => {
    const [, median, lowest, , , failures] = line.split('\t').map(Number)
    return { median, lowest, failures }
  })
  console.log(`run /bin/true on cgroup v2, ${rounds} rounds, interleaved; ms`)
  for (const [i, { manager, name }] of series.entries()) {
    const { median, lowest, failures } = results[i]
    const crun = results[series.findIndex(other => other.manager === manager && other.name === 'crun')]
    const ratio = `${(lowest / crun.lowest).toFixed(2)} x crun, lowest; ${(median / crun.median).toFixed(2)} x median`
    console.log(
      `${manager.padEnd(10)}${name.padEnd(7)}lowest ${lowest.toFixed(1).padStart(8)}  median ${median.toFixed(1).padStart(8)}  ${name === 'crun' ? '' : ratio}${failures > 0 ? ` (${failures} failed)` : ''}`,
    )
  }
  rmSync(work, { recursive: true })
}

function outside([vmTest]) {
  if (!vmTest || !existsSync(vmTest)) {
    console.error(
      'make bench-vm needs a program that boots a virtual machine: VM_TEST=PROGRAM (tools/checkvm.mjs)',
    )
    process.exit(1)
  }
  execFileSync(process.execPath, [join(house, 'tools/bundle.mjs'), 'minimal'], { stdio: 'ignore' })
  const command = ['env', `ROUNDS=${rounds}`, 'node', 'bench/vm.mjs', '--inside']
  const line = ['--share', house, '--timeout', '1800', '--', ...command]
  process.exit(spawnSync(vmTest, line, { cwd: house, stdio: 'inherit' }).status ?? 1)
}

if (process.argv[2] === '--inside') inside()
else outside(process.argv.slice(2))
