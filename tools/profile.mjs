// Writes tools/rare.txt: what ordinary runs do not call, for tools/split.mjs. As root, after `make build`: node tools/profile.mjs
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const house = fileURLToPath(new URL('..', import.meta.url))
const dir = join(house, 'build/profile')
const log = join(dir, 'hits')

/** What this machine may not show: what is called where cgroup v2 is the only version, and what --systemd-cgroup calls. */
const also = [
  'cli/quickjs.ts start',
  'launch/cgroup.ts enableControllers',
  'launch/cgroup.ts words',
  'launch/devicefilter.ts attachDeviceFilter',
  'launch/devicefilter.ts block',
  'launch/devicefilter.ts deviceProgram',
  'lower/cgroup/convert.ts cpuMax',
  'lower/cgroup/convert.ts swapAlone',
  'lower/cgroup/convert.ts weightOfShares',
  'lower/cgroup/families.ts cpuMaxOf',
  'lower/cgroup/families.ts limitOf',
  'lower/cgroupmount.ts unified',
  'sys/files.ts openDirectory',
  'container/delete.ts endUnit',
  'container/sharedmounts.ts stopUnit',
  'container/systemd.ts attachmentOf',
  'container/systemd.ts managerRoot',
  'container/systemd.ts outerUid',
  'container/systemd.ts removeUnit',
  'container/systemd.ts systemdOf',
  'launch/securitymodule.ts startUnit',
  'launch/securitymodule.ts setUnit',
  'lower/cgroup/convert.ts listMask',
  'lower/cgroup/convert.ts orInfinity',
  'lower/cgroup/convert.ts quotaPerSecond',
  'lower/cgroup/families.ts lowerUnit',
  'lower/cgroup/paths.ts unitPaths',
  'lower/cgroup/scope.ts deviceProperties',
  'lower/cgroup/scope.ts lowerScope',
  'lower/cgroup/scope.ts propertyOf',
  'lower/cgroup/scope.ts unitProperties',
  'lower/cgroup/scope.ts withoutSystemd',
]

rmSync(dir, { recursive: true, force: true })
mkdirSync(dir, { recursive: true })
const node = (...args) => execFileSync(process.execPath, args, { cwd: house, stdio: 'inherit' })
node('tools/bundlejs.mjs', '--profile', '--npm', join(dir, 'dist'), '--static', join(dir, 'static'))
writeFileSync(
  join(dir, 'hit.cjs'),
  `const seen = new Set(), fs = require('node:fs')
   globalThis.__hit = label => {
     if (seen.has(label)) return
     seen.add(label)
     fs.appendFileSync(${JSON.stringify(log)}, label + '\\n')
   }`,
)

const bundles = ['minimal', 'shell', 'limits', 'seccomp-docker', 'terminal']
execFileSync(process.execPath, [join(house, 'tools/bundle.mjs'), ...bundles], { stdio: 'ignore' })
const root = join(dir, 'root')
const tsrun = (...args) => program('--root', root, ...args)
function program(...args) {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['-r', join(dir, 'hit.cjs'), join(dir, 'dist/tsrun.cjs'), ...args],
    { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', timeout: 10000 },
  )
  if (status !== 0) throw new Error(`tsrun ${args.join(' ')}: exit ${status}: ${stderr}`)
}

tsrun('--version')
for (const name of bundles) {
  const bundle = join(dir, name)
  execFileSync('cp', ['-a', join(house, 'build/bundles', name), bundle])
  const file = join(bundle, 'config.json')
  // As text: its numbers may be greater than JSON.parse can hold.
  const config = readFileSync(file, 'utf8').replace('"terminal": true', '"terminal": false')
  const running = args =>
    writeFileSync(file, config.replace(/"args": *\[[^\]]*\]/, `"args": ${JSON.stringify(args)}`))
  running(name === 'minimal' || name === 'seccomp-docker' ? ['/bin/payload', 'wait'] : ['/bin/sleep', '100'])
  const id = `profile-${name}`
  tsrun('create', '--bundle', bundle, id)
  tsrun('start', id)
  tsrun('state', id)
  tsrun('exec', id, '/bin/true')
  tsrun('kill', id, 'KILL')
  spawnSync('sleep', ['0.1'])
  tsrun('delete', id)
  running(['/bin/true'])
  // By hand nobody says --root.
  program('run', '--bundle', bundle, id)
}

const hits = new Set([...readFileSync(log, 'utf8').split('\n').filter(Boolean), ...also])
const all = new Set()
for (const part of ['boot', 'lifecycle', 'create']) {
  const text = readFileSync(join(dir, 'dist', `${part}.cjs`), 'utf8')
  for (const [, label] of text.matchAll(/__hit\?\.\("([^"]+)"\)/g)) all.add(label)
}
const rare = [...all].filter(label => !hits.has(label)).sort()
writeFileSync(join(house, 'tools/rare.txt'), `${rare.join('\n')}\n`)
rmSync(dir, { recursive: true })
