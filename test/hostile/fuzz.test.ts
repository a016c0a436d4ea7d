/**
 * Random input for everything that reads: configs into plans that the shim's own decoder accepts, words of the command line,
 * frames, seccomp profiles. Nothing ends in another error than one that names what is wrong, nothing hangs, and what is
 * accepted is what a second, simple reading says. FUZZ_SECONDS for each (3), FUZZ_SEED to repeat.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { HostError, InternalError, StateError, TsrunError, UsageError } from '../../src/base/errors.js'
import { parseSignal } from '../../src/base/signals.js'
import { commands, globalOptions } from '../../src/cli/commands.js'
import { emptyInvocation, parse } from '../../src/cli/parse.js'
import { parseDuration, parseInt64, parseSize } from '../../src/cli/units.js'
import { checkId } from '../../src/container/store.js'
import { lower } from '../../src/lower/index.js'
import type { Request } from '../../src/lower/input.js'
import { encodePlan } from '../../src/plan/encode.js'
import { parseFrame } from '../../src/plan/frames.js'
import { planText } from '../../src/plan/print.js'
import { verify } from '../../src/plan/verify.js'
import { explainer } from '../../src/spec/explain.js'
import { loadSpec } from '../../src/spec/load.js'
import { hosts } from '../golden/hosts.js'
import { corpus, mutant, pick, type Random } from '../support/fuzz/configs.js'
import { line, word } from '../support/fuzz/words.js'
import { repository } from '../support/payload.js'
import { requires } from '../support/requires.js'
import { generator } from '../support/seccomp/random.js'

const seconds = Number(process.env.FUZZ_SECONDS ?? 3)
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
t.setTimeout((seconds * 10 + 120) * 1000)

/** What a round found, with its seed; at most a few are shown. */
const rounds = (t: Test, round: (random: Random) => string | undefined, most = seconds): void => {
  const end = Date.now() + most * 1000
  let count = 0
  let found = 0
  for (let n = seed; Date.now() < end && found < 5; n++, count++) {
    const start = performance.now()
    let wrong: string | undefined
    try {
      wrong = round(generator(n))
    } catch (error) {
      wrong = (error as Error).stack
    }
    if (wrong === undefined && performance.now() - start > 5000) wrong = 'it took more than 5 seconds'
    if (wrong === undefined) continue
    found++
    t.fail(`FUZZ_SEED=${n}: ${wrong.slice(0, 2000)}`)
  }
  t.ok(count > 0, `${count} rounds from seed ${seed}`)
  t.end()
}

const request = {
  id: 'fuzz',
  bundle: '/bundle',
  rootfs: '/bundle/rootfs',
  stateDir: '/run/tsrun/fuzz',
  cgroupManager: 'cgroupfs',
  noPivot: false,
  noNewKeyring: false,
  preservedFds: 0,
  extraEnv: [],
} as unknown as Request

const encoder = new TextEncoder()
const utf8Write = (text: string, into: Uint8Array, offset: number): number => {
  const bytes = encoder.encode(text)
  into.set(bytes, offset)
  return bytes.length
}

/** Undefined when the error is one of those that name what is wrong. */
const judged = (
  error: unknown,
  ...kinds: readonly (new (
    ...args: never[]
  ) => Error)[]
): string | undefined => {
  const { message, stack } = error as Error
  if (!kinds.some(kind => error instanceof kind) || error instanceof InternalError) return stack
  return message.length > 0 && message.length < 20_000
    ? undefined
    : `an error of ${message.length} characters`
}

t.test('configs', { skip: requires('cc') }, t => {
  const texts = corpus()
  const directory = join(repository, 'build/test/fuzz')
  mkdirSync(directory, { recursive: true })
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const decoder = join(directory, 'decoder')
  execFileSync(join(repository, 'tools/shimtest.sh'), ['decoder', decoder])
  const batch: Uint8Array[] = []
  const flush = (): string | undefined => {
    const parts = batch
      .splice(0)
      .flatMap(plan => [new Uint8Array(new Uint32Array([plan.length]).buffer), plan])
    if (parts.length === 0) return undefined
    writeFileSync(join(directory, 'plans'), Buffer.concat(parts))
    const verdicts = execFileSync(decoder, ['cases', join(directory, 'plans')], { encoding: 'utf8' })
      .trim()
      .split('\n')
    const bad = verdicts.findIndex(verdict => verdict !== '-1')
    return bad < 0 && verdicts.length === parts.length / 2
      ? undefined
      : `plan ${bad} is refused: ${verdicts[bad]}`
  }
  let good = 0
  const round = (random: Random): string | undefined => {
    const text = mutant(random, texts)
    const host = pick(random, Object.values(hosts))
    let made: ReturnType<typeof lower>
    try {
      made = lower(
        loadSpec(text, () => explainer),
        host,
        request,
        () => {},
      )
    } catch (error) {
      const wrong = judged(error, TsrunError)
      return wrong && `${wrong}\n${text}`
    }
    try {
      const plan = verify(made.plan)
      planText(plan)
      batch.push(encodePlan(plan, utf8Write).bytes)
    } catch (error) {
      // A plan that is too large for its fields is refused before anything ran; anything else is an order that we got wrong.
      const wrong = judged(error, HostError)
      return wrong && `${wrong}\n${text}`
    }
    good++
    return batch.length < 200 ? undefined : flush()
  }
  t.test('into plans', t => rounds(t, round, seconds * 3))
  t.equal(flush(), undefined)
  t.comment(`${good} became plans`)
  t.ok(good > 0)
  t.end()
})

