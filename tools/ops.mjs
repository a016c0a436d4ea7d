// Writes shim/ops.gen.h and src/plan/wire.gen.ts from src/plan/opcodes.ts and flags.ts.
// `node tools/ops.mjs` writes them; `--check` only says whether they are stale (exit 1).
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const home = fileURLToPath(new URL('..', import.meta.url))

async function load() {
  const bundle = await build({
    stdin: {
      contents: "export * from './src/plan/opcodes.ts'; export * from './src/plan/flags.ts'",
      resolveDir: home,
    },
    bundle: true,
    format: 'esm',
    write: false,
  })
  const text = Buffer.from(bundle.outputFiles[0].contents).toString('base64')
  return import(`data:text/javascript;base64,${text}`)
}

/** FNV-1a, 32 bits: both sides of the wire must have been made from one table. */
function fnv1a(text) {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}

/** `open /dev/null` → `OPEN_DEV_NULL`. */
const upper = text =>
  text
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_|_$/g, '')
    .toUpperCase()

const kinds = {
  u32: 'U32',
  i32: 'U32',
  u64: 'U64',
  str: 'STR',
  hostPath: 'PATH',
  inRootPath: 'PATH',
  strs: 'STRS',
  u32s: 'U32S',
  bytes: 'BYTES',
  slot: 'SLOT',
  newSlot: 'SLOT',
  flags: 'FLAGS',
  enum: 'ENUM',
}
const references = new Set(['STR', 'PATH', 'STRS', 'U32S', 'BYTES'])

function parseField(where, text, flagNames, enumNames) {
  const optional = text.endsWith('?')
  const [kind, table] = (optional ? text.slice(0, -1) : text).split(':')
  const wire = kinds[kind]
  if (wire === undefined) throw new Error(`${where}: unknown field kind ${text}`)
  if (optional && wire === 'U64') throw new Error(`${where}: an absent u64 cannot be told from all ones`)
  const names = wire === 'FLAGS' ? flagNames : wire === 'ENUM' ? enumNames : []
  const index = table === undefined ? 0 : names.indexOf(table)
  if (index < 0) throw new Error(`${where}: no table ${table}`)
  return { wire, optional, index }
}

const hex = value => `0x${value.toString(16)}`

function header({ opcodes, flagTables, enumTables }, id) {
  const out = [
    '/* Written by tools/ops.mjs from src/plan/opcodes.ts and src/plan/flags.ts (make gen). Do not edit. */',
    '#pragma once',
    '#include <stdint.h>',
    '',
    `#define BUILD_ID ${hex(id)}u`,
    '',
  ]
  const flagNames = Object.keys(flagTables)
  const enumNames = Object.keys(enumTables)
  const rows = Object.entries(opcodes)
  const seen = new Map()
  for (const [name, { code }] of rows) {
    if (seen.has(code)) throw new Error(`${name} and ${seen.get(code)} have one code`)
    seen.set(code, name)
  }

  out.push('enum opcode {')
  for (const [name, { code }] of rows) out.push(`  OP_${upper(name)} = ${code},`)
  out.push('};', '', '/* X(NAME, name) of every op. */', '#define FOR_EACH_OP(X) \\')
  out.push(`${rows.map(([name]) => `  X(${upper(name)}, ${name})`).join(' \\\n')}`, '')

  for (const table of enumNames) {
    out.push(`enum ${upper(table).toLowerCase()} {`)
    for (const [name, value] of Object.entries(enumTables[table]))
      out.push(`  ${upper(table)}_${upper(name)} = ${hex(value)},`)
    out.push('};')
  }
  out.push('', '/* Where the bytes of a string, a list or a program lie in the blob. */')
  out.push('struct ref {', '  uint32_t at, length;', '};', '')

  const rules = []
  for (const [name, { fields, steps }] of rows) {
    if (steps.length > 0)
      out.push(
        `enum ${name}_step { ${steps.map(step => `${upper(name)}_${upper(step)}`).join(', ')} };`.replace(
          /(.{60,100}),/g,
          '$1,\n ',
        ),
      )
    const entries = Object.entries(fields)
    if (entries.length === 0) out.push(`struct op_${name};`)
    else {
      out.push(`struct op_${name} {`)
      for (const [field, kind] of entries) {
        const rule = parseField(`${name}.${field}`, kind, flagNames, enumNames)
        rules.push({ ...rule, op: name })
        const named = upper(field).toLowerCase()
        out.push(references.has(rule.wire) ? `  struct ref ${named};` : `  uint64_t ${named};`)
      }
      out.push('};')
    }
    out.push(`int run_${name}(const struct op_${name} *op);`)
  }

  out.push('', '#ifdef OP_TABLES', 'enum kind { KIND_NONE, ')
  out.push(`  ${[...new Set(Object.values(kinds))].map(kind => `KIND_${kind}`).join(', ')}`, '};')
  out.push(
    'struct field_rule {',
    '  uint8_t kind, optional, table;',
    '};',
    'static const struct field_rule field_rules[] = {',
  )
  for (const rule of rules)
    out.push(`    {KIND_${rule.wire}, ${rule.optional ? 1 : 0}, ${rule.index}}, /* ${rule.op} */`)
  out.push('};', '/* By opcode: where its rules begin, how many fields it has; `known` is 0 in the gaps. */')
  out.push('struct op_rule {', '  uint8_t known, fields;', '  uint16_t first;', '};')
  out.push('static const struct op_rule op_rules[] = {')
  let first = 0
  for (const [name, { fields }] of rows) {
    const count = Object.keys(fields).length
    out.push(`    [OP_${upper(name)}] = {1, ${count}, ${first}},`)
    first += count
  }
  out.push('};', 'static const uint64_t flag_masks[] = {')
  for (const table of flagNames) {
    const mask = Object.values(flagTables[table]).reduce((sum, value) => sum | BigInt(value), 0n)
    out.push(`    ${hex(mask)}, /* ${table} */`)
  }
  const longest = Math.max(...enumNames.map(table => Object.keys(enumTables[table]).length))
  out.push('};', 'struct enum_rule {', '  uint32_t count;', `  uint32_t values[${longest}];`, '};')
  out.push('static const struct enum_rule enum_rules[] = {')
  for (const table of enumNames) {
    const values = Object.values(enumTables[table])
    out.push(`    {${values.length}, {${values.map(hex).join(', ')}}}, /* ${table} */`)
  }
  out.push('};', '#endif')
  return `${out.join('\n')}\n`
}

