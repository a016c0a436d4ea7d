/** Finds the words for a config that was refused. Loaded when there is one. */
import { explainer } from '../../spec/explain.js'

export const { syntax, schema, range, nul } = explainer
