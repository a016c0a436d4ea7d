import { ConfigError, SyscallError } from '../base/errors.js'
import { readFile } from '../sys/files.js'

const ENOENT = 2

/** A document with the text that it was read from. */
export interface Loaded<T> {
  readonly text: string
  readonly value: T
}

/**
 * Reads a document from its file and checks it. Throws SyscallError, and ConfigError, which names the file where it names no field.
 *
 * @param what what it is, for the error
 * @param load makes a value of the text; throws ConfigError
 * @param absent what to do where there is no such file
 */
export function loadFile<T>(what: string, file: string, load: (text: string) => T, absent = ''): Loaded<T> {
  try {
    const text = readFile(file)
    return { text, value: load(text) }
  } catch (error) {
    if (error instanceof SyscallError) {
      if (error.errno === ENOENT && absent !== '') error.message += ` (${absent})`
      throw error.wrap(`read the ${what}`)
    }
    if (error instanceof ConfigError && error.pointer === '') throw error.wrap(`read the ${what} ${file}`)
    throw error
  }
}
