/** What exec may do to capabilities: three runtimes got it wrong, each in a way of its own. */
import type { Test } from 'tap'
import { container } from './container.js'
import { capabilityMask, type Report, script } from './payload.js'
import { requires } from './requires.js'
import { forms } from './runtime.js'

const own = ['CAP_KILL', 'CAP_NET_BIND_SERVICE']

/** Runs exec with `--cap` for each of `more`: they are added to every set but the inheritable one. */
export const execCapabilities = (t: Test, more: readonly string[], lacking = 'nothing'): void =>
  forms(t, requires('root', 'cc'), (t, rt) => {
    const flags = more.flatMap(name => ['--cap', name])
    for (const inheritable of [[], ['CAP_KILL']])
      t.test(`the config has ${inheritable.length} inheritable`, { skip: rt.lacks(lacking) }, async t => {
        const capabilities = { bounding: own, effective: own, permitted: own, inheritable }
        const c = container(t, rt, { process: { args: script(['wait']), capabilities } })
        c.run('--detach')
        const { status, stdout } = c.call('exec', ...flags, c.id, ...script(['report']))
        t.equal(status, 0)
        const { caps } = JSON.parse(stdout) as Report
        const mask = (set: keyof typeof caps) => BigInt(`0x${caps[set]}`)
        t.equal(mask('inheritable'), capabilityMask(inheritable), 'inheritable is that of the config')
        t.equal(mask('bounding'), capabilityMask([...own, ...more]))
        t.equal(mask('effective'), capabilityMask([...own, ...more]))
      })
  })
