/** What `npm pack` packs: the command, its parts with what V8 made of them, the library, the shim; nothing that was left lying about. */
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const house = fileURLToPath(new URL('../..', import.meta.url))
const expected = [
  /^(LICENSE|README\.md|package\.json|bin\/tsrun)$/,
  /^dist\/(tsrun-shim|tsrun\.cjs|index\.js)$/,
  /^dist\/[a-z]+(Rare)?\.(cjs|v8)$/i,
  /^dist\/types\/.*\.d\.ts$/,
]

t.test('the package', t => {
  const words = ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error']
  const [{ files }] = JSON.parse(execFileSync('npm', words, { cwd: house, encoding: 'utf8' }))
  const paths: string[] = files.map(({ path }: { path: string }) => path)
  t.same(
    paths.filter(path => !expected.some(pattern => pattern.test(path))),
    [],
    'holds nothing else',
  )
  for (const path of [
    'bin/tsrun',
    'dist/boot.cjs',
    'dist/boot.v8',
    'dist/tsrun-shim',
    'dist/types/index.d.ts',
  ])
    t.ok(paths.includes(path), path)
  const alone = paths.filter(path => path.endsWith('.v8') && !paths.includes(path.replace('.v8', '.cjs')))
  t.same(alone, [], 'a cache lies beside its text')
  t.end()
})

t.test('is for the processor that it was built for; the sources are for both', t => {
  const dir = t.testdir({ Makefile: 'build:;\n' })
  for (const path of ['package.json', 'bin', 'dist', 'tools/packcpu.mjs'])
    cpSync(join(house, path), join(dir, path), { recursive: true, preserveTimestamps: true })
  const words = ['pack', '--json', '--loglevel=error', '--foreground-scripts=false']
  const [{ filename }] = JSON.parse(execFileSync('npm', words, { cwd: dir, encoding: 'utf8' }))
  const packed = execFileSync('tar', ['-xOf', join(dir, filename), 'package/package.json'], {
    encoding: 'utf8',
  })
  t.same(JSON.parse(packed).cpu, [process.arch])
  const source = readFileSync(join(house, 'package.json'), 'utf8')
  t.equal(readFileSync(join(dir, 'package.json'), 'utf8'), source)
  t.same(JSON.parse(source).cpu, ['x64', 'arm64'])
  t.end()
})