/** What each parser takes, as a regular expression says it; its value, as BigInt has it. */
const whole = /^(?:0|[1-9]\d*|0\d+)$/

t.test('words', t =>
  rounds(t, random => {
    const text = word(random)
    const told = (parse: () => unknown): unknown => {
      try {
        return parse()
      } catch (error) {
        const wrong = judged(error, UsageError, StateError)
        if (wrong !== undefined) throw new Error(wrong)
        return undefined
      }
    }
    const show = (what: string, value: unknown) => `${what} of ${JSON.stringify(text)} is ${String(value)}`
    const signal = told(() => parseSignal(text)) as number | undefined
    const isNumber = whole.test(text)
    if (signal !== undefined && (signal < 0 || signal > 64 || !Number.isInteger(signal)))
      return show('signal', signal)
    if (signal !== undefined && /\d/.test(text[0] ?? '') && (!isNumber || BigInt(text) !== BigInt(signal)))
      return show('signal', signal)
    if (signal !== undefined && !/^[\dA-Za-z+-]+$/.test(text)) return show('signal', signal)
    const int = told(() => parseInt64(text, '--x')) as number | bigint | undefined
    if (int !== undefined && (!/^-?\d+$/.test(text) || BigInt(text) !== BigInt(int)))
      return show('integer', int)
    const size = told(() => parseSize(text, '--x')) as number | bigint | undefined
    if (size !== undefined) {
      if (!/^(-1|\d+(\.\d*)?\s*([kmgtp](i?b)?|b)?)\s*$/i.test(text)) return show('size', size)
      if (typeof size === 'number' ? !Number.isSafeInteger(size) : size > 2n ** 63n - 1n)
        return show('size', size)
    }
    const time = told(() => parseDuration(text, '--x')) as number | undefined
    if (time !== undefined && (!/^(\d+(\.\d*)?(ms|s|m|h))+$/.test(text) || !(time >= 1 && time < 2 ** 31)))
      return show('time', time)
    const accepted = told(() => checkId(text) === undefined) === true
    if (accepted !== (/^[A-Za-z0-9_+-][A-Za-z0-9_+.-]{0,254}$/.test(text) && text !== ''))
      return show('id', accepted)
    return undefined
  }),
)

t.test('command lines', t => {
  const names = Object.keys(commands)
  const options = [
    ...new Set([globalOptions, ...Object.values(commands).map(row => row.options)].flatMap(Object.keys)),
  ].map(key => key.split(' ')[0] as string)
  rounds(t, random => {
    const argv = line(random, names, options)
    const into = emptyInvocation()
    try {
      parse(argv, into)
    } catch (error) {
      return judged(error, UsageError) && `${(error as Error).stack} ${JSON.stringify(argv)}`
    }
    for (const value of Object.values({ ...into.options, ...into.global }))
      if (typeof value === 'number' && !(Number.isSafeInteger(value) && value >= 0))
        return `${value} of ${argv}`
    return undefined
  })
})

t.test('frames', t =>
  rounds(
    t,
    random => {
      const bytes = new Uint8Array(random(3) === 0 ? random(20) : random(600))
      for (let i = 0; i < bytes.length; i++) bytes[i] = random(4) === 0 ? random(256) : 0
      if (bytes.length > 0 && random(2) === 0) bytes[0] = 1 + random(6)
      try {
        parseFrame(bytes)
      } catch (error) {
        return error instanceof InternalError ? undefined : (error as Error).stack
      }
      return undefined
    },
    Math.min(seconds, 2),
  ),
)
