/** What is told of processes that were killed for memory. */
import t from 'tap'
import { killedIn, oomText } from '../../src/host/oom.js'

const line = (place: string, name: string, pid: number): string =>
  `6,1234,99,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=web,mems_allowed=0,oom_memcg=/web,task_memcg=${place},task=${name},pid=${pid},uid=0\n`

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
  t.same(killedIn(log, '/sys/fs/cgroup/memory/web'), found)
  t.same(killedIn(log, '/sys/fs/cgroup/web'), found)
  t.same(killedIn('', '/sys/fs/cgroup/web'), [])
})

t.test('in a sentence', async t => {
  const killed = [{ pid: 7, name: 'sh' }]
  t.equal(
    oomText({ kills: 1, limit: 100, peak: 99, killed }),
    'out of memory: the kernel killed a process (sh, pid 7): the memory limit is 100 bytes, the most used was 99 (raise /linux/resources/memory/limit: tsrun update --memory)',
  )
  t.match(
    oomText({ kills: 2, killed: [] }),
    /killed 2 processes: the container has no memory limit, so a cgroup above it or the machine ran out$/,
  )
})
