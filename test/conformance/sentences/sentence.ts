/**
 * The form of the tables of sentences: every MUST, MUST NOT, SHALL, SHALL NOT and REQUIRED of version 1.3.0 of the specification, in the
 * order of the documents. A sentence with two of the words is two rows. `tools/conformance.mjs --spec DIRECTORY` counts them in
 * the documents themselves.
 */
import type { Need } from '../../support/requires.js'

/** Why the sentence asks nothing of a Linux runtime. */
export type Free =
  /** Asks the author of a bundle for something that a runtime may take otherwise. */
  | 'author'
  /** Of another platform. */
  | 'platform'
  /** Asks the reader, a later version of the specification, or who listens at the other end. */
  | 'others'

/** What it means that runc 1.1 does not pass. */
export type Difference =
  /** runc does not do what the sentence says. */
  | 'find'
  /** runc 1.1 is of version 1.0.2 of the specification, which does not have this. */
  | 'newer'
  /** The sentence asks the author of a bundle; tsrun holds them to it, runc takes something for what is wrong or missing. */
  | 'choice'

export interface Sentence {
  /** Our own words, short. */
  readonly what: string
  /** File of test/conformance that has the test, without `.test.ts`. */
  readonly test?: string
  /** The test asks functions of tsrun instead of a container, because… */
  readonly unit?: string
  readonly needs?: readonly Need[]
  readonly free?: readonly [who: Free, why: string]
  readonly runc?: readonly [Difference, why: string]
}

export type Rows = Readonly<Record<string, Sentence>>

export interface Document {
  /** File of the specification. */
  readonly file: string
  /** First letters of its ids. */
  readonly prefix: string
  /** How many of the words it has. */
  readonly count: number
  /** Headings in their order, each with its rows: the nth row of a heading is its nth word. */
  readonly sections: readonly (readonly [heading: string, rows: Rows])[]
}

type Extra = Omit<Sentence, 'what' | 'test' | 'free'>

/** A sentence with a test in that file. */
export const tested = (test: string, what: string, extra: Extra = {}): Sentence => ({ what, test, ...extra })

export const author = (what: string, why: string): Sentence => ({ what, free: ['author', why] })
export const platform = (what: string, why: string): Sentence => ({ what, free: ['platform', why] })
export const others = (what: string, why: string): Sentence => ({ what, free: ['others', why] })
