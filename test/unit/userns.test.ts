/** Why a user gets no user namespace, or no ids in it. */
import t from 'tap'
import { rangesOf } from '../../src/launch/maptool.js'
import { refusals } from '../../src/launch/userns.js'

t.test('each switch is told with its command', async t => {
  const read = (files: Readonly<Record<string, string>>) => (file: string) => files[file]
  t.equal(refusals(read({})), '')
  t.equal(
    refusals(
      read({
        '/proc/sys/kernel/unprivileged_userns_clone': '1\n',
        '/proc/sys/user/max_user_namespaces': '96365\n',
        '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '0\n',
      }),
    ),
    '',
  )
  t.match(
    refusals(read({ '/proc/sys/kernel/unprivileged_userns_clone': '0\n' })),
    /unprivileged_userns_clone=1$/,
  )
  t.match(
    refusals(read({ '/proc/sys/user/max_user_namespaces': '0' })),
    /is 0: as root type: sysctl user\.max/,
  )
  t.match(
    refusals(read({ '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1\n' })),
    /apparmor_restrict_unprivileged_userns=0 \(or make install, which gives tsrun an AppArmor profile/,
  )
})

t.test('lines of /etc/subuid, by name and by number', async t => {
  const text = 'web:100000:65536\nother:1:2\n1000:200000:10\n\nnonsense\n'
  t.same(rangesOf(text, 'web', 1000), [
    [100000, 65536],
    [200000, 10],
  ])
  t.same(rangesOf(text, 'nobody', 7), [])
})
