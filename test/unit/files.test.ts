/** File helpers, on the real kernel through the npm form's engine. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { errnoName, errnoNumber, errnoText } from '../../src/base/errno.js'
import { SyscallError } from '../../src/base/errors.js'
import { check, uninterrupted } from '../../src/sys/call.js'
import * as directories from '../../src/sys/directories.js'
import * as files from '../../src/sys/files.js'
import * as kernelfiles from '../../src/sys/kernelfiles.js'
import { install } from '../../src/sys/native.js'
import { nodeNative } from '../../src/sys/node.js'

install(nodeNative())
const dir = mkdtempSync(join(tmpdir(), 'tsrun-files-'))
t.teardown(() => rmSync(dir, { recursive: true }))
const at = (name: string): string => join(dir, name)
const descriptors = (): number => readdirSync('/proc/self/fd').length

/** The error that something throws. */
const refused = (action: () => unknown): Partial<SyscallError> => {
  try {
    action()
  } catch (error) {
    return error as SyscallError
  }
  return {}
}

t.test('errnos', async t => {
  t.equal(errnoName(2), 'ENOENT')
  t.equal(errnoText(2), 'no such file or directory')
  t.equal(errnoName(133), 'EHWPOISON')
  t.equal(errnoName(4711), 'errno 4711')
  t.equal(errnoText(41), 'unknown error', 'a hole in the numbers')
  t.equal(errnoNumber('EOPNOTSUPP'), 95)
  t.equal(errnoNumber('ENOTSUP'), 95)
  t.equal(errnoNumber('EAGAIN'), 11)
  t.equal(errnoNumber('EWOULDBLOCK'), 11)
  t.equal(errnoNumber('E'), undefined)
  for (let n = 1; n < 134; n++) if (n !== 41 && n !== 58) t.equal(errnoNumber(errnoName(n)), n)
})

t.test('check passes results on and throws what reads like strace', async t => {
  t.equal(
    check(7, 'open', () => `described: ${t.fail()}`),
    7,
  )
  const error = t.throws(() => check(-13, 'openat2', '"/x", O_PATH')) as SyscallError
  t.ok(error instanceof SyscallError)
  t.match(error, { syscall: 'openat2', errno: 13, errnoName: 'EACCES' })
  t.equal(error.message, 'openat2("/x", O_PATH): EACCES, permission denied')
})

t.test('an interrupted call is made again', async t => {
  const results = [-4, -4, 3]
  t.equal(
    uninterrupted(() => results.shift() as number),
    3,
  )
  t.equal(
    uninterrupted(() => -2),
    -2,
  )
})

t.test('reads', async t => {
  const text = 'ä€😀\n'.repeat(30000)
  writeFileSync(at('long'), text)
  t.equal(files.readFile(at('long')), text, 'longer than the buffer')
  t.same(files.readBytes(at('long')).length, statSync(at('long')).size)
  writeFileSync(at('exact'), 'x'.repeat(65536))
  t.equal(files.readFile(at('exact')).length, 65536, 'as long as the buffer')
  writeFileSync(at('empty'), '')
  t.equal(files.readFile(at('empty')), '')
  t.equal(files.tryRead(at('missing')), undefined)
  t.equal(files.tryRead(at('empty/below-a-file')), undefined)
  t.equal(kernelfiles.readKernelFile(at('missing')), undefined)
  t.equal(kernelfiles.readKernelFile('/proc/self/comm'), readFileSync('/proc/self/comm', 'utf8'))
  t.equal(files.readFile('/proc/self/maps').length > 4096, true, 'a file of the kernel that comes in parts')
  t.throws(() => files.readFile(at('missing')), {
    message: `open("${at('missing')}"): ENOENT, no such file or directory`,
  })
  t.match(
    refused(() => files.readFile(dir)),
    { errnoName: 'EISDIR' },
  )
})

t.test('writes', async t => {
  files.writeFile(at('w'), 'one', 0o600)
  files.writeFile(at('w'), 'tw')
  t.equal(readFileSync(at('w'), 'utf8'), 'tw')
  t.equal(statSync(at('w')).mode & 0o777, 0o600)
  const long = '€'.repeat(50000)
  files.writeFile(at('w'), long)
  t.equal(readFileSync(at('w'), 'utf8'), long)
  t.match(
    refused(() => files.writeFile(at('no/such'), '')),
    { errnoName: 'ENOENT' },
  )
})

t.test('an atomic write replaces all or nothing', async t => {
  files.writeFileAtomic(at('state'), 'first', 0o600)
  files.writeFileAtomic(at('state'), 'second')
  t.equal(readFileSync(at('state'), 'utf8'), 'second')
  writeFileSync(at(`.state.${process.pid}`), 'left by a killed runtime')
  files.writeFileAtomic(at('state'), 'third')
  t.equal(readFileSync(at('state'), 'utf8'), 'third')
  mkdirSync(at('directory'))
  t.match(
    refused(() => files.writeFileAtomic(at('directory'), 'x')),
    { syscall: 'rename' },
  )
  t.same(
    readdirSync(dir).filter(name => name.startsWith('.')),
    [],
    'no temporary file is left',
  )
})

