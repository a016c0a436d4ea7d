import {
  type Alternative,
  asDefault,
  type Condition,
  join,
  type Outcome,
  type Rules,
  unnamed,
} from './rules.js'
import type { SyscallTable } from './syscalls.gen.js'

/** The calls behind socketcall(2) and ipc(2) in the order of the number that is their first argument, from 1 on. */
const multiplexers: { readonly [name: string]: string } = {
  socketcall:
    'socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown ' +
    'setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg',
  ipc:
    'semop semget semctl semtimedop - - - - - - msgsnd msgrcv msgget msgctl - - - - - - ' +
    'shmat shmdt shmget shmctl',
}

const callsBehind = (name: string): readonly string[] => (multiplexers[name] as string).split(' ')

/** Whether the syscall of that number in the table is one that a multiplexer serves too. */
export function isMultiplexed({ indexes }: Rules, { at }: SyscallTable, number: number): boolean {
  for (const name in multiplexers) {
    for (const call of callsBehind(name)) {
      const index = indexes[call]
      if (typeof index === 'number' && at.charCodeAt(index) === number + 1) return true
    }
  }
  return false
}

/** The alternatives of one call as seen by its multiplexer: the first argument tells the call, so it loses its own rule. */
function through(outcome: Outcome, first: number): Alternative[] {
  const full = 0xffffffff
  const which: Condition = { index: 0, op: 'SCMP_CMP_EQ', high: 0, low: first, maskHigh: full, maskLow: full }
  if (typeof outcome === 'number') return [{ conditions: [which], value: outcome }]
  return outcome.map(({ conditions, value }) => ({
    conditions: [which, ...conditions.filter(one => one.index !== 0)],
    value,
  }))
}

/** The stricter of two return values: the kernel compares them as signed numbers, too. */
const stricter = (a: number, b: number) => ((a | 0) < (b | 0) ? a : b)

/**
 * Gives socketcall and ipc the rules of the calls behind them, as libseccomp does, for an architecture that has them:
 * `socketcall(1, …)` gets socket's. A rule's conditions on the first argument are lost, since that one is in memory,
 * where no filter can look; of rules that become equal by this the strictest holds. Returns the slots that changed,
 * `[index, former slot, …]`, for `restore`.
 */
export function multiplex({ slots, outcomes, indexes }: Rules): number[] {
  const changed: number[] = []
  for (const name in multiplexers) {
    const self = indexes[name] as number
    const own = slots[self] as number
    if (own > asDefault && typeof outcomes[own] === 'number') continue
    let all = own > asDefault ? (outcomes[own] as readonly Alternative[]) : []
    const calls = callsBehind(name)
    for (let i = 0; i < calls.length; i++) {
      const index = indexes[calls[i] as string]
      const slot = typeof index === 'number' ? (slots[index] as number) : unnamed
      if (slot > asDefault) all = join(all, through(outcomes[slot] as Outcome, i + 1), stricter)
    }
    if (all.length === 0) continue
    changed.push(self, own)
    slots[self] = outcomes.push(all) - 1
  }
  return changed
}

export function restore({ slots }: Rules, changed: readonly number[]): void {
  for (let i = 0; i < changed.length; i += 2) slots[changed[i] as number] = changed[i + 1] as number
}
