import t from 'tap'
import { instrument, split } from '../../tools/split.mjs'

const code = `// src/a.ts
var limit = 3;
var count = 0;
var names = ["x", "y"];
var table = { hot, rare2: rare };
var short = (x) => x + limit;
function hot(x) { return x > limit ? rare(x, 1) : x; }
function rare(x, y = 5) { return [x, y, other().length, short(x)]; }
function other() { return names; }
// src/b.ts
function step() { return ++count; }
function tally() { return count; }
globalThis.__tsrun.out = { hot, table, tally, step };
export { hot as main };
`

interface Out {
  hot(x: number): unknown
  table: { rare2(x: number): unknown }
  tally(): number
  step(): number
}

/** Runs both halves as the engines do. */
function run(halves: { hot: string; rare: string | undefined }): { out: Out; loaded: string[] } {
  const loaded: string[] = []
  const body = (text: string, result: string): string =>
    text.replace(/export\s*\{([^}]*)\};?\s*$/, (_, names: string) =>
      names.includes('default') ? `${result}={default:all};` : '',
    )
  const registry = {
    out: undefined as unknown as Out,
    load(name: string): unknown {
      loaded.push(name)
      const module = { exports: undefined }
      new Function('module', body(halves.rare ?? '', 'module.exports'))(module)
      return module.exports
    },
  }
  new Function('globalThis', body(halves.hot, 'unused'))({ __tsrun: registry })
  return { out: registry.out, loaded }
}

t.test('what the list names is loaded by its first call', t => {
  const halves = split(code, 'part', new Set(['a.ts rare', 'a.ts other', 'a.ts short', 'b.ts tally']))
  t.notMatch(halves.hot, /"x", "y"/, 'a table that only rare functions use goes with them')
  t.match(halves.hot, /var limit = 3/)
  const { out, loaded } = run(halves)
  t.equal(out.hot(2), 2)
  t.same(loaded, [])
  t.same(out.hot(4), [4, 1, 2, 7])
  t.same(out.table.rare2(9), [9, 5, 2, 12], 'a default, through a stub')
  t.same(loaded, ['partRare'], 'once')
  t.end()
})

t.test('a variable that changes has one home', t => {
  const { out } = run(
    split(code, 'part', new Set(['a.ts hot', 'a.ts rare', 'a.ts other', 'a.ts short', 'b.ts tally'])),
  )
  out.step()
  t.equal(out.tally(), 1)
  t.end()
})

t.test('what nobody named is hot', t => {
  t.equal(split(code, 'part', new Set()).rare, undefined)
  t.end()
})

t.test('the profile names each function that is called', t => {
  const hits: string[] = []
  const text = instrument(code).replace(/export.*/, '')
  const registry = { out: undefined as unknown as Out }
  new Function('globalThis', text)({ __tsrun: registry, __hit: (label: string) => hits.push(label) })
  registry.out.hot(4)
  t.same(hits, ['a.ts hot', 'a.ts rare', 'a.ts other', 'a.ts short'])
  t.end()
})
