// Splits a part by what an ordinary run calls: functions that tools/rare.txt names, and the tables that only they use, go into a part
// of their own, which the first call of one of them loads. Reading bytecode and making closures is a good part of a
// start, and most functions are for what most configs do not have. A list that is behind the sources makes nothing wrong:
// what it does not name is taken for hot.
//
//   function rare(a){…}   becomes   var rare=stub(7)     and in PARTRare: module.exports=(shared…)=>{…;return[…,rare,…]}
import ts from 'typescript'

/** Names of a binding: `a`, `[a, b]`, `{ a }`. */
function namesOf(binding) {
  if (ts.isIdentifier(binding)) return [binding.text]
  return binding.elements.flatMap(element => (ts.isOmittedExpression(element) ? [] : namesOf(element.name)))
}

const isAssignment = kind => kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment

/** Whether an identifier stands for a variable. Those that are shadowed are taken for the outer one: that only keeps more. */
function isVariable(node) {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node
  if (ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent) || ts.isPropertyDeclaration(parent)) {
    return parent.name !== node
  }
  if (ts.isGetAccessor(parent) || ts.isSetAccessor(parent)) return parent.name !== node
  if (ts.isBindingElement(parent)) return parent.initializer === node
  return true
}

/** Top-level names that a node mentions, those that it assigns, and whether it needs its own `this` or `arguments`. */
function look(node, names) {
  const used = new Set()
  const assigned = new Set()
  let bound = false
  const visit = (at, inner) => {
    if (ts.isIdentifier(at)) {
      if (at.text === 'arguments' && !inner) bound = true
      if (names.has(at.text) && isVariable(at)) used.add(at.text)
    }
    if (at.kind === ts.SyntaxKind.ThisKeyword && !inner) bound = true
    if (ts.isBinaryExpression(at) && isAssignment(at.operatorToken.kind)) {
      for (const it of targets(at.left)) assigned.add(it)
    }
    if (ts.isPrefixUnaryExpression(at) || ts.isPostfixUnaryExpression(at)) {
      const step =
        at.operator === ts.SyntaxKind.PlusPlusToken || at.operator === ts.SyntaxKind.MinusMinusToken
      if (step && ts.isIdentifier(at.operand)) assigned.add(at.operand.text)
    }
    const own =
      inner ||
      (at !== node && (ts.isFunctionExpression(at) || ts.isClassLike(at) || ts.isMethodDeclaration(at)))
    ts.forEachChild(at, child => visit(child, own))
  }
  visit(node, false)
  return { used, assigned, bound }
}

/** Every identifier of an assignment's left side: more than is assigned, never less. */
function targets(left) {
  if (ts.isIdentifier(left)) return [left.text]
  if (ts.isPropertyAccessExpression(left) || ts.isElementAccessExpression(left)) return []
  const found = []
  const visit = node => {
    if (ts.isIdentifier(node)) found.push(node.text)
    ts.forEachChild(node, visit)
  }
  visit(left)
  return found
}

/** esbuild numbers names that several modules have, and a number changes with every other module. */
const plain = name => name.replace(/\d+$/, '')

/** The statements of a bundle with the modules they come from, which esbuild tells in comments. */
export function statementsOf(code) {
  const file = ts.createSourceFile('bundle.js', code, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS)
  let module = ''
  return file.statements.map(node => {
    const comments = code.slice(node.pos, node.getStart(file)).matchAll(/^\/\/ src\/(\S+)$/gm)
    for (const [, path] of comments) module = path
    return { node, module, text: code.slice(node.getStart(file), node.end) }
  })
}

/** The function of a statement that is nothing but one: `function f…`, `var f=(…)=>…`. */
function functionOf(node) {
  if (ts.isFunctionDeclaration(node)) return node.modifiers?.length ? undefined : node
  if (!ts.isVariableStatement(node) || node.declarationList.declarations.length !== 1) return undefined
  const [{ initializer }] = node.declarationList.declarations
  return initializer !== undefined && ts.isArrowFunction(initializer) ? initializer : undefined
}

export const labelOf = (module, name) => `${module} ${plain(name)}`

/** @returns the two bundles; `rare` is undefined when everything is hot */
export function split(code, part, rare) {
  const items = statementsOf(code)
  const declared = new Map()
  for (const item of items) {
    const { node } = item
    item.names = ts.isFunctionDeclaration(node)
      ? [node.name.text]
      : ts.isVariableStatement(node)
        ? node.declarationList.declarations.flatMap(it => namesOf(it.name))
        : []
    for (const name of item.names) declared.set(name, item)
  }
  const assigned = new Set()
  for (const item of items) {
    const found = look(item.node, declared)
    item.used = found.used
    for (const name of found.assigned) assigned.add(name)
    item.isFunction = functionOf(item.node) !== undefined && !found.bound
    item.cold = item.isFunction && rare.has(labelOf(item.module, item.names[0]))
  }

  // What hot code mentions stays, but for functions, of which it can have stubs. A variable that changes has one home.
  for (;;) {
    const kept = new Set(
      items.filter(item => (item.isFunction ? !item.cold : item.names.length === 0 || item.pinned)),
    )
    const queue = [...kept]
    for (const item of queue) {
      for (const name of item.used) {
        const other = declared.get(name)
        if (kept.has(other) || other.cold) continue
        kept.add(other)
        queue.push(other)
      }
    }
    let moved = false
    for (const item of items) {
      if (kept.has(item) || ![...item.used].some(name => assigned.has(name) && kept.has(declared.get(name))))
        continue
      item.cold = false
      item.pinned = true
      moved = true
    }
    if (moved) continue
    return write(items, kept, declared, part)
  }
}

function write(items, kept, declared, part) {
  const rare = items.filter(item => !kept.has(item))
  if (rare.length === 0) return { hot: items.map(({ text }) => text).join('\n'), rare: undefined }
  const mentioned = (list, other) => {
    const names = new Set()
    for (const { used } of list) for (const name of used) if (other(declared.get(name))) names.add(name)
    return [...names]
  }
  const wanted = mentioned([...kept], item => !kept.has(item))
  const shared = mentioned(rare, item => kept.has(item))
  const stubs = [
    'var rareFunctions;',
    `var loadRare=()=>rareFunctions=globalThis.__tsrun.load(${JSON.stringify(`${part}Rare`)}).default(${shared.join(',')});`,
    'var stub=at=>(...given)=>(rareFunctions??loadRare())[at](...given);',
    ...wanted.map((name, at) => `var ${name}=stub(${at});`),
  ]
  const text = list => list.map(item => item.text).join('\n')
  return {
    hot: `${stubs.join('\n')}\n${text(items.filter(item => kept.has(item)))}`,
    rare: `var all=(${shared.join(',')})=>{${text(rare)}\nreturn [${wanted.join(',')}]};\nexport{all as default};`,
  }
}

/** The bundle with a call of `globalThis.__hit(label)` at the start of each function at its top. */
export function instrument(code) {
  return statementsOf(code)
    .map(({ node, module, text }) => {
      const it = functionOf(node)
      if (it === undefined) return text
      const name = ts.isFunctionDeclaration(node) ? node.name : it.parent.name
      const hit = `globalThis.__hit?.(${JSON.stringify(labelOf(module, name.text))})`
      const from = it.body.getStart() - node.getStart()
      const to = it.body.end - node.getStart()
      const body = text.slice(from, to)
      const told = ts.isBlock(it.body) ? `{${hit};${body.slice(1)}` : `(${hit},${body})`
      return text.slice(0, from) + told + text.slice(to)
    })
    .join('\n')
}
