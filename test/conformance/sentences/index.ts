/** Every sentence that may bind a runtime, by its id. */
import { config } from './config.js'
import { features, featuresLinux } from './features.js'
import { linux } from './linux.js'
import { runtime } from './runtime.js'
import type { Document, Sentence } from './sentence.js'

/** The version of the specification that was read. */
export const version = '1.3.0'

export const documents: readonly Document[] = [runtime, config, linux, features, featuresLinux]

/** A sentence with its place. */
export interface Placed extends Sentence {
  readonly id: string
  readonly file: string
  readonly heading: string
  /** Which of the words below the heading. */
  readonly nth: number
}

export const sentences: readonly Placed[] = documents.flatMap(({ file, sections }) =>
  sections.flatMap(([heading, rows]) =>
    Object.entries(rows).map(([id, row], index) => ({ ...row, id, file, heading, nth: index + 1 })),
  ),
)
