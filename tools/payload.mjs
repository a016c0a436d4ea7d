// Builds the test payload (test/support/payload/*.c) into build/test/payload when it is missing or older than its
// sources, and prints its path. Static, with musl where that is installed: a rootfs needs nothing else.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('..', import.meta.url))
const sourceDir = join(repository, 'test', 'support', 'payload')
const built = join(repository, 'build', 'test', 'payload')
const flags = '-static -O2 -s -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wswitch-enum -Werror'.split(
  ' ',
)

const compile = (compiler, output, sources) =>
  execFileSync(compiler, [...flags, '-o', output, ...sources], { stdio: ['ignore', 'inherit', 'inherit'] })

/** Builds the payload if needed; returns its path. */
export const buildPayload = () => {
  const sources = readdirSync(sourceDir).map(name => join(sourceDir, name))
  const newest = Math.max(...sources.map(source => statSync(source).mtimeMs))
  if (existsSync(built) && statSync(built).mtimeMs > newest) return built
  mkdirSync(join(built, '..'), { recursive: true })
  // test files run in parallel: each writes a name of its own, and the last rename wins
  const fresh = `${built}.${process.pid}`
  const units = sources.filter(source => source.endsWith('.c'))
  try {
    compile('musl-gcc', fresh, units)
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    compile('gcc', fresh, units)
  }
  renameSync(fresh, built)
  return built
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(buildPayload())
