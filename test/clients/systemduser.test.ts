/** podman as a user whose containers the user's own systemd holds (cgroup v2): its default on such a machine. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../support/container.js'
import { repository } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { runtimeName } from './support/box.js'

const program = runtimeName() === 'runc' ? 'runc' : join(repository, 'build/tsrun')
const MiB = 1 << 20

t.setTimeout(900_000)
t.test(
  `rootless podman with ${runtimeName()} and the user's systemd`,
  { skip: requires('user', 'podman', 'busybox') },
  async t => {
    const home = mkdtempSync(join(tmpdir(), 'tsrun-podman-'))
    const rootfs = join(home, 'rootfs')
    for (const dir of ['bin', 'proc', 'sys', 'dev', 'etc', 'run', 'tmp', 'var'])
      mkdirSync(join(rootfs, dir), { recursive: true })
    copyFileSync('/bin/busybox', join(rootfs, 'bin/busybox'))
    const common = ['--root', join(home, 'store'), '--runroot', join(home, 'run'), '--storage-driver', 'vfs']
    const podman = (...args: readonly string[]) => {
      const line = [...common, '--cgroup-manager', 'systemd', '--runtime', program, ...args]
      const { status, stdout, stderr } = spawnSync('podman', line, { encoding: 'utf8', cwd: home })
      return { status, stdout: stdout.trim(), stderr }
    }
    const busybox = (...words: readonly string[]) => ['--rootfs', rootfs, '/bin/busybox', ...words]
    const ok = (...args: readonly string[]): string => {
      const { status, stdout, stderr } = podman(...args)
      t.equal(status, 0, `podman ${args.join(' ')}: ${stderr}`)
      return stdout
    }
    t.teardown(() => {
      podman('rm', '--all', '--force', '--time', '0')
      spawnSync('podman', ['unshare', 'rm', '-rf', join(home, 'store')])
      rmSync(home, { recursive: true, force: true })
    })

    t.equal(ok('run', '--rm', '--network', 'none', ...busybox('echo', 'hello')), 'hello')
    t.equal(podman('run', '--rm', '--network', 'none', ...busybox('sh', '-c', 'exit 7')).status, 7)

    const limits = ['--pids-limit', '20', '--memory', '64m', '--cpus', '0.5']
    const id = ok(
      'run',
      '--detach',
      '--network',
      'none',
      '--name',
      'web',
      ...limits,
      ...busybox('sleep', '600'),
    )
    const pid = ok('inspect', '--format', '{{.State.Pid}}', 'web')
    const place = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().slice('0::'.length)
    t.match(place, new RegExp(`/user@${process.getuid?.()}\\.service/user\\.slice/libpod-${id}\\.scope`))
    const file = (name: string) => readFileSync(join('/sys/fs/cgroup', place, name), 'utf8').trim()
    t.same([file('pids.max'), file('memory.max'), file('cpu.max')], ['20', `${64 * MiB}`, '50000 100000'])
    t.equal(ok('exec', 'web', '/bin/busybox', 'echo', 'inside'), 'inside')
    ok('pause', 'web')
    t.equal(ok('inspect', '--format', '{{.State.Status}}', 'web'), 'paused')
    ok('unpause', 'web')
    ok('update', '--memory', '32m', 'web')
    t.equal(file('memory.max'), `${32 * MiB}`)
    t.match(ok('top', 'web', 'pid'), /^\d+$/m)
    ok('rm', '--force', '--time', '0', 'web')
    const scope = () =>
      spawnSync('systemctl', ['--user', 'show', '--value', '-p', 'LoadState', `libpod-${id}.scope`], {
        encoding: 'utf8',
      }).stdout.trim()
    t.ok(
      until(() => scope() === 'not-found', 5000),
      'no unit is left',
    )
    t.notOk(existsSync(join('/sys/fs/cgroup', place)), 'and no cgroup')
  },
)
