import { type Alternative, asDefault, type Condition, join, type Outcome, type Rules } from './rules.js'
import { names } from './syscalls.gen.js'

/** The calls behind socketcall(2) and ipc(2), by the number that is their first argument. */
const multiplexers = [
  {
    name: 'socketcall',
    calls:
      ' socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown' +
      ' setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg ',
    first: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
  },
  {
    name: 'ipc',
    calls: ' semop semget semctl semtimedop msgsnd msgrcv msgget msgctl shmat shmdt shmget shmctl ',
    first: [1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24],
  },
] as const

/** Whether the name at this position of `names` is one that a multiplexer serves too. */
export function isMultiplexed(position: number): boolean {
  const word = names.slice(position - 1, names.indexOf(' ', position) + 1)
  return multiplexers.some(({ calls }) => calls.includes(word))
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
 * `[position, former slot, …]`, for `restore`.
 */
export function multiplex({ slots, outcomes }: Rules): number[] {
  const changed: number[] = []
  for (const { name, calls, first } of multiplexers) {
    const position = names.indexOf(` ${name} `) + 1
    const own = slots[position] as number
    if (own > asDefault && typeof outcomes[own] === 'number') continue
    let all = own > asDefault ? (outcomes[own] as readonly Alternative[]) : []
    const words = calls.slice(1, -1).split(' ')
    for (let i = 0; i < words.length; i++) {
      const slot = slots[names.indexOf(` ${words[i]} `) + 1] as number
      if (slot <= asDefault) continue
      all = join(all, through(outcomes[slot] as Outcome, first[i] as number), stricter)
    }
    if (all.length === 0) continue
    changed.push(position, own)
    slots[position] = outcomes.push(all) - 1
  }
  return changed
}

export function restore({ slots }: Rules, changed: readonly number[]): void {
  for (let i = 0; i < changed.length; i += 2) slots[changed[i] as number] = changed[i + 1] as number
}
