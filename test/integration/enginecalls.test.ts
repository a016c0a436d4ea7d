/**
 * The command lines of engines, word by word as they call a runtime, and what they expect of each: conmon and podman, containerd's shim
 * (go-runc), docker and BuildKit, buildah, CRI-O. The engines themselves are in test/clients.
 */
import { spawnSync } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { namespacesWithout } from '../support/config.js'
import { type Container, container, type Result, until } from '../support/container.js'
import { checkpoint as dumped, images, quietly, requiresCriu } from '../support/criu.js'
import { nothing } from '../support/leaks.js'
import { answersIn, payloadPath, type Report, script, type Verb } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { forms, type Runtime } from '../support/runtime.js'

const waiting = { process: { args: script(['wait']) } }
const done = { status: 0, stdout: '', stderr: '' }

/** A command line without the global options that c.call adds: an engine's own are in `words`. */
const own = (c: Container, rt: Runtime, ...words: readonly string[]) => [...rt.argv, ...words].map(at(c))
/** `DIR`, `ROOT`, `BUNDLE` and `ID` in a line stand for those of the container. */
const at = (c: Container) => (word: string) =>
  word.replace('ROOT', c.stateRoot).replace('BUNDLE', c.bundle).replace('DIR', c.dir).replace(/^ID$/, c.id)
const split = (line: string): string[] => line.split(' ').filter(Boolean)

/** Runs a line as an engine types it, with what it leaves behind writing to files. */
const engine = async (c: Container, rt: Runtime, line: string): Promise<Result> => {
  const command = own(c, rt, ...split(line)).map(word => `'${word}'`)
  const shell = `exec ${command.join(' ')} </dev/null >>${c.dir}/out 2>${c.dir}/err`
  const { status } = await c.spawn('sh', '-c', shell).done
  return { status, stdout: c.output(), stderr: readFileSync(join(c.dir, 'err'), 'utf8') }
}

/** The messages of a log, as containerd reads them: a stream of objects. */
const errorsIn = (c: Container, name: string): string[] => {
  const lines = readFileSync(join(c.dir, name), 'utf8').split('\n').filter(Boolean)
  const entries = lines.map(line => JSON.parse(line) as { level: string; msg: string; time: string })
  for (const { time } of entries) if (Number.isNaN(Date.parse(time))) throw new Error(`no time: ${time}`)
  return entries.filter(({ level }) => level === 'error').map(({ msg }) => msg)
}

/** The process document of an exec; engines write all fields. */
const processFile = (c: Container, patch: object, ...verbs: readonly Verb[]): string => {
  const file = join(c.dir, 'process.json')
  const process = {
    terminal: false,
    user: { uid: 0, gid: 0 },
    args: script(...verbs),
    env: ['PATH=/bin', 'TERM=xterm', `TSRUN_TEST_TAG=${c.id}`],
    cwd: '/',
    ...patch,
  }
  writeFileSync(file, JSON.stringify(process))
  return file
}

const receiver = async (t: Test, c: Container, name: string) => {
  const running = c.spawn(payloadPath(), 'recv-console', join(c.dir, name))
  t.teardown(() => running.child.kill('SIGKILL'))
  await running.says('listening')
  return running
}

const pidIn = (c: Container, name: string): number => {
  const text = readFileSync(join(c.dir, name), 'utf8')
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`no pid file: ${JSON.stringify(text)}`)
  return Number(text)
}

