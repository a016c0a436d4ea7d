/** Set by the bundler from package.json and git; absent in tests that run the sources. */
declare const TSRUN_VERSION: string
declare const TSRUN_COMMIT: string

export const version = typeof TSRUN_VERSION === 'string' ? TSRUN_VERSION : 'development'
export const commit = typeof TSRUN_COMMIT === 'string' ? TSRUN_COMMIT : 'unknown'

/** The version of the runtime specification that tsrun implements. */
export const SPEC_VERSION = '1.3.0'
