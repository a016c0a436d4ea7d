/** Labels of SELinux and profiles of AppArmor where the kernel enforces them: seen from inside, and felt. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { container } from '../support/container.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

const profile = 'tsrun-test-labels'
/** All is allowed but one file. */
const policy = `profile ${profile} flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  network,
  mount,
  umount,
  signal,
  ptrace,
  deny /tmp/forbidden w,
}
`
const current = ['cat', '/proc/self/attr/current'] as const

forms(t, requires('root', 'cc', 'apparmor'), (t, rt) => {
  t.before(() => {
    const file = join(t.testdir(), profile)
    writeFileSync(file, policy)
    const { status, stderr } = spawnSync('apparmor_parser', ['--replace', '--skip-cache', file])
    t.equal(status, 0, String(stderr))
    t.teardown(() => spawnSync('apparmor_parser', ['--remove', file]))
  })

  t.test('the profile of process.apparmorProfile', async t => {
    const c = container(t, rt, { process: { apparmorProfile: profile } })
    const [label, allowed, forbidden] = c.ask(
      current,
      ['write', '/tmp/allowed', 'x'],
      ['write', '/tmp/forbidden', 'x'],
    )
    t.equal(label?.data, `${profile} (enforce)\n`)
    t.equal(allowed?.errno, null)
    t.match(forbidden, { errno: 'EACCES' })
  })

  t.test('exec takes that of the container, or one of its own', async t => {
    const c = container(t, rt, { process: { apparmorProfile: profile, args: script(['wait']) } })
    t.equal(c.run('--detach').status, 0)
    const label = (...flags: readonly string[]) => c.call('exec', ...flags, c.id, ...script([...current]))
    t.match(label(), { status: 0, stdout: `${profile} (enforce)` })
    t.match(label('--apparmor', 'unconfined'), { status: 0, stdout: 'unconfined' })
  })

  t.test('a profile that is not loaded', async t => {
    const { status, stderr } = container(t, rt, { process: { apparmorProfile: 'tsrun-nowhere' } }).run()
    t.equal(status, 1)
    t.match(stderr, /tsrun-nowhere|no such file or directory/i)
    if (rt.lacks('pointers') === false) t.match(stderr, '/process/apparmorProfile')
  })
})

/** One that every policy of Debian has, and that no test is run with. */
const label = 'system_u:system_r:init_t:s0'

forms(t, requires('root', 'cc', 'selinux'), (t, rt) => {
  t.test('the label of process.selinuxLabel', async t => {
    const c = container(t, rt, { process: { selinuxLabel: label } })
    t.equal(c.ask(current)[0]?.data?.replace('\0', ''), label)
  })

  t.test('the label of linux.mountLabel', async t => {
    const mountLabel = 'system_u:object_r:tmp_t:s0'
    const c = container(t, rt, { linux: { mountLabel } })
    const mountinfo = c.ask(['cat', '/proc/self/mountinfo'])[0]?.data ?? ''
    t.match(mountinfo, new RegExp(` /dev .* - tmpfs .*context=${mountLabel}`))
  })

  t.test('a label that the policy does not know', async t => {
    const { status, stderr } = container(t, rt, { process: { selinuxLabel: 'no_u:no_r:no_t:s0' } }).run()
    t.equal(status, 1)
    if (rt.lacks('pointers') === false) t.match(stderr, '/process/selinuxLabel')
  })
})
