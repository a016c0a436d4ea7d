import { UsageError } from '../../../../src/base/errors.js'
import { native } from '../../../../src/sys/native.js'
import { counted } from '../shared.js'

export const answer = (): string => `${counted()} ${native().close(-1)}`
export function refuse(): never {
  throw new UsageError('refused')
}
