import { broken, type SpecRule } from './rule.js'

export const annotations: SpecRule = spec =>
  spec.annotations?.[''] === undefined
    ? undefined
    : broken('/annotations/', 'annotation-key', 'the key of an annotation must not be empty')
