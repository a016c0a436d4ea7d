/** The listener of seccomp: what its agent is sent, and how. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { Test } from 'tap'
import { container } from '../support/container.js'
import { nothing } from '../support/leaks.js'
import { type Answer, answersIn, payloadPath, script } from '../support/payload.js'
import { conformance } from './suite.js'

const native = process.arch === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64'

const filter = (socket: string) => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: [native],
  listenerPath: socket,
  listenerMetadata: 'told',
  syscalls: [{ names: ['kcmp'], action: 'SCMP_ACT_NOTIFY' }],
})

interface ProcessState {
  readonly ociVersion: string
  readonly fds: readonly string[]
  readonly pid: number
  readonly metadata: string
  readonly state: {
    readonly id: string
    readonly status: string
    readonly pid: number
    readonly bundle: string
  }
}

conformance('seccomp', ['root', 'cc'], (owner, rt) => {
  /** An agent that reads each connection to its end, a container, and a second process in it. */
  const sent = async (t: Test) => {
    const c = container(t, rt, { process: { args: script(['wait']) } })
    const socket = join(c.dir, 'agent')
    c.configure({ linux: { seccomp: filter(socket) } })
    const agent = c.spawn(payloadPath(), 'recv-states', socket, '2')
    await agent.says('listening')
    const made = c.run('--detach')
    assert.equal(made.status, 0, made.stderr)
    const { pid } = c.state()
    const second = c.call('exec', c.id, '/bin/payload', 'true')
    assert.equal(second.status, 0, second.stderr)
    const answers = answersIn((await agent.done).stdout).filter(({ verb }) => verb === 'connection')
    return { c, pid, answers }
  }
  let once: ReturnType<typeof sent> | undefined
  const all = () => {
    once ??= sent(owner)
    return once
  }
  const stateOf = (answer: Answer | undefined) => JSON.parse(answer?.data ?? '') as ProcessState
  const each = async (test: (state: ProcessState, answer: Answer) => void): Promise<void> => {
    const { answers } = await all()
    assert.equal(answers.length, 2)
    for (const answer of answers) test(stateOf(answer), answer)
  }
  return {
    'LX-080': () => each(({ pid }) => assert.ok(pid > 0, 'two would be no JSON')),
    'LX-081': async () => assert.equal((await all()).answers.length, 2, 'each process has its own'),
    'LX-082': async () => assert.equal((await all()).answers.length, 2, 'each was read to its end'),
    'LX-083': t => {
      const c = container(t, rt, { linux: { seccomp: filter('/no/such/socket') } })
      const { status, stderr } = c.create()
      assert.notEqual(status, 0)
      assert.match(stderr, /seccomp/i)
      assert.deepEqual(c.leaks(), nothing)
    },
    'LX-084': () => each(({ fds }) => assert.deepEqual(fds, ['seccompFd'])),
    'LX-093': () => each(state => assert.equal(typeof state, 'object')),
    'LX-094': () => each((_, { fds }) => assert.equal(fds, 1)),
    'LX-095': () => each((_, { later }) => assert.equal(later, 0)),
    'LX-096': () => each(({ ociVersion }) => assert.match(ociVersion, /^1\.\d+\.\d+/)),
    'LX-097': async () => {
      const { pid, answers } = await all()
      assert.equal(stateOf(answers[0]).pid, pid)
      assert.notEqual(stateOf(answers[1]).pid, pid, 'the second process has its own')
      assert.ok(stateOf(answers[1]).pid > 100, 'as the host counts')
    },
    'LX-098': async () => {
      const { c, pid, answers } = await all()
      const states = answers.map(answer => stateOf(answer).state)
      for (const state of states) assert.deepEqual([state.id, state.bundle, state.pid], [c.id, c.bundle, pid])
      assert.deepEqual(
        states.map(({ status }) => status),
        ['creating', 'running'],
      )
    },
  }
})
