/** The example bundles run, and show what each is an example of. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { payloadPath, repository } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

/** What each prints; a terminal ends its lines with CR LF. */
const prints: Readonly<Record<string, readonly RegExp[]>> = {
  minimal: [/^$/],
  shell: [
    /^pid 1 on host tsrun, as uid=0\(root\)/,
    /^ +1 \/bin\/sh/m,
    /pid:\[\d+\]/,
    /memory\.(max|limit_in_bytes): 67108864/,
  ],
  limits: [/oom_score_adj: 500/, /Max open files +256 +512/, /pids\.max: 20/, /cpuset\.cpus: 0/],
  hooks: [/^prestart\ncreateRuntime\ncreateContainer\n(poststart\n)?startContainer\n/],
  'seccomp-docker': [/^$/],
  rootless: [/^pid 1 on host tsrun, as uid=0\(root\)/, / 0 +1000 +1\n/],
  userns: [/uid=0\(root\)/, / 0 +100000 +65536/],
}

forms(t, requires('root', 'cc', 'busybox', 'userns'), (t, rt) => {
  for (const [name, expected] of Object.entries(prints))
    t.test(name, async t => {
      const c = container(t, rt)
      execFileSync(process.execPath, [join(repository, 'tools', 'bundle.mjs'), '--out', c.dir, name], {
        env: { PATH: process.env.PATH },
      })
      const { status, stdout, stderr } = c.run('--bundle', join(c.dir, name))
      t.same({ status, stderr }, { status: 0, stderr: '' })
      for (const text of expected) t.match(stdout, text)
      t.same(c.leaks(), nothing)
    })

  t.test('terminal', async t => {
    const c = container(t, rt)
    execFileSync(process.execPath, [join(repository, 'tools', 'bundle.mjs'), '--out', c.dir, 'terminal'], {
      env: { PATH: process.env.PATH },
    })
    const line = c.line('run', '--bundle', join(c.dir, 'terminal'), c.id)
    const running = c.spawn(payloadPath(), 'pty', '24', '80', ...line)
    await running.says('tsrun / #')
    running.child.stdin?.write('echo $((6 * 7)) on $(tty)\nexit 5\n')
    const { status, stdout } = await running.done
    t.match(stdout, /42 on \/dev\/(pts\/0|console)\r\n/)
    t.equal(status, 5)
  })
})
