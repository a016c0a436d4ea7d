// Written by tools/ops.mjs (make gen). Do not edit.
/** FNV-1a of the opcode table: the shim refuses a plan with another one. */
export const buildId = 0x9a0d65a1
