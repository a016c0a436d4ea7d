/** A module of the part `create` that `rest` uses, too. */
export const counted = (): number => ++state.count
const state = { count: 0 }
