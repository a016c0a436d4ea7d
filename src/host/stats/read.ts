/** Numbers, lists and tables as cgroup files hold them. A file or a hierarchy that is not there reads as nothing. */
import { tryRead } from '../../sys/files.js'
import { readKernelFile } from '../../sys/kernelfiles.js'

/** Beyond 2^53 a bigint. */
export type Count = number | bigint
export type Table = Record<string, Count>

/** A number of the kernel; 0 for `max`, which runc writes as 2^64-1. */
export function count(text: string): Count {
  if (text === 'max') return 18446744073709551615n
  const value = Number(text)
  return value <= Number.MAX_SAFE_INTEGER ? value : BigInt(text)
}

/** The number that is all of a file. */
export function one(dir: string | undefined, file: string): Count | undefined {
  const text = dir === undefined ? undefined : readKernelFile(`${dir}/${file}`)?.trim()
  return text === undefined || text === '' ? undefined : count(text)
}

export const orZero = (value: Count | undefined): Count => value ?? 0

/** Lines of `name number`. */
export function table(dir: string | undefined, file: string): Table {
  const result: Table = {}
  for (const line of lines(dir, file)) {
    const space = line.indexOf(' ')
    if (space > 0) result[line.slice(0, space)] = count(line.slice(space + 1))
  }
  return result
}

/** Lines that are not empty. */
export function lines(dir: string | undefined, file: string): string[] {
  const text = dir === undefined ? undefined : tryRead(`${dir}/${file}`)
  return text === undefined ? [] : text.split('\n').filter(line => line !== '')
}

/** Pressure stall information (cgroup v2, Linux 4.20). */
export function pressure(dir: string, file: string): object | undefined {
  const result: Record<string, object> = {}
  for (const line of lines(dir, file)) {
    const [kind = '', ...fields] = line.split(' ')
    const values: Record<string, number> = {}
    for (const field of fields) {
      const equals = field.indexOf('=')
      values[field.slice(0, equals)] = Number(field.slice(equals + 1))
    }
    result[kind] = values
  }
  return Object.keys(result).length === 0 ? undefined : result
}

/** A member for an object, where there is a value. */
export const present = (name: string, value: object | undefined): object =>
  value === undefined ? {} : { [name]: value }

/** `0-2,7` as numbers. */
export function list(dir: string | undefined, file: string): number[] {
  const numbers: number[] = []
  const text = dir === undefined ? '' : (readKernelFile(`${dir}/${file}`) ?? '').trim()
  for (const part of text.split(',')) {
    if (part === '') continue
    const [from, to = from] = part.split('-')
    for (let n = Number(from); n <= Number(to); n++) numbers.push(n)
  }
  return numbers
}
