/** A criu that works on this kernel, put before everybody's PATH (tools/criu.sh). */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { repository } from './payload.js'

let answer: false | string | undefined

/** False when there is one, otherwise the reason to skip. TSRUN_MUST=criu makes that a failure. */
export const requiresCriu = (): false | string => {
  if (answer !== undefined) return answer
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
