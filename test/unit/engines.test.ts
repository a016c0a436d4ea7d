/** One program on both engines: it must see the same machine and the same texts. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { requires } from '../support/requires.js'

const house = fileURLToPath(new URL('../..', import.meta.url))
const tool = (name: string): string => join(house, 'tools', name)
const musl = '/usr/bin/musl-gcc'
const args = ['a b', '', 'é', '--caller=1,1', '*']
const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/', B: '2', A: 'é=1' }
const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)

/** What each probe of test/support/engines/main.ts saw. */
const run = (t: Test, command: string): Map<string, unknown> => {
  const { stdout, stderr, status } = spawnSync(command, args, { env, encoding: 'utf8', cwd: '/' })
  t.equal(stderr, '', 'prints no error')
  t.equal(status, 7, 'exits with what main returned')
  return new Map(
    stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as [string, unknown]),
  )
}

const built = join(house, 'build/tests/engines')
mkdirSync(join(built, 'bin'), { recursive: true })
execFileSync(process.execPath, [
  ...[tool('bundlejs.mjs'), '--program', join(house, 'test/support/engines')],
  ...['--npm', join(built, 'dist'), '--static', join(built, 'static')],
])
copyFileSync(join(house, 'bin/tsrun'), join(built, 'bin/tsrun'))
for (const dir of ['.', 'dist']) copyFileSync('/bin/true', join(built, dir, 'tsrun-shim'))

const command = join(built, 'bin/tsrun')
let node: Map<string, unknown> | undefined

const bad = [0xef, 0xbf, 0xbd]
const half = (length: number, ...bytes: number[]): number[] => {
  const into = [length, 0, ...bytes]
  return [...into, ...new Array<number>(17 - into.length).fill(0)]
}

t.test('node', t => {
  node = run(t, command)
  const see = (what: string, value: unknown): void => void t.strictSame(node?.get(what), value, what)
  see('argv', args)
  see('environ', variables)
  see('missing file', -2)
  see('bad descriptor', -9)
  see('unsigned result', process.geteuid?.())
  see('long result', -9)
  see('raw system call', [0, -22])
  see('raw buffer', '/')
  see('buffer at an offset', [0, 2, 2, 104, 105, true])
  see('null buffer', 0)
  see('flags beyond 31 bits', -2)
  see('errno as result', -2)
  see('alloc', [0, 40, true, true])
  see('name of the kernel', [0, 'Linux'])
  see('write half a pair', [
    half(4, 0x61, ...bad),
    half(4, ...bad, 0x62),
    half(7, 0xf0, 0x9f, 0x98, 0x80, ...bad),
  ])
  see('write full', [15, 0, ...Buffer.from('123456789012345')])
  see('write too much', 'threw true')
  see('write wide too much', 'threw true')
  see('write out of bounds', 'threw true')
  see('read wide', 'aé€😀')
  see('read a byte order mark', 2)
  see('read out of bounds', 'threw true')
  see('a part', '1 -9')
  see('a part that is loaded twice', true)
  see('a class of the boot bundle', 'refused')
  see('a cold part, and its use of another', ['a+b', true, 'function', 0])
  see('an unknown part', 'threw')
  t.end()
})

t.test(
  'static',
  { skip: requires('cc') || !existsSync(musl) ? 'needs musl-gcc: apt-get install musl-tools' : false },
  t => {
    execFileSync(tool('static.sh'), [join(built, 'static'), join(built, 'tsrun')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const seen = run(t, join(built, 'tsrun'))
    t.equal(seen.size, node?.size, 'the same probes')
    for (const [what, value] of seen) t.strictSame(value, node?.get(what), what)
    t.end()
  },
)

t.test('bin/tsrun', t => {
  const link = join(built, 'bin/link')
  rmSync(link, { force: true })
  symlinkSync('tsrun', link)
  const [direct, through] = [command, link].map(
    path => spawnSync(path, args, { env, encoding: 'utf8', cwd: '/' }).stdout,
  )
  t.equal(through, direct, 'works through a symlink')
  const slow = {
    ...env,
    NODE_OPTIONS: '--require=/nope.js',
    NODE_EXTRA_CA_CERTS: '/nope',
    NODE_DEBUG: 'module',
  }
  const { stdout, stderr } = spawnSync(command, args, { env: slow, encoding: 'utf8', cwd: '/' })
  t.equal(stdout, direct, 'NODE_* variables change nothing')
  t.equal(stderr, '')
  t.end()
})

t.test('bin/tsrun and where node is', t => {
  const dir = t.testdir({ node: '#!/bin/sh\necho stranger\n' })
  chmodSync(join(dir, 'node'), 0o755)
  const start = (env: Record<string, string>) => spawnSync(command, args, { env, encoding: 'utf8', cwd: dir })
  const nowhere = start({ PATH: ':/nope::' })
  t.equal(nowhere.status, 127, 'an empty element of PATH is not the working directory')
  t.match(nowhere.stderr, 'install Node.js 20 or newer')
  t.equal(start({ PATH: `/nope:${dir}` }).stdout, 'stranger\n', 'the first one of PATH')
  t.equal(start({ PATH: '', TSRUN_NODE: './node' }).stdout, 'stranger\n', 'TSRUN_NODE')
  t.equal(start({ PATH: dir, TSRUN_NODE: process.execPath }).status, 7, 'TSRUN_NODE comes first')
  t.equal(start({ TSRUN_NODE: 'node' }).status, 127, 'TSRUN_NODE is a path')
  t.end()
})
