/** A 64-bit integer: a number up to 2^53, a bigint beyond (JSON.parse alone would round it). */
export type Int64 = number | bigint
