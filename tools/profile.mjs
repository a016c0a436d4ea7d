// Writes tools/rare.txt: what ordinary runs do not call, for tools/split.mjs. As root, after `make build`: node tools/profile.mjs
import { execFileSync, spawn, spawnSync } from 'node:child_process'
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

// As engines do it: with a log and a pid file, hooks, a network namespace of theirs, mounts, a terminal, ids of their own.
const engine = (...args) => tsrun('--log', join(dir, 'log.json'), '--log-format', 'json', ...args)
const holder = spawn('unshare', ['--net', 'sleep', '100'], { stdio: 'ignore' })
const receivers = []
spawnSync('sleep', ['0.5'])
try {
  const bundle = join(dir, 'seccomp-docker')
  const file = join(bundle, 'config.json')
  const plain = readFileSync(file, 'utf8')
  const config = JSON.parse(plain)
  config.process.args = ['/bin/payload', 'wait']
  config.hooks = { prestart: [{ path: '/bin/true', args: ['true'] }] }
  const own = config.linux.namespaces
  config.linux.namespaces = own.map(ns =>
    ns.type === 'network' ? { ...ns, path: `/proc/${holder.pid}/ns/net` } : ns,
  )
  const options = ['rbind', 'rprivate', 'ro']
  config.mounts.push({ destination: '/etc/hostname', type: 'bind', source: '/etc/hostname', options })
  const map = [{ containerID: 0, hostID: 100000, size: 65536 }]
  const mapped = { ...config, linux: { ...config.linux, uidMappings: map, gidMappings: map } }
  mapped.linux.namespaces = [...own, { type: 'user' }]
  const onTerminal = { ...config, process: { ...config.process, terminal: true } }
  const process = join(dir, 'process.json')
  writeFileSync(process, JSON.stringify({ ...config.process, args: ['/bin/payload', 'exit', '0'] }))
  for (const [i, one] of [config, onTerminal, mapped].entries()) {
    writeFileSync(file, JSON.stringify(one))
    const id = `profile-engine-${i}`
    const pidFile = ['--pid-file', join(dir, 'pid')]
    const create = () => {
      const socket = join(dir, `console-${receivers.length}`)
      const listen = ['recv-console', socket]
      if (one.process.terminal) {
        receivers.push(spawn(join(bundle, 'rootfs/bin/payload'), listen, { stdio: 'ignore' }))
        spawnSync('sleep', ['0.3'])
      }
      const console = one.process.terminal ? ['--console-socket', socket] : []
      engine('create', '--bundle', bundle, ...pidFile, ...console, id)
    }
    create()
    engine('start', id)
    engine('state', id)
    engine('exec', '--process', process, '--detach', ...pidFile, id)
    engine('kill', id, '9')
    spawnSync('sleep', ['3']) // whoever adopted the process of exec has to reap it first
    engine('kill', '--all', id, '9')
    if (i === 0) engine('delete', id)
    engine('delete', '--force', id)
    create()
    engine('start', id)
    engine('delete', '--force', id)
  }
} finally {
  holder.kill()
  for (const receiver of receivers) receiver.kill()
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
