/** Limits, capabilities and the score of the process. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rlimitNames } from '../../src/base/rlimits.js'
import { container } from '../support/container.js'
import { answersIn, type Report, script } from '../support/payload.js'
import { conformance, lazy } from './suite.js'

conformance('process', ['root', 'cc'], (owner, rt) => {
  /** All limits there are: a little below what the caller has, or just that where lower would be in the way. */
  const limited = lazy(() => {
    const before = container(owner, rt).report().rlimits
    const lower: Readonly<Record<string, readonly [string, string]>> = {
      CORE: ['0', '1'],
      NOFILE: ['100', '200'],
      STACK: ['8000000', '8000000'],
    }
    const names = rlimitNames.map(type => type.slice('RLIMIT_'.length))
    const asked = Object.fromEntries(names.map(name => [name, lower[name] ?? before[name] ?? ['0', '0']]))
    const c = container(owner, rt, { process: { rlimits: [] } })
    const entries = Object.entries(asked).map(
      ([name, [soft, hard]]) => `{"type":"RLIMIT_${name}","soft":${soft},"hard":${hard}}`,
    )
    c.configure({ process: { args: script(['report']) } })
    c.rewrite(text => text.replace('"rlimits": []', `"rlimits": [${entries.join()}]`))
    const { status, stdout, stderr } = c.run()
    assert.equal(status, 0, stderr)
    return { asked, report: answersIn(stdout)[0] as unknown as Report }
  })
  const compare = (index: 0 | 1) => () => {
    const { asked, report } = limited()
    for (const [name, limits] of Object.entries(asked))
      assert.equal(report.rlimits[name]?.[index], limits[index], name)
  }
  return {
    'CF-069': t => {
      for (const terminal of [false, undefined]) {
        const process = { terminal, consoleSize: { height: 10, width: 20 } }
        const report = container(t, rt, { process }).report()
        assert.deepEqual(report.tty, [null, null, null])
      }
    },
    'CF-078': () => {
      const { asked, report } = limited()
      assert.deepEqual(Object.keys(asked).sort(), Object.keys(report.rlimits).sort())
      assert.equal(rlimitNames.length, 16)
    },
    'CF-080': compare(0),
    'CF-082': compare(1),
    'CF-084': async t => {
      const names = ['CAP_KILL', 'CAP_SYS_TIME', 'CAP_NOBODY_KNOWS']
      const capabilities = { bounding: names, permitted: names, effective: names }
      const c = container(t, rt, { process: { capabilities, args: script(['report']) } })
      const log = join(c.dir, 'log')
      const [command = '', ...rest] = c.line('--log', log, 'run', '--bundle', c.bundle, c.id)
      const without = ['--bounding-set', '-sys_time', '--inh-caps', '-sys_time']
      const { stdout, status, stderr } = await c.spawn('setpriv', ...without, command, ...rest).done
      const text = readFileSync(log, 'utf8')
      assert.match(text, /warn.*CAP_NOBODY_KNOWS/i, 'one that the kernel does not know')
      assert.match(text, /warn.*CAP_SYS_TIME/i, 'one that the runtime does not have')
      assert.equal(status, 0, stderr)
      const { caps } = answersIn(stdout)[0] as unknown as Report
      assert.equal(BigInt(`0x${caps.effective}`), 1n << 5n, 'the one that is left')
    },
    'CF-085': t => {
      for (const oomScoreAdj of [500, 1000])
        assert.equal(container(t, rt, { process: { oomScoreAdj } }).report().oomScoreAdj, oomScoreAdj)
    },
    'CF-086': async t => {
      const c = container(t, rt, { process: { args: script(['report']) } })
      const { stdout } = await c.spawn(
        'choom',
        '-n',
        '321',
        '--',
        ...c.line('run', '--bundle', c.bundle, c.id),
      ).done
      assert.equal((answersIn(stdout)[0] as unknown as Report).oomScoreAdj, 321)
    },
  }
})
