// Speed of tsrun below engines, beside runc: `make bench-engines`. ROUNDS=N (20), ONLY=podman,docker.
// Each engine runs in the box of its tests and gets the runtimes in turn, one round after the other.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { importPlaced } from '../tools/ts.mjs'

const house = fileURLToPath(new URL('..', import.meta.url))
const rounds = Number(process.env.ROUNDS ?? 20)
const only = (process.env.ONLY ?? '').split(',').filter(Boolean)

if (process.getuid() !== 0) {
  console.error('make bench-engines starts containers, which needs root: sudo make bench-engines')
  process.exit(1)
}
process.env.TSRUN_RUNTIME = 'static'

const run = 'run --rm box true'
const engines = [
  { name: 'podman', module: 'podman', open: 'podman', said: 'podman run --rm', command: run },
  {
    name: 'containerd',
    module: 'containerd',
    open: 'containerd',
    said: 'ctr run --rm',
    command: 'run --rm docker.io/library/box:latest name true',
  },
  { name: 'docker', module: 'docker', open: 'docker', said: 'docker run --rm', command: run },
]

const cell = (value, width) => String(value).padStart(width)
console.log(`${rounds} rounds, interleaved; ms. /bin/true of a busybox image.\n`)
console.log(`${'command'.padEnd(18)}${'runtime'.padEnd(9)}  median   lowest   median / runc   lowest / runc`)

for (const engine of engines) {
  if (only.length > 0 && !only.some(part => engine.name.includes(part) || engine.said.includes(part)))
    continue
  const module = await importPlaced(join(house, 'test/clients/support', `${engine.module}.ts`))
  const { box } = module[engine.open]()
  try {
    const series = `tsrun e ${engine.command} , runc WITH=runc e ${engine.command}`
    const { status, stdout, stderr } = box.sh(
      `${join(house, 'build/side')} -n ${rounds} -w 2 -v ${series}`,
      rounds * 20,
    )
    if (status !== 0) throw new Error(`${engine.said}: ${stderr}`)
    const rows = stdout
      .trim()
      .split('\n')
      .map(line => line.split('\t'))
      .map(([name, median, lowest, , , failures]) => ({ name, median, lowest, failures: Number(failures) }))
    const runc = rows.find(({ name }) => name === 'runc')
    for (const { name, median, lowest, failures } of rows) {
      if (failures > 0) throw new Error(`${engine.said} with ${name} failed ${failures} times: ${stderr}`)
      const ratio = key => `${((key === 'median' ? median : lowest) / runc[key]).toFixed(2)} x`
      console.log(
        engine.said.padEnd(18) +
          name.padEnd(9) +
          cell(Number(median).toFixed(1), 8) +
          cell(Number(lowest).toFixed(1), 9) +
          cell(ratio('median'), 16) +
          cell(ratio('lowest'), 16),
      )
    }
  } finally {
    box.close()
  }
}
