/** The house rules that no compiler checks: who may import whom, and what code on the hot path may use. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'

const src = fileURLToPath(new URL('../../src', import.meta.url))

/** Per layer: what it may import besides itself. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  cli: ['container', 'plan', 'spec', 'sys', 'base'],
  container: ['lower', 'launch', 'host', 'spec', 'plan', 'sys', 'base'],
  lower: ['plan', 'spec', 'host', 'base'],
  launch: ['plan', 'sys', 'base'],
  host: ['sys', 'base'],
  spec: ['base'],
  plan: ['base'],
  sys: ['base'],
  base: [],
}
/** Edges of which only types may come: lowering does no I/O. */
const typesOnly = new Set(['lower → host'])

/** The files of the npm form: only they may name Node's things. */
const nodeFiles = new Set(['sys/node.ts', 'cli/node.ts', 'cli/npm.ts', 'index.ts'])
const nodeNames = new Set([
  'process',
  'Buffer',
  'TextEncoder',
  'TextDecoder',
  'require',
  'console',
  'setTimeout',
])
/** Packages of npm, and the layer that may use them. */
const packages: Readonly<Record<string, string>> = { yargs: 'cli', cliui: 'cli', 'yargs-parser': 'cli' }

/** Intrinsics that the static form's hot path does without (shim/static/parts.c adds them for cold parts). */
const coldNames = new Set([
  'Date',
  'Promise',
  'Proxy',
  'RegExp',
  'Intl',
  'WeakRef',
  'structuredClone',
  'eval',
])
const hotRoots = ['cli/main.ts', 'cli/quickjs.ts', 'cli/parts/lifecycle.ts', 'cli/parts/create.ts']

interface Import {
  readonly to: string
  readonly typeOnly: boolean
}
interface Source {
  readonly file: string
  readonly imports: readonly Import[]
  readonly tree: ts.SourceFile
}

const read = (file: string): Source => {
  const tree = ts.createSourceFile(file, readFileSync(join(src, file), 'utf8'), ts.ScriptTarget.ES2022, true)
  return { file, tree, imports: tree.statements.flatMap(importOf) }
}

const importOf = (node: ts.Statement): Import[] => {
  if (!ts.isImportDeclaration(node) && !ts.isExportDeclaration(node)) return []
  if (node.moduleSpecifier === undefined || !ts.isStringLiteral(node.moduleSpecifier)) return []
  return [{ to: withoutModules(node.moduleSpecifier.text), typeOnly: isTypeOnly(node) }]
}

/** A package's inner file, named by its path, counts as the package. */
const withoutModules = (to: string): string => to.split('/node_modules/')[1]?.split('/')[0] ?? to

const isTypeOnly = (node: ts.ImportDeclaration | ts.ExportDeclaration): boolean => {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly
  const clause = node.importClause
  if (clause === undefined) return false
  if (clause.isTypeOnly) return true
  const named = clause.namedBindings
  if (clause.name !== undefined || named === undefined || !ts.isNamedImports(named)) return false
  return named.elements.every(element => element.isTypeOnly)
}

const sources = new Map(
  readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts'))
    .sort()
    .map(file => [file, read(file)]),
)

/** The file of src/ that a relative import names. */
const target = (from: string, to: string): string =>
  relative(src, join(src, dirname(from), to)).replace(/\.js$/, '.ts')

const layerOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] as string) : 'top')

