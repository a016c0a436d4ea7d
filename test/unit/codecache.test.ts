/** dist/PART.cjs.cache: used when it is of the text beside it, and only then. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
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

t.test('V8 takes them with the flags of bin/tsrun', t => {
  const [, flags] = /exec "[^"]*" (.*) "\$_main"/.exec(readFileSync(join(house, 'bin/tsrun'), 'utf8')) ?? []
  const script = `const { readFileSync } = require('fs'), { Script } = require('vm')
    const refused = part => {
      const path = ${JSON.stringify(`${house}dist/`)} + part + '.cjs'
      const cachedData = readFileSync(path + '.cache').subarray(32)
      return new Script(readFileSync(path, 'utf8'), { filename: path, cachedData }).cachedDataRejected
    }
    console.log(JSON.stringify(${JSON.stringify(parts)}.filter(refused)))`
  const out = execFileSync(process.execPath, [...(flags ?? '').split(' '), '-e', script], {
    encoding: 'utf8',
  })
  t.same(JSON.parse(out), [])
  t.end()
})

t.test('one of another text is not used', t => {
  const dir = copy(t.testdir())
  const path = join(dir, 'dist/boot.cjs')
  const text = readFileSync(path, 'utf8').slice(0, -34).replace('tsrun version', 'tsrun VERSION')
  writeFileSync(path, `${text}//${createHash('sha256').update(text).digest('hex').slice(0, 32)}`)
  t.match(version(dir), 'tsrun VERSION')
  t.end()
})

t.test('without one, with a torn one and with one of another V8 everything works', t => {
  const dir = copy(t.testdir())
  const path = join(dir, 'dist/boot.cjs.cache')
  truncateSync(path, 5000)
  t.match(version(dir), 'tsrun version')
  const bytes = readFileSync(join(house, 'dist/boot.cjs.cache'))
  bytes.writeUInt32LE(~bytes.readUInt32LE(36) >>> 0, 36)
  writeFileSync(path, bytes)
  t.match(version(dir), 'tsrun version')
  rmSync(path)
  t.match(version(dir), 'tsrun version')
  t.end()
})
