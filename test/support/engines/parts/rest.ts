import { counted } from '../shared.js'

export const cold = (): unknown => [
  'a-b'.replace(/-/, '+'),
  counted() > 1,
  typeof Proxy,
  new Date(0).getTime(),
]