/** Every use of one of `names`, and every regular expression and async function when `cold`, as `file:line: what`. */
const uses = ({ file, tree }: Source, names: ReadonlySet<string>, cold: boolean): string[] => {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    const what = offence(node, names, cold)
    if (what !== undefined) {
      const { line } = tree.getLineAndCharacterOfPosition(node.getStart(tree))
      found.push(`${file}:${line + 1}: ${what}`)
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

const offence = (node: ts.Node, names: ReadonlySet<string>, cold: boolean): string | undefined => {
  if (cold && ts.isRegularExpressionLiteral(node)) return node.text
  if (cold && (node.kind === ts.SyntaxKind.AsyncKeyword || ts.isAwaitExpression(node))) return 'async'
  if (!ts.isIdentifier(node) || !names.has(node.text)) return undefined
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return undefined
  if (ts.isQualifiedName(parent) && parent.right === node) return undefined
  // Property names, and declarations of one's own thing of that name.
  if ('name' in parent && parent.name === node) return undefined
  if (ts.isImportSpecifier(parent) || ts.isBindingElement(parent)) return undefined
  return isLocal(node) ? undefined : node.text
}

/** Is the name declared in the file itself (a variable, a parameter, an import)? */
const isLocal = (node: ts.Identifier): boolean => {
  for (let scope: ts.Node = node.parent; scope !== undefined; scope = scope.parent) {
    const locals = (scope as unknown as { locals?: ReadonlyMap<string, unknown> }).locals
    if (locals?.has(node.text)) return true
    if (ts.isFunctionLike(scope) && scope.parameters.some(({ name }) => declares(name, node.text)))
      return true
    if (!ts.isSourceFile(scope) && !ts.isBlock(scope)) continue
    for (const statement of scope.statements) if (statementDeclares(statement, node.text)) return true
  }
  return false
}

const declares = (name: ts.BindingName, text: string): boolean =>
  ts.isIdentifier(name)
    ? name.text === text
    : name.elements.some(element => !ts.isOmittedExpression(element) && declares(element.name, text))

const statementDeclares = (statement: ts.Statement, text: string): boolean => {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.some(({ name }) => declares(name, text))
  }
  if (ts.isFunctionDeclaration(statement) || ts.isInterfaceDeclaration(statement))
    return statement.name?.text === text
  if (ts.isTypeAliasDeclaration(statement) || ts.isClassDeclaration(statement))
    return statement.name?.text === text
  if (!ts.isImportDeclaration(statement)) return false
  const named = statement.importClause?.namedBindings
  return (
    named !== undefined && ts.isNamedImports(named) && named.elements.some(({ name }) => name.text === text)
  )
}

t.test('layers import downwards only', t => {
  for (const { file, imports } of sources.values()) {
    const layer = layerOf(file)
    if (layer === 'top') continue
    const allowed = mayImport[layer]
    if (allowed === undefined) {
      t.fail(`src/${layer} is no layer: ${file}`)
      continue
    }
    for (const { to, typeOnly } of imports) {
      if (!to.startsWith('.')) continue
      const other = layerOf(target(file, to))
      if (other === layer) continue
      if (!allowed.includes(other)) t.fail(`${file} imports ${to}: ${layer} may not import ${other}`)
      if (typesOnly.has(`${layer} → ${other}`) && !typeOnly)
        t.fail(`${file} imports more than types from ${to}`)
    }
  }
  t.ok(sources.size > 50, 'src/ was read')
  t.end()
})

t.test('imports of src/ exist', t => {
  for (const { file, imports } of sources.values()) {
    for (const { to } of imports) {
      if (to.startsWith('.')) t.ok(sources.has(target(file, to)), `${file} imports ${to}`)
    }
  }
  t.end()
})

t.test('only the npm form knows Node, only cli knows packages', t => {
  for (const source of sources.values()) {
    for (const { to } of source.imports) {
      if (to.startsWith('.')) continue
      const ok = to.startsWith('node:') ? nodeFiles.has(source.file) : packages[to] === layerOf(source.file)
      t.ok(ok, `${source.file} imports ${to}`)
    }
    if (nodeFiles.has(source.file)) continue
    t.strictSame(uses(source, nodeNames, false), [], `${source.file} names nothing of Node`)
  }
  t.end()
})

t.test('the hot path does without slow and missing intrinsics', t => {
  const hot = new Set(hotRoots)
  for (const file of hot) {
    const source = sources.get(file)
    if (source === undefined) {
      t.fail(`${file} is missing`)
      continue
    }
    for (const { to, typeOnly } of source.imports) {
      if (to.startsWith('.') && !typeOnly) hot.add(target(file, to))
    }
    t.strictSame(uses(source, coldNames, true), [], file)
  }
  t.end()
})

t.test('the checks can fail', t => {
  const tree = ts.createSourceFile(
    'x.ts',
    'const a = /x/; new Date(); b.Date; const f = async () => process.pid',
    9,
    true,
  )
  const source = { file: 'x.ts', imports: [], tree }
  t.strictSame(uses(source, coldNames, true), ['x.ts:1: /x/', 'x.ts:1: Date', 'x.ts:1: async'])
  t.strictSame(uses(source, nodeNames, false), ['x.ts:1: process'])
  t.end()
})
