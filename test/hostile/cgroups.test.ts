/**
 * A container that may write its own cgroup makes a hiding place below it: deeper than a path can name, under names that are no text.
 * All the same its processes are seen and killed, and it can be deleted.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { namespacesWithout } from '../support/config.js'
import { type Container, container, until } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { script } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms } from '../support/runtime.js'

/** The container's directory in each hierarchy. */
const groupsOf = (c: Container): string[] =>
  ['', ...readdirSync('/sys/fs/cgroup')]
    .map(name => join('/sys/fs/cgroup', name, c.id))
    .filter(path => existsSync(path))

/** Makes `depth` directories one in the other, of that name (in perl's spelling), and moves a process into the last. */
const hide = (t: Test, top: string, name: string, depth: number, pid: number): void => {
  const dig = `
    chdir $ARGV[0] or die "chdir: $!";
    for (1..$ARGV[1]) { mkdir ${name} or die "mkdir: $!"; chdir ${name} or die "chdir: $!" }
    # cpuset takes no process before it has CPUs, and a v2 cgroup that is not the process's own none at all: some will do.
    if (open(my $f, '>', 'cgroup.procs')) { syswrite($f, "$ARGV[2]\\n") }`
  const { status, stderr } = spawnSync('perl', ['-e', dig, top, `${depth}`, `${pid}`], { encoding: 'utf8' })
  t.equal(status, 0, stderr)
}

forms(t, requires('root', 'cc'), (t, rt) => {
  for (const [what, name, depth] of [
    ['deeper than PATH_MAX', '"d" x 200', 30],
    ['names that are no UTF-8', '"\\xff\\xfe.\\x80"', 3],
  ] as const)
    t.test(`cgroups: ${what}`, { skip: rt.lacks('tsrun') }, t => {
      const c = container(t, rt, {
        process: { args: script(['wait']) },
        linux: { namespaces: namespacesWithout('pid') },
      })
      t.equal(c.run('--detach').status, 0)
      t.equal(c.leave('exec', '--detach', c.id, ...script(['wait'])).status, 0)
      const before = JSON.parse(c.call('ps', '--format', 'json', c.id).stdout) as number[]
      const hidden = before.find(pid => pid !== c.state().pid) as number
      for (const group of groupsOf(c)) hide(t, group, name, depth, hidden)
      t.same(
        JSON.parse(c.call('ps', '--format', 'json', c.id).stdout).sort(),
        [...before].sort(),
        'ps sees it',
      )
      t.match(c.del('--force'), { status: 0, stderr: '' })
      t.ok(
        until(() => c.leaks().processes.length === 0),
        'nobody lives on',
      )
      t.same(c.leaks(), nothing)
      t.end()
    })
})
