/** A criu that works on this kernel, put before everybody's PATH (tools/criu.sh). */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Container, Result } from './container.js'
import { repository } from './payload.js'
import { refused } from './without.js'

let answer: false | string | undefined

/** False when there is one, otherwise the reason to skip. TSRUN_MUST=criu makes that a failure. */
export const requiresCriu = (): false | string => {
  if (answer !== undefined) return answer
  if (refused.length > 0) return 'criu cannot dump what stands behind a filter'
  const { status, stdout, stderr } = spawnSync(join(repository, 'tools', 'criu.sh'), {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: process.env.HOME, XDG_CACHE_HOME: process.env.XDG_CACHE_HOME },
  })
  answer = status === 0 ? false : `needs criu: ${stderr.trim()}`
  if (answer === false) process.env.PATH = `${stdout.trim()}:${process.env.PATH}`
  else if ((process.env.TSRUN_MUST ?? '').split(',').includes('criu')) throw new Error(answer)
  return answer
}

/** Whether criu finds this in the kernel (`criu check --feature`). */
export const criuHas = (feature: string): boolean =>
  spawnSync('criu', ['check', '--feature', feature], { encoding: 'utf8' }).status === 0

/** A command whose processes have no file of the host open: stdio is /dev/null, words go to a log. */
export const quietly = (c: Container, ...args: readonly string[]): Result => {
  const log = join(c.dir, 'log')
  rmSync(log, { force: true })
  const [command = '', ...words] = c.line('--log', log, ...args)
  const env = { PATH: process.env.PATH, TSRUN_TEST_TAG: c.id }
  const { status } = spawnSync(command, words, { cwd: c.bundle, env, stdio: 'ignore', timeout: 60_000 })
  return { status: status ?? -1, stdout: '', stderr: existsSync(log) ? readFileSync(log, 'utf8') : '' }
}

/** Where `checkpoint` and `restore` have the images. */
export const images = (c: Container): string => join(c.dir, 'images')

export const checkpoint = (c: Container, ...flags: readonly string[]): Result =>
  quietly(c, 'checkpoint', '--image-path', images(c), '--work-path', join(c.dir, 'work'), ...flags, c.id)

export const restore = (c: Container, ...flags: readonly string[]): Result =>
  quietly(c, 'restore', '--image-path', images(c), '--work-path', join(c.dir, 'work'), ...flags, c.id)
