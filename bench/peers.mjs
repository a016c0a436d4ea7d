// The runtimes to compare with: { name, argv, variables? } of each that can be had, { name, missing } of the others.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const house = fileURLToPath(new URL('..', import.meta.url))
const cache = join(process.env.XDG_CACHE_HOME ?? join(process.env.HOME ?? house, '.cache'), 'tsrun/bench')

const output = (command, ...args) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const which = command => spawnSync('sh', ['-c', `command -v ${command}`], { encoding: 'utf8' }).stdout.trim()
const versionOf = (command, env = {}) => {
  const { stdout } = spawnSync(command, ['--version'], { encoding: 'utf8', env: { ...process.env, ...env } })
  return /version:? v?(\S+)/.exec(stdout ?? '')?.[1] ?? '?'
}

function installed(command) {
  const path = which(command)
  return path === ''
    ? { name: command, missing: `apt-get install ${command}` }
    : { name: `${command} ${versionOf(path)}`, argv: [path] }
}

/** An attempt whose failure is a line of the report. */
function attempt(name, make) {
  try {
    return make()
  } catch (error) {
    return {
      name,
      missing: String(error.stderr ?? error.message)
        .trim()
        .split('\n')
        .at(-1),
    }
  }
}

/** The path that a binary of another release names as its loader; as long as the one it replaces. */
const loaderPath = '/lib64/ld-linux-x86-64.so.2'
const ownLoader = '/run/tsrun-bench-loader.so'.padEnd(loaderPath.length, '\0')

/** The newest crun of Debian (unstable) or Ubuntu, with the libraries of its release beside it. */
function newestCrun() {
  const dir = join(cache, 'crun-newest')
  const root = join(dir, 'root')
  if (!existsSync(join(dir, 'crun'))) {
    rmSync(dir, { recursive: true, force: true })
    mkdirSync(root, { recursive: true })
    const apt = (...args) =>
      execFileSync(join(house, 'tools/apt.sh'), [join(dir, 'apt'), 'deb', 'newest', ...args], {
        cwd: dir,
        stdio: 'pipe',
      })
    apt('update')
    const wanted = ['crun']
    for (const name of wanted) {
      apt('download', name)
      const file = readdirSync(dir).find(it => it.startsWith(`${name}_`))
      output('dpkg-deb', '-x', join(dir, file), root)
      const depends = output('dpkg-deb', '-f', join(dir, file), 'Depends')
      for (const item of depends.split(',')) {
        const dependency = item.trim().split(/[ |:]/)[0]
        if (/^lib/.test(dependency) && !wanted.includes(dependency)) wanted.push(dependency)
      }
    }
    const binary = readFileSync(join(root, 'usr/bin/crun'))
    const at = binary.indexOf(`${loaderPath}\0`)
    if (at === -1) throw new Error('its loader is not where x86_64 has it')
    binary.write(ownLoader, at, 'latin1')
    writeFileSync(join(dir, 'crun'), binary, { mode: 0o755 })
  }
  const libraries = join(root, 'usr/lib/x86_64-linux-gnu')
  const loader = ownLoader.replaceAll('\0', '')
  rmSync(loader, { force: true })
  symlinkSync(join(libraries, 'ld-linux-x86-64.so.2'), loader)
  const variables = [`LD_LIBRARY_PATH=${libraries}`]
  const version = versionOf(join(dir, 'crun'), { LD_LIBRARY_PATH: libraries })
  if (version === '?') throw new Error('it does not run here')
  return { name: `crun ${version}`, argv: [join(dir, 'crun')], variables }
}

function newestRunc() {
  const bin = join(cache, 'go')
  if (!existsSync(join(bin, 'runc'))) {
    const env = { ...process.env, GOBIN: bin, GOFLAGS: '-tags=seccomp', CGO_ENABLED: '1' }
    execFileSync('go', ['install', 'github.com/opencontainers/runc@latest'], { env, stdio: 'pipe' })
  }
  return { name: `runc ${versionOf(join(bin, 'runc'))} (new)`, argv: [join(bin, 'runc')] }
}

function youki() {
  const dir = join(cache, 'cargo')
  const binary = join(dir, 'bin/youki')
  if (!existsSync(binary))
    execFileSync('cargo', ['install', '--quiet', '--root', dir, '--features', 'v1', 'youki'], {
      stdio: 'pipe',
    })
  return { name: `youki ${versionOf(binary)}`, argv: [binary] }
}

export function peers() {
  const list = [installed('crun'), installed('runc'), attempt('crun (new)', newestCrun)]
  if (process.env.BENCH_ALL === '1') list.push(attempt('runc (new)', newestRunc), attempt('youki', youki))
  else list.push({ name: 'newest runc, youki', missing: 'BENCH_ALL=1 builds them' })
  return list
}
