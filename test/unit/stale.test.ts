/** Every generated file is what its generator, named on its first line, writes now. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const house = fileURLToPath(new URL('../..', import.meta.url))

const generated = ['src', 'shim', 'test', 'schemas']
  .filter(dir => existsSync(join(house, dir)))
  .flatMap(dir =>
    readdirSync(join(house, dir), { recursive: true, encoding: 'utf8' }).map(file => join(dir, file)),
  )
  .filter(file => file.includes('.gen.'))

const byTool = new Map<string, string[]>()
for (const file of generated) {
  const [firstLine = ''] = readFileSync(join(house, file), 'utf8').split('\n')
  const tool = /tools\/[\w./-]+\.mjs/.exec(firstLine)?.[0]
  if (tool === undefined) t.fail(`the first line of ${file} names no tool: ${firstLine}`)
  else byTool.set(tool, [...(byTool.get(tool) ?? []), file])
}

t.ok(generated.length > 4, 'generated files were found')

for (const [tool, files] of byTool) {
  t.test(tool, t => {
    const run = (...args: string[]): string =>
      execFileSync(process.execPath, [join(house, tool), ...args], {
        cwd: house,
        encoding: 'utf8',
        stdio: 'pipe',
      })
    const text = readFileSync(join(house, tool), 'utf8')
    if (text.includes("'--check'")) {
      t.doesNotThrow(() => run('--check'), `${files.join(', ')}: make gen`)
      t.end()
      return
    }
    const out = mkdtempSync(join(tmpdir(), 'tsrun-gen-'))
    t.teardown(() => rmSync(out, { recursive: true }))
    run('--out', out)
    for (const file of files) {
      const same = readFileSync(join(out, basename(file))).equals(readFileSync(join(house, file)))
      t.ok(same, `${file} is up to date (else: make gen)`)
    }
    t.end()
  })
}
