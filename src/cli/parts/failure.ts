/** Words for what the shim failed at; loaded when it did. */
export { describeFailure } from '../../plan/describe.js'
export { install } from '../../sys/native.js'
