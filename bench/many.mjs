// What `list` and `state` cost with few and with many containers running: `MANY=1 make bench`.
import { execFileSync } from 'node:child_process'

const runtimeColumn = 22
const pad = (text, width) => String(text).padStart(width)
const ratio = (a, b) => `${(a / b).toFixed(2)} x`

/** What `list` and `state` cost with `count` containers running, in ms: the lowest, for the two counts cannot take turns. */
function withContainers(rt, count, { side, leave, call, bundles, rounds, timer }) {
  const ids = Array.from({ length: count }, (_, i) => `${rt.id}-${i}`)
  try {
    for (const id of ids) {
      leave(rt, 'create', '--bundle', bundles.sleep, id)
      leave(rt, 'start', id)
    }
    return ['list', 'state'].map(verb => {
      const words = side(rt, verb, ...(verb === 'state' ? [ids[count >> 1]] : []))
      const text = execFileSync(timer, ['-n', rounds, '0', ...words], {
        encoding: 'utf8',
      })
      return Number(text.split('\t')[2])
    })
  } finally {
    for (const id of ids) call(rt, 'delete', '--force', id)
  }
}

/** @param tools how bench.mjs calls a runtime */
export function many(runtimes, tools) {
  console.log('with 5 and with 500 containers running, ms, lowest')
  const heads = ['list, 5', 'list, 500', 'list, each', '500 / 5', 'state, 5', 'state, 500', '500 / 5']
  console.log(`  ${'runtime'.padEnd(runtimeColumn)}${heads.map(it => pad(it, 13)).join('')}`)
  for (const rt of runtimes) {
    const [[list, state], [lists, states]] = [5, 500].map(count => withContainers(rt, count, tools))
    const cells = [list, lists, lists / 500].map(it => it.toFixed(2))
    cells.push(ratio(lists / 500, list / 5), state.toFixed(2), states.toFixed(2), ratio(states, state))
    console.log(`  ${rt.name.padEnd(runtimeColumn)}${cells.map(it => pad(it, 13)).join('')}`)
  }
  console.log()
}
