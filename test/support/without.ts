/**
 * TSRUN_WITHOUT=openat2 (a list with commas): the runtime under test is started behind a seccomp filter that answers these
 * calls with ENOSYS, as old kernels and the filters of outer containers do.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from './payload.js'

/** Calls for which tsrun has another way. Their numbers are the same on all architectures. */
const numbers: Readonly<Record<string, number>> = {
  clone3: 435,
  close_range: 436,
  openat2: 437,
  faccessat2: 439,
}

/** What is refused, by name. */
export const refused = (process.env.TSRUN_WITHOUT ?? '').split(',').filter(name => name !== '')

/** A program that stands for `program` and may not use those calls; `program` itself where all are allowed. */
export const filtered = (name: string, program: string): string => {
  if (refused.length === 0) return program
  const directory = join(repository, 'build/test', `without-${refused.join('-')}`)
  const built = join(directory, name)
  const source = join(repository, 'test/shim/without.c')
  if (existsSync(built) && statSync(built).mtimeMs > statSync(source).mtimeMs) return built
  mkdirSync(directory, { recursive: true })
  const list = refused.map(call => {
    const number = numbers[call]
    if (number === undefined)
      throw new Error(`TSRUN_WITHOUT knows ${Object.keys(numbers).join()}, not ${call}`)
    return number
  })
  const fresh = `${built}.${process.pid}`
  execFileSync('cc', ['-O2', '-static', `-DPROGRAM="${program}"`, `-DREFUSED=${list}`, '-o', fresh, source])
  renameSync(fresh, built)
  return built
}
