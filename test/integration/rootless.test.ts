/** The runtime as root of a user namespace, as podman of a user calls it: no cgroups, a state root of its own. */
import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { container } from '../support/container.js'
import { answersIn, type Report, script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const user = 4321

forms(t, requires('root', 'cc', 'userns'), (t, rt) => {
  t.test('runs without cgroups, states are below XDG_RUNTIME_DIR', async t => {
    const c = container(t, rt, { process: { args: script(['report']), rlimits: [] } })
    c.rewrite(text => {
      const config = JSON.parse(text)
      delete config.linux.resources
      delete config.linux.cgroupsPath
      return JSON.stringify(config).replace(',"gid=5"', '') // not mapped
    })
    const runtimeDir = join(c.dir, 'run')
    mkdirSync(runtimeDir)
    for (const path of [runtimeDir, c.bundle, c.rootfs]) chownSync(path, user, user)
    chmodSync(c.dir, 0o755)
    const argv = [...rt.argv, 'run', '--bundle', c.bundle, c.id]
    const line = ['unshare', '--map-root-user', '--mount', ...argv]
    const env = ['env', '-i', `PATH=${process.env.PATH}`, `XDG_RUNTIME_DIR=${runtimeDir}`]
    const { status, stdout, stderr } = await c.spawn(
      ...['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', ...env, ...line],
    ).done
    t.equal(status, 0, stderr)
    const report = answersIn(stdout)[0] as unknown as Report
    t.same(report.uid, [0, 0, 0])
    t.match(readdirSync(runtimeDir), [/runc|tsrun/])
  })
})