forms(t, requires('root', 'cc'), (t, rt) => {
  const log = '--log DIR/oci-log'

  t.test('conmon and podman', async t => {
    const c = container(t, rt, { ...waiting, linux: { resources: { pids: { limit: 30 } } } })
    const run = (line: string) => engine(c, rt, `--root=ROOT ${line}`)
    const conmon = `--log-format=json --log=DIR/oci-log`
    t.match(await run(`${conmon} create --bundle BUNDLE --pid-file DIR/pidfile ID`), {
      status: 0,
      stderr: '',
    })
    const { pid } = c.state()
    t.equal(pidIn(c, 'pidfile'), pid)
    t.equal(readFileSync(join(c.dir, 'oci-log'), 'utf8'), '', 'nothing to say')
    t.match(await run('start ID'), { status: 0, stderr: '' })
    const exec = `${conmon} exec --pid-file DIR/execpid --process ${processFile(c, {}, ['wait'])} --detach ID`
    t.match(await run(exec), { status: 0, stderr: '' })
    const second = pidIn(c, 'execpid')
    t.equal(readlinkSync(`/proc/${second}/ns/pid`), readlinkSync(`/proc/${pid}/ns/pid`))
    t.same((await run('kill ID 0')).status === 0 ? (await run('kill ID 10')).status : 1, 0)
    t.match(await run('pause ID'), { status: 0, stderr: '' })
    t.match(await run(exec), { status: 255 })
    t.match(errorsIn(c, 'oci-log').at(-1), /cannot exec in a paused container/)
    t.match(await run('resume ID'), { status: 0, stderr: '' })
    writeFileSync(join(c.dir, 'resources'), JSON.stringify({ pids: { limit: 44 } }))
    t.match(await run('update --resources=DIR/resources ID'), { status: 0, stderr: '' })
    const events = JSON.parse(c.call('events', '--stats', c.id).stdout)
    t.equal(events.data.pids.limit, 44)
    t.match(await run('kill --all ID 9'), { status: 0, stderr: '' })
    c.ended(pid)
    c.ended(second)
    t.match(await run('delete --force ID'), { status: 0, stderr: '' })
    t.match(await run('delete --force ID'), { status: 0 }, 'and again')
    t.same(c.leaks(), nothing)
  })

  t.test('conmon: a terminal, with --tty and only in the document', async t => {
    const c = container(t, rt, { process: { terminal: true, args: script(['copy']) } })
    const run = (line: string) => engine(c, rt, `--root=ROOT ${line}`)
    const first = await receiver(t, c, 'attach')
    const create = `create --bundle BUNDLE --pid-file DIR/pidfile --console-socket DIR/attach ID`
    t.match(await run(create), { status: 0, stderr: '' })
    t.match(await run('start ID'), { status: 0, stderr: '' })
    first.child.stdin?.write('typed\n')
    await first.says('typed')
    for (const [i, tty] of ['--tty', ''].entries()) {
      const answers = await receiver(t, c, `exec${i}`)
      const file = processFile(c, { terminal: true }, ['report'], ['exit', 3])
      const exec = `exec --pid-file DIR/execpid --process ${file} --detach ${tty} --console-socket DIR/exec${i} ID`
      t.match(await run(exec), { status: 0, stderr: '' }, tty)
      const { stdout } = await answers.done
      const report = answersIn(stdout).find(({ verb }) => verb === 'report') as unknown as Report
      t.match(report.tty[0]?.name, /^\/dev\/pts\/\d+$/)
      t.equal(report.controllingTerminal, 1)
    }
    t.match(await run('kill ID 9'), { status: 0 })
    t.match((await first.done).stdout, /"fds":1,"isatty":1/)
  })

  t.test('conmon: --preserve-fds, and what podman makes of a failure', async t => {
    const c = container(t, rt, { process: { args: script(['report']) } })
    const opened = [payloadPath(), 'with-fd', '3', join(c.dir, 'three')]
    const create = 'create --bundle BUNDLE --pid-file DIR/pidfile --preserve-fds 1 ID'
    const line = own(c, rt, '--root=ROOT', ...split(create)).map(word => `'${word}'`)
    const made = await c.spawn(...opened, 'sh', '-c', `exec ${line.join(' ')} >>${c.dir}/out 2>&1`).done
    t.equal(made.status, 0)
    t.equal(c.start().status, 0)
    t.ok(until(() => c.output().includes('"fds"')))
    t.same(Object.keys((JSON.parse(c.output()) as Report).fds), ['0', '1', '2', '3'])
    t.equal(c.del('--force').status, 0)

    // podman reads these: the first two become 127, the last one 126.
    for (const [args, words] of [
      [['nope'], /executable file not found in/],
      [['/nope'], /no such file or directory/],
      [['/bin/plain'], /permission denied/],
    ] as const) {
      const d = container(t, rt, { process: { args } })
      writeFileSync(join(d.rootfs, 'bin', 'plain'), '', { mode: 0o644 })
      const failing = `--root=ROOT --log-format=json ${log} create --bundle BUNDLE --pid-file DIR/pidfile ID`
      const { status, stderr } = await engine(d, rt, failing)
      t.equal(status, 1)
      t.match(stderr, words, 'on stderr')
      const errors = errorsIn(d, 'oci-log')
      t.match(errors, [words], 'and once in the log')
      t.notOk(readdirSync(d.dir).includes('pidfile'), 'no pid file')
      t.same(d.leaks(), nothing)
    }
  })

  t.test('podman: what it asks before it begins', async t => {
    const c = container(t, rt)
    const { status, stdout } = await engine(c, rt, '--version')
    t.equal(status, 0)
    t.match(stdout, /^\S+ version \S+\n(.*: .*\n)+$/)
    const help = await engine(c, rt, 'checkpoint --help')
    t.equal(help.status, 0)
    t.match(help.stdout, /checkpoint/)
    for (const flag of [
      'image-path',
      'work-path',
      'leave-running',
      'tcp-established',
      'file-locks',
      'pre-dump',
    ])
      t.match(help.stdout, `--${flag}`)
  })

  t.test('containerd’s shim: the life of a container', async t => {
    const c = container(t, rt, { process: { args: script(['trap', 10, 15], ['exit', 7]) } })
    const shim = '--root ROOT --log DIR/log.json --log-format json'
    const run = (line: string) => engine(c, rt, `${shim} ${line}`)
    t.match(await run('create --bundle BUNDLE --pid-file DIR/init.pid ID'), { status: 0, stderr: '' })
    t.equal(pidIn(c, 'init.pid'), c.state().pid)
    t.match(await run('start ID'), { status: 0, stderr: '' })
    t.ok(until(() => c.output().includes('"verb":"trap"')))
    const ps = c.call('ps', '--format', 'json', c.id)
    t.same(JSON.parse(ps.stdout), [c.state().pid])
    const file = processFile(c, {}, ['exit', 5])
    t.match(await run(`exec --process ${file} --detach --pid-file DIR/exec.pid ID`), {
      status: 0,
      stderr: '',
    })
    pidIn(c, 'exec.pid')
    for (const words of ['update --resources=- ID', 'update --resources - ID']) {
      const line = own(c, rt, ...split(`${shim} ${words}`))
      const update = c.spawn(...line)
      update.child.stdin?.end(JSON.stringify({ pids: { limit: 33 } }))
      t.match(await update.done, done, words)
    }
    t.equal(JSON.parse(c.call('events', '--stats', c.id).stdout).data.pids.limit, 33)
    const { pid } = c.state()
    t.match(await run('pause ID'), { status: 0, stderr: '' })
    t.equal(c.state().status, 'paused')
    t.match(await run('resume ID'), { status: 0, stderr: '' })
    t.match(await run('kill ID 15'), { status: 0, stderr: '' })
    c.ended(pid)
    t.match(await run('kill ID 15'), { status: 1 })
    t.match(errorsIn(c, 'log.json').at(-1), /container not running|process already finished|no such process/)
    t.match(await run('kill --all ID 9'), { status: 0 }, 'no error for one that has ended')
    t.match(await run('delete ID'), { status: 0, stderr: '' })
    t.match(await run('delete --force ID'), { status: 0 }, 'nearly always follows')
    t.match(await run('kill ID 9'), { status: 1 })
    t.match(errorsIn(c, 'log.json').at(-1), /does not exist/)
    t.match(await run('state ID'), { status: 1 })
    t.match(errorsIn(c, 'log.json').at(-1), /does not exist/)
    t.same(c.leaks(), nothing)
  })

  t.test('containerd’s shim: the reason of a failed exec is the last error of the log', async t => {
    const c = container(t, rt, waiting)
    t.equal(c.run('--detach').status, 0)
    const exec = (args: readonly string[]) => {
      const line = `--root ROOT --log DIR/log.json --log-format json exec --process ${processFile(c, { args })} --detach`
      return engine(c, rt, `${line} --pid-file DIR/exec.pid ID`)
    }
    for (const [args, words] of [
      [['nope'], /executable file not found in \$PATH/],
      [['/nope'], /no such file or directory/],
    ] as const) {
      t.match(await exec(args), { status: 255 })
      t.match(errorsIn(c, 'log.json').at(-1), words)
      t.notOk(readdirSync(c.dir).includes('exec.pid'))
    }
    t.same((JSON.parse(c.call('ps', '--format', 'json', c.id).stdout) as number[]).length, 1)
  })

  t.test('go-runc: what it parses', async t => {
    const c = container(t, rt, { process: { args: script(['fork', 1], ['wait']) } })
    t.equal(c.run('--detach').status, 0)
    t.ok(until(() => c.output().includes('"made":1')))
    const [listed] = JSON.parse(c.call('list', '--format=json').stdout) as { id: string; pid: number }[]
    t.match(listed, { id: c.id, pid: c.state().pid })
    const [heading = '', ...rows] = c.call('ps', '--format', 'table', c.id).stdout.trimEnd().split('\n')
    t.ok(heading.split(/\s+/).includes('PID'))
    t.equal(rows.length, 2)
    const stats = JSON.parse(c.call('events', '--stats', c.id).stdout)
    t.match(stats, {
      type: 'stats',
      id: c.id,
      data: { cpu: { usage: { total: Number } }, pids: { current: 2 } },
    })
    const stream = c.spawn(...c.line('events', '--interval=1s', c.id))
    await stream.says('"stats"')
    stream.child.kill('SIGKILL')
    await stream.done
    t.match(JSON.parse(c.call('features').stdout), { ociVersionMin: /^1\./ })
  })

  t.test('BuildKit: run, which keeps its log empty, and delete', async t => {
    for (const keep of ['', '--keep']) {
      const c = container(t, rt, { process: { args: script(['err', 'to stderr'], ['exit', 4]) } })
      const line = `--root ROOT --log DIR/log --log-format json run --bundle BUNDLE ${keep} ID`
      const { status, stderr } = await engine(c, rt, line)
      t.match({ status, stderr }, { status: 4, stderr: 'to stderr\n' })
      t.equal(readFileSync(join(c.dir, 'log'), 'utf8'), '')
      const gone = await engine(c, rt, '--root ROOT --log DIR/log --log-format json delete ID')
      t.equal(gone.status, keep === '' ? 1 : 0)
      t.same(c.leaks(), nothing)
    }
  })

  t.test('buildah', async t => {
    const c = container(t, rt, { process: { args: script(['exit', 6]) } })
    const run = (line: string) => engine(c, rt, `--root ROOT ${line}`)
    const create = 'create --bundle BUNDLE --pid-file DIR/pid --no-new-keyring ID'
    t.equal((await run(`--debug ${create}`)).status, 0)
    t.equal(pidIn(c, 'pid'), c.state().pid)
    t.match(await run('start ID'), { status: 0, stderr: '' })
    t.ok(
      until(() => JSON.parse(c.call('state', c.id).stdout).status === 'stopped'),
      'it is polled',
    )
    t.match(await run('delete ID'), { status: 0, stderr: '' })
    t.same(c.leaks(), nothing)
  })

  t.test('CRI-O', async t => {
    // Pods share a pid namespace: only --all and SIGKILL reach everybody of a container.
    const c = container(t, rt, {
      process: { args: script(['fork', 2], ['trap', 15], ['wait']) },
      linux: { namespaces: namespacesWithout('pid') },
    })
    const run = (line: string) => engine(c, rt, `--root=ROOT ${line}`)
    t.match(await run('create --bundle BUNDLE --pid-file DIR/pidfile ID'), { status: 0, stderr: '' })
    t.match(await run('start ID'), { status: 0, stderr: '' })
    t.ok(until(() => c.output().includes('"verb":"trap"')))
    const file = processFile(c, {}, ['echo', 'of exec'], ['exit', 9])
    t.match(await run(`exec --process ${file} ID`), { status: 9, stdout: /of exec\n$/, stderr: '' })
    t.match(await run('kill ID 15'), { status: 0, stderr: '' })
    t.ok(until(() => c.output().includes('"signal":15')))
    t.equal(c.state().status, 'running')
    const { pid } = c.state()
    t.match(await run('kill ID KILL'), { status: 0, stderr: '' })
    c.ended(pid)
    t.match(await run('kill -a ID 9'), { status: 0, stderr: '' })
    t.ok(until(() => c.leaks().processes.length === 0))
    t.match(await run('delete --force ID'), { status: 0, stderr: '' })
    t.same(c.leaks(), nothing)
  })

  t.test('checkpoints, as podman, containerd and CRI-O ask for them', { skip: requiresCriu() }, async t => {
    const lines = [
      // podman gives --leave-running twice
      'checkpoint --image-path IMAGES --work-path WORK --leave-running --tcp-established --leave-running',
      'checkpoint --image-path IMAGES --work-path WORK --file-locks --leave-running',
      'checkpoint --file-locks --image-path IMAGES --work-path WORK --leave-running',
    ]
    const c = container(t, rt, { process: { args: script(['count', '/tmp/count']) } })
    mkdirSync(join(c.dir, 'work'))
    const words = (line: string) =>
      split(line).map(word => word.replace('IMAGES', images(c)).replace('WORK', join(c.dir, 'work')))
    t.equal(quietly(c, 'run', '--detach', '--bundle', c.bundle, c.id).status, 0)
    for (const line of lines) {
      const { status, stderr } = quietly(c, ...words(line), c.id)
      t.equal(status, 0, `${line}: ${stderr}`)
      t.equal(c.state().status, 'running')
    }
    t.equal(dumped(c).status, 0)
    const restores = [
      `restore --bundle BUNDLE --pid-file DIR/pid --detach --image-path IMAGES --work-path WORK`,
      `restore --image-path IMAGES --work-path WORK --detach --pid-file DIR/pid -no-subreaper --bundle BUNDLE`,
    ]
    for (const line of restores) {
      const { status, stderr } = quietly(c, ...words(line).map(at(c)), c.id)
      t.equal(status, 0, `${line}: ${stderr}`)
      t.equal(pidIn(c, 'pid'), c.state().pid)
      t.equal(dumped(c).status, 0)
    }
  })

  t.test('the pid file takes the place of what is there, a link too', async t => {
    const c = container(t, rt, waiting)
    writeFileSync(join(c.dir, 'victim'), 'untouched')
    symlinkSync(join(c.dir, 'victim'), join(c.dir, 'pid'))
    t.equal(c.create('--pid-file', join(c.dir, 'pid')).status, 0)
    t.equal(readFileSync(join(c.dir, 'victim'), 'utf8'), 'untouched')
    t.ok(lstatSync(join(c.dir, 'pid')).isFile())
    t.equal(pidIn(c, 'pid'), c.state().pid)
    t.same(
      readdirSync(c.dir).filter(name => name.startsWith('.')),
      [],
      'nothing half-written stays',
    )
    rmSync(join(c.dir, 'pid'))
    const flags = ['--detach', '--pid-file', '../pid']
    t.match(c.leave('exec', ...flags, c.id, ...script(['wait'])), { status: 0 }, 'relative to the caller')
    pidIn(c, 'pid')
  })

  t.test('a pid file that is a device stays one', { skip: rt.lacks('tsrun') }, async t => {
    const c = container(t, rt, waiting)
    const device = join(c.dir, 'null')
    t.equal(spawnSync('mknod', [device, 'c', '1', '3']).status, 0)
    t.equal(c.create('--pid-file', device).status, 0)
    t.equal(c.leave('exec', '--detach', '--pid-file', device, c.id, ...script(['wait'])).status, 0)
    t.ok(lstatSync(device).isCharacterDevice())
    t.equal(c.del('--force').status, 0)
    spawnSync('rm', [device])
    t.equal(spawnSync('mknod', [device, 'c', '1', '7']).status, 0)
    t.match(c.create('--pid-file', device), { status: 1, stderr: /write the pid file .*ENOSPC/ })
    t.same(c.leaks(), nothing)
  })

  t.test('a log that is there grows; a new one is readable for all', async t => {
    const c = container(t, rt)
    for (const format of ['text', 'json']) {
      const path = join(c.dir, `log.${format}`)
      c.call('--log', path, '--log-format', format, 'start', c.id)
      t.equal(statSync(path).mode & 0o777, 0o644 & ~process.umask())
      const first = readFileSync(path, 'utf8')
      t.equal(c.call(`--log-format=${format}`, `--log=${path}`, 'start', c.id).status, 1)
      const all = readFileSync(path, 'utf8')
      t.ok(all.startsWith(first) && all.length > first.length)
      for (const line of all.trimEnd().split('\n'))
        t.match(
          line,
          format === 'json'
            ? /^\{"level":"error","msg":".*","time":"[^"]*"/
            : /^time="[^"]*" level=error msg=".*"/,
        )
    }
  })

  t.test('podman’s question whether restore knows the labels of a pod', async t => {
    const { status, stdout, stderr } = container(t, rt).call('restore', '--lsm-mount-context')
    t.equal(status, 1)
    t.match(`${stdout}${stderr}`, 'flag needs an argument')
  })

  t.test('a wrong call prints the help on stdout, and why on stderr', async t => {
    const c = container(t, rt)
    const { status, stdout, stderr } = c.call('state')
    t.equal(status, 1)
    t.match(stdout, /^Incorrect Usage\./)
    t.match(stderr, /state\\*" requires exactly 1 argument/)
  })

  t.test('what a reader of the output waits for is the container, and nobody else', async t => {
    const c = container(t, rt, {
      process: { args: script(['echo', 'one'], ['sleep', 0.2], ['echo', 'two']) },
    })
    const create = c.spawn(...c.line('create', '--bundle', c.bundle, c.id))
    await new Promise(resolve => create.child.on('exit', resolve))
    t.equal(c.start().status, 0)
    t.equal((await create.done).stdout, 'one\ntwo\n', 'the pipe ends with it')
    t.equal(c.del().status, 0)
    const d = container(t, rt, waiting)
    t.equal(d.run('--detach').status, 0)
    const exec = d.spawn(
      ...d.line('exec', '--detach', d.id, ...script(['echo', 'x'], ['sleep', 0.2], ['echo', 'y'])),
    )
    t.equal((await exec.done).stdout, 'x\ny\n')
  })
})
