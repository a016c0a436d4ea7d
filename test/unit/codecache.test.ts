/** dist/PART.v8: used when V8 takes it, and what it holds is the part beside it. */
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const house = fileURLToPath(new URL('../..', import.meta.url))
const parts = ['boot', 'lifecycle', 'create', 'exec', 'operate', 'seccomp']

/** A copy of the npm form that may be changed. */
const copy = (dir: string): string => {
  for (const name of ['bin', 'dist']) cpSync(join(house, name), join(dir, name), { recursive: true })
  symlinkSync(join(house, 'node_modules'), join(dir, 'node_modules'))
  return dir
}
const version = (dir: string): string =>
  execFileSync(join(dir, 'bin/tsrun'), ['--version'], {
    encoding: 'utf8',
    env: { ...process.env, TSRUN_NODE: process.execPath },
  })

/** Where the text begins in dist/PART.v8, behind its length and a release of Node.js. */
const TEXT = 24

/** The text and the cache in dist/PART.v8. */
const contents = (part: string) => {
  const bytes = readFileSync(join(house, `dist/${part}.v8`))
  const end = TEXT + Number(bytes.toString('latin1', 0, 8))
  return { end, text: bytes.toString('latin1', TEXT, end), release: bytes.toString('latin1', 8, TEXT).trim() }
}

t.test('V8 takes them with the flags of bin/tsrun', t => {
  const [, list = ''] =
    /flags\[\] = \{([^}]*)\}/.exec(readFileSync(join(house, 'shim/npm/launch.c'), 'utf8')) ?? []
  const flags = list.match(/--[^"]*/g) ?? []
  t.ok(flags.length > 0)
  const ends = parts.map(part => [part, contents(part).end])
  const script = `const { readFileSync } = require('fs'), { Script } = require('vm')
    const refused = ([part, end]) => {
      const path = ${JSON.stringify(`${house}dist/`)} + part
      const bytes = readFileSync(path + '.v8')
      const cachedData = bytes.subarray((end + 7) & ~7)
      return new Script(bytes.toString('latin1', ${TEXT}, end), { filename: path + '.cjs', cachedData }).cachedDataRejected
    }
    console.log(JSON.stringify(${JSON.stringify(ends)}.filter(refused)))`
  const out = execFileSync(process.execPath, [...flags, '-e', script], {
    encoding: 'utf8',
  })
  t.same(JSON.parse(out), [])
  t.end()
})

t.test('their text is the part', t => {
  for (const part of parts)
    t.equal(contents(part).text, readFileSync(join(house, `dist/${part}.cjs`), 'latin1'), part)
  t.end()
})

t.test('the one of the part is used', t => {
  const dir = copy(t.testdir())
  const path = join(dir, 'dist/boot.v8')
  const { text, end } = contents('boot')
  const bytes = readFileSync(path)
  bytes.write(text.replace('tsrun version', 'tsrun VERSION'), TEXT, end - TEXT, 'latin1')
  bytes.writeUInt32LE(~bytes.readUInt32LE(((end + 7) & ~7) + 4) >>> 0, ((end + 7) & ~7) + 4)
  writeFileSync(path, bytes)
  t.match(version(dir), 'tsrun VERSION', 'and its text when V8 refuses the cache')
  t.end()
})

t.test('without one and with a torn one everything works', t => {
  const dir = copy(t.testdir())
  const path = join(dir, 'dist/boot.v8')
  for (const length of [contents('boot').end + 5000, 5000, 3, 0]) {
    truncateSync(path, length)
    t.match(version(dir), 'tsrun version', `${length} bytes`)
  }
  rmSync(path)
  t.match(version(dir), 'tsrun version')
  t.end()
})

t.test('only the release that it was tried with compiles without node:vm', t => {
  for (const part of parts) t.match(contents(part).release, new RegExp(`^(${process.version})?$`), part)
  // A preloaded module sees what is required.
  const dir = copy(t.testdir({ 'watch.cjs': '' }))
  writeFileSync(
    join(dir, 'watch.cjs'),
    `const { Module } = require('module'), load = Module._load
     Module._load = (name, ...rest) => (name === 'node:vm' && console.log('with vm'), load(name, ...rest))`,
  )
  const run = () =>
    execFileSync(
      process.execPath,
      ['--require', join(dir, 'watch.cjs'), join(dir, 'dist/tsrun.cjs'), '--version'],
      { encoding: 'utf8' },
    )
  t.equal(run().includes('with vm'), contents('boot').release === '')
  const path = join(dir, 'dist/boot.v8')
  const bytes = readFileSync(path)
  bytes.write('v0.0.0'.padEnd(TEXT - 8), 8, 'latin1')
  writeFileSync(path, bytes)
  t.match(run(), /with vm\ntsrun version/)
  t.end()
})
