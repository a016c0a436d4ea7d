import { ConfigError } from '../base/errors.js'
import type { Common } from './options.js'

/** How lowering tells that something is done in another way than it reads, or not at all. */
export type Warn = (pointer: string, message: string) => void

/** A line in the log; with `--strict` the end, before anything was made: ConfigError. */
export function warnerOf({ log, strict }: Pick<Common, 'log' | 'strict'>): Warn {
  return (pointer, message) => {
    if (strict)
      throw new ConfigError(pointer, 'strict', `${message} (--strict refuses what is only warned of)`)
    log.warn(`${pointer}: ${message}`, { pointer })
  }
}
