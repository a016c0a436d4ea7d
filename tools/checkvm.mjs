// Runs the integration tests that need cgroup v2, systemd, AppArmor or an ordinary user's delegated cgroups in a virtual machine:
//
//   node tools/checkvm.mjs VM_TEST [FILE…]
//
// VM_TEST is a program `VM_TEST [--user] --share DIR --timeout SECONDS -- COMMAND` that boots a Debian with systemd, runs the
// command in it as root, or as a user with a systemd of their own, and ends with its status. A boot and each process cost seconds
// there, so the static form alone runs (TSRUN_RUNTIME=npm|runc: another), all files of an account share one boot, and of the checks
// of engines those that systemd and cgroups have a part in are made (CHECK=. for all). The machine finds in TSRUN_VM_PACKAGES which
// packages of engines it is to have; the tests of those that it has not skip. The last line counts, like that of test.mjs.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const house = fileURLToPath(new URL('..', import.meta.url))
const [vmTest, ...asked] = process.argv.slice(2)

/** Who runs what: the files that name one of these needs, those that run anywhere but do other things on v2, and what must be there. */
const boots = [
  {
    who: 'root',
    flags: [],
    needs: ['cgroup2', 'systemd', 'apparmor'],
    also: /integration\/(delegated|events|kill|oom|pause|ps|randomkill|recovery|rootless)\.test/,
    must: 'root,cgroup2,systemd,apparmor',
  },
  { who: 'user', flags: ['--user'], needs: ['user'], also: undefined, must: 'user' },
  {
    who: 'root, with engines',
    flags: [],
    needs: ['cgroups'],
    also: undefined,
    must: 'root,cgroups',
  },
]
const timeout = 10800
/** Of the checks of engines what systemd and cgroups have a part in: a whole engine takes an hour there. */
const checks = process.env.CHECK ?? '^exit status$|limits|scope|out of memory|paused|service'
const packages =
  'podman buildah conmon catatonit tini containerd docker.io docker-cli containernetworking-plugins netavark aardvark-dns iptables nftables slirp4netns fuse-overlayfs passt'

if (!vmTest || !existsSync(vmTest)) {
  console.error(
    `make check-vm needs a program that boots a virtual machine${vmTest ? `, and there is no ${vmTest}` : ''}: VM_TEST=PROGRAM make check-vm (tools/checkvm.mjs says how it is called)`,
  )
  process.exit(1)
}

/** Whether a test file asks for one of the needs: `requires('root', 'cgroup2')`. */
const needsOne = (file, needs) =>
  [...readFileSync(file, 'utf8').matchAll(/requires\(([^)]*)\)/g)].some(([, list]) =>
    needs.some(need => list.includes(`'${need}'`)),
  )

const inDirectory = name => readdirSync(join(house, name)).map(file => join(house, name, file))
const files = asked.length > 0 ? asked : ['test/integration', 'test/clients'].flatMap(inDirectory)
const filesOf = ({ needs, also }) =>
  files.filter(file => file.endsWith('.test.ts') && (also?.test(file) || needsOne(file, needs))).sort()

/** What the machine gets is made here: there nothing can be written as a user, and all is slow. */
const prepare = all => {
  for (const args of [['tools/payload.mjs'], ['tools/test.mjs', '--only-bundle', ...all]]) {
    const { status } = spawnSync(process.execPath, args, { cwd: house, stdio: 'inherit' })
    if (status !== 0) process.exit(status ?? 1)
  }
}

/** Boots once; the counts of test.mjs's last line, or a failure. */
const boot = ({ flags, must }, list) =>
  new Promise(resolve => {
    const command = ['node', 'tools/test.mjs', '--no-bundle', '--verbose', '--timeout', '3600', ...list]
    const env = [
      'env',
      `PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:${join(house, 'build/test/bin')}`,
      `TSRUN_RUNTIME=${process.env.TSRUN_RUNTIME ?? 'static'}`,
      `TSRUN_MUST=${must}`,
      `CHECK=${checks}`,
    ]
    const line = [...flags, '--share', house, '--timeout', String(timeout), '--', ...env, ...command]
    const child = spawn(vmTest, line, {
      cwd: house,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { TSRUN_VM_PACKAGES: packages, ...process.env },
    })
    let output = ''
    child.stdout.on('data', data => {
      output += data
      process.stdout.write(data)
    })
    child.on('error', error => resolve({ passed: 0, failed: 1, skipped: 0, why: error.message }))
    child.on('close', status => {
      const last = /(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$/.exec(output)
      const [passed, failed, skipped] = (last ?? [0, 0, 0, 0]).slice(1).map(number => Number(number ?? 0))
      const broken = last === null || (status !== 0 && failed === 0)
      resolve({
        passed,
        failed: broken ? failed + 1 : failed,
        skipped,
        why: broken ? `ended with ${status}` : '',
      })
    })
  })

const begin = performance.now()
const seconds = since => `${((performance.now() - since) / 1000).toFixed(0)} s`
const total = { passed: 0, failed: 0, skipped: 0 }
const work = boots.map(each => ({ ...each, list: filesOf(each).map(file => relative(house, file)) }))
prepare([...new Set(work.flatMap(({ list }) => list))])
for (const each of work) {
  if (each.list.length === 0) continue
  console.log(`--- in the virtual machine as ${each.who}: ${each.list.length} files`)
  const start = performance.now()
  const counts = await boot(each, each.list)
  for (const key of Object.keys(total)) total[key] += counts[key]
  const { passed, failed, why } = counts
  console.log(`vm as ${each.who}: ${passed} passed, ${failed} failed (${seconds(start)})${why && `: ${why}`}`)
}
console.log(`check-vm took ${seconds(begin)}`)
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0