t.test('a file of the kernel is written, never made', async t => {
  t.same(kernelfiles.tryWriteKernelFile(at('knob'), ['1']), { errno: 2, index: 0 })
  t.throws(() => kernelfiles.writeKernelFile(at('knob'), '1'), {
    message: `write("${at('knob')}", "1"): ENOENT, no such file or directory`,
  })
  writeFileSync(at('knob'), '')
  t.equal(kernelfiles.tryWriteKernelFile(at('knob'), ['1', '22']), undefined)
  t.equal(readFileSync(at('knob'), 'utf8'), '122', 'each value by a write of its own')
  t.same(kernelfiles.tryWriteKernelFile('/proc/self/oom_score_adj', ['0', 'nonsense', '0']), {
    errno: 22,
    index: 1,
  })
  t.throws(() => kernelfiles.tryWriteKernelFile(at('knob'), ['x'.repeat(70000)]), RangeError)
})

t.test('directories', async t => {
  const made: string[] = []
  t.equal(directories.mkdirs(at('a/b/c'), 0o755, made), true)
  t.same(made, [at('a'), at('a/b'), at('a/b/c')])
  t.equal(directories.mkdirs(at('a/b/c'), 0o755, made), false)
  t.equal(made.length, 3)
  t.match(
    refused(() => directories.mkdir(at('a'))),
    { errnoName: 'EEXIST' },
  )
  t.match(
    refused(() => directories.mkdirs(at('w/x'))),
    { errnoName: 'ENOTDIR' },
  )
  for (let i = 0; i < 2000; i++) writeFileSync(at(`a/file-with-a-rather-long-name-${i}`), '')
  const entries = directories.listDirectory(at('a'))
  t.equal(entries.length, 2001, 'more than one getdents64')
  t.same(
    entries.filter(entry => entry.isDirectory),
    [{ name: 'b', isDirectory: true }],
  )
  t.equal(directories.tryListDirectory(at('nothing')), undefined)
  t.match(
    refused(() => directories.listDirectory(at('nothing'))),
    { errnoName: 'ENOENT' },
  )
  t.match(
    refused(() => directories.rmdir(at('a/b'))),
    { errnoName: 'ENOTEMPTY' },
  )
  t.equal(directories.tryRmdir(at('a/b')), -39)
  directories.rmdir(at('a/b/c'))
  directories.rmdir(at('a/b/c'))
  t.notOk(files.exists(at('a/b/c')))
  files.unlink(at('w'))
  files.unlink(at('w'))
  t.notOk(files.exists(at('w')))
})

t.test('parents', async t => {
  t.same(['/a/b', '/a', '/', 'a', 'a/b'].map(directories.parentOf), ['/a', '/', '/', '.', 'a'])
})

t.test('what a path is', async t => {
  symlinkSync('/nowhere/ä', at('link'))
  t.equal(files.readLink(at('link')), '/nowhere/ä')
  t.match(
    refused(() => files.readLink(dir)),
    { errnoName: 'EINVAL' },
  )
  t.equal(files.tryStat(at('link')), undefined)
  t.equal((files.tryStat(at('link'), true)?.mode ?? 0) & 0o170000, 0o120000)
  const expected = statSync(dir)
  t.match(files.tryStat(dir), {
    uid: expected.uid,
    gid: expected.gid,
    mode: expected.mode,
    inode: BigInt(expected.ino),
  })
  t.match(files.tryStat('/dev/null'), { major: 1, minor: 3 })
  const mountId = files.tryStat('/proc')?.mountId
  t.match(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(`^${mountId} .* /proc `, 'm'))
  t.equal(files.statfsType('/proc'), files.fsTypes.proc)
  t.equal(files.statfsType(at('nothing')), 0)
})

t.test('no descriptor is left open', async t => {
  const before = descriptors()
  for (let i = 0; i < 20; i++) {
    files.readFile(at('exact'))
    files.tryRead(at('missing'))
    directories.listDirectory(dir)
    files.writeFileAtomic(at('state'), 'x')
    t.throws(() => files.readFile(dir))
    t.throws(() => files.writeFileAtomic(at('directory'), 'x'))
    kernelfiles.tryWriteKernelFile('/proc/self/oom_score_adj', ['nonsense'])
  }
  t.equal(descriptors(), before)
  const fd = files.openPath(dir)
  t.match(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'), /flags:\s*0?12000000/, 'O_PATH and O_CLOEXEC')
  files.close(fd)
})
