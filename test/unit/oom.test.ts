/** What is told of processes that were killed for memory. */
import t from 'tap'
import { killedIn, oomText, outOfMemory } from '../../src/host/oom.js'
import { install } from '../../src/sys/native.js'
import { nodeNative } from '../../src/sys/node.js'

install(nodeNative())

const line = (place: string, name: string, pid: number, out = '/web'): string =>
  `6,1234,99500000,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=web,mems_allowed=0,oom_memcg=${out},task_memcg=${place},task=${name},pid=${pid},uid=0\n`

t.test('whom the kernel names', async t => {
  const log = [
    line('/web', 'first', 1),
    '6,1,2,-;something else\n',
    line('/webserver', 'other', 2),
    line('/web/inner', 'second', 3),
    line('/outer/container/web', 'third', 4),
    line('/web', 'a,pid=9', 5),
  ].join('')
  const found = [
    { pid: 1, name: 'first' },
    { pid: 3, name: 'second' },
    { pid: 4, name: 'third' },
    { pid: 5, name: 'a,pid=9' },
  ]
  const whom = (dir: string) => killedIn(log, dir).map(({ pid, name }) => ({ pid, name }))
  t.same(whom('/sys/fs/cgroup/memory/web'), found)
  t.same(whom('/sys/fs/cgroup/web'), found)
  t.same(killedIn('', '/sys/fs/cgroup/web'), [])
  t.same(killedIn(log, ''), [], 'a container without a cgroup')
})

t.test(
  'of a cgroup that goes while it is asked nothing is told, least of all that it had no limit',
  async t => {
    const dir = t.testdir({ 'memory.max': '8388608\n', gone: {}, unlimited: { 'memory.max': 'max\n' } })
    const of = (path: string) => outOfMemory({ v1: {}, v2: path }, 2)
    t.match(of(dir), { kills: 2, limit: 8 << 20 })
    t.equal(of(`${dir}/gone`), undefined)
    t.notMatch(of(`${dir}/unlimited`), { limit: Number })
    t.match(of(`${dir}/unlimited`), { kills: 2 })
  },
)

t.test('when, and of which limit', async t => {
  const usage = '6,1233,99400000,-;memory: usage 8190kB, limit 8192kB, failcnt 32\n'
  const [ours, above] = killedIn(
    `${usage}${line('/a.slice/web', 'x', 1, '/a.slice/web')}${line('/a.slice/web', 'y', 2, '/a.slice')}`,
    '/sys/fs/cgroup/a.slice/web',
  )
  t.match(ours, { pid: 1, seconds: 99.5, memory: { limit: 8 << 20, peak: 8190 << 10 } })
  t.same(above?.memory, {}, 'that of a cgroup above is not its own')
})

t.test('in a sentence', async t => {
  const killed = [{ pid: 7, name: 'sh' }]
  t.equal(
    oomText({ kills: 1, limit: 100, peak: 99, killed }),
    'out of memory: the kernel killed a process (sh, pid 7): the memory limit is 100 bytes, the most used was 99 (raise /linux/resources/memory/limit: tsrun update --memory)',
  )
  t.match(
    oomText({ kills: 2, killed: [] }),
    /killed 2 processes: not for a memory limit of its own, so a cgroup above it or the machine ran out$/,
  )
})