/** The function of `plan/writer.ts` that writes a field of a kind. */
const writers = {
  u32: 'number',
  i32: 'signed',
  u64: 'u64',
  str: 'text',
  hostPath: 'path',
  inRootPath: 'path',
  strs: 'texts',
  u32s: 'numbers',
  bytes: 'bytes',
  slot: 'slot',
  newSlot: 'newSlot',
}

/** Ops that a plan has dozens of: QuickJS compares the cases of a switch one after the other. */
const common = [
  'move_mount',
  'open_tree',
  'mount_setattr',
  'mask_path',
  'fsmount',
  'symlink',
  'mknod',
  'readonly_path',
]

function writeField([name, text]) {
  const optional = text.endsWith('?')
  const [kind, table] = (optional ? text.slice(0, -1) : text).split(':')
  if (table !== undefined) return `      w.${kind === 'flags' ? 'flags' : 'one'}(${table}, op.${name})`
  const call = `w.${writers[kind]}(op.${name})`
  return optional ? `      if (op.${name} === undefined) w.absent()\n      else ${call}` : `      ${call}`
}

/** The encoder of ops as code: one case per op, each field by its own name. A table of kinds took three times as long. */
function wire({ opcodes, flagTables, enumTables }, id) {
  const names = Object.keys(opcodes)
  const order = [...common, ...names.filter(name => !common.includes(name))]
  const cases = order.map(name => {
    const { code, fields } = opcodes[name]
    const entries = Object.entries(fields)
    return [
      `    case '${name}':`,
      `      w.head(op, index, ${code}, ${entries.length})`,
      ...entries.map(writeField),
      '      return',
    ].join('\n')
  })
  const sizes = names.map(name => `  ${name}: ${Object.keys(opcodes[name].fields).length},`)
  return [
    '// Written by tools/ops.mjs from src/plan/opcodes.ts and src/plan/flags.ts (make gen). Do not edit.',
    `import { ${[...Object.keys(flagTables), ...Object.keys(enumTables)].sort().join(', ')} } from './flags.js'`,
    "import type { ShimOp } from './op.js'",
    "import type { OpName } from './opcodes.js'",
    "import * as w from './writer.js'",
    '',
    '/** FNV-1a of the opcode table: the shim refuses a plan with another one. */',
    `export const buildId = ${hex(id)}`,
    '',
    '/** How many fields an op has. */',
    'export const fieldCounts: Readonly<Record<OpName, number>> = {',
    ...sizes,
    '}',
    '',
    '/** Writes the record of an op: its head, then its fields in wire order. */',
    'export function writeOp(op: ShimOp, index: number): void {',
    '  switch (op.op) {',
    ...cases,
    '  }',
    '}',
    '',
  ].join('\n')
}

async function generate() {
  const tables = await load()
  const id = fnv1a(JSON.stringify([tables.opcodes, tables.flagTables, tables.enumTables]))
  return {
    'shim/ops.gen.h': header(tables, id),
    'src/plan/wire.gen.ts': wire(tables, id),
  }
}

const check = process.argv.includes('--check')
let stale = 0
for (const [path, text] of Object.entries(await generate())) {
  if (!check) writeFileSync(home + path, text)
  else if (readFileSync(home + path, 'utf8') !== text) {
    console.error(`${path} is stale: run make gen`)
    stale = 1
  }
}
process.exit(stale)
