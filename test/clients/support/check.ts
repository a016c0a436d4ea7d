/** Checks as data: what is typed, and what has to come back. */
import type { Test } from 'tap'
import type { Result } from '../../support/container.js'
import { requiresCriu } from '../../support/criu.js'
import { type Box, runtimeName } from './box.js'
import { managed } from './systemd.js'

export interface Engine {
  readonly name: string
  readonly box: Box
  /** shell command that removes all containers after a check */
  readonly cleanUp: string
  /** why a check whose status is right, and its output is not, is tried again, twice */
  readonly losesOutput?: string
}

export interface Check {
  readonly name: string
  /**
   * A shell script. `e` is the engine's command, `box` the image, $N a name of this check's own, $T the scratch
   * directory, $RT the runtime, WITH=NAME before `e run` another one; `term ROWS COLS COMMAND…` gives the command a terminal, which grows by 6 and 20 at SIGUSR1;
   * `soon COMMAND…` tries for 10 s; `census` counts what could be left, `opened` what the engine has open.
   */
  readonly run: string
  /** exit status of the script, 0 unless said otherwise */
  readonly status?: number
  /** standard output without white space around it, and without carriage returns */
  readonly out?: string | RegExp
  readonly err?: RegExp
  /** the engines that have it; all when absent */
  readonly only?: readonly string[]
  /** the engines that cannot do it with any runtime */
  readonly except?: readonly string[]
  /** the engines that can do it only where a systemd gives them cgroups */
  readonly managed?: readonly string[]
  /** what is different for an engine, with any runtime */
  readonly but?: Readonly<
    Record<string, Partial<Pick<Check, 'run' | 'status' | 'out' | 'err' | 'runcFails'>>>
  >
  /** what it needs of the machine beside its engine */
  readonly needs?: 'criu'
  /** why runc is not asked */
  readonly runcFails?: string
}

// Of open descriptors an engine has fewer when connections end. Those of dockerd are not counted: it keeps one for every exec whose runtime is killed, runc's, too.
const functions = `
soon() { for i in $(seq 100); do "$@" > /dev/null 2>&1 && return; sleep 0.1; done; echo "never: $*" >&2; return 1; }
census() {
  echo "$(ps -e | wc -l) processes, $(wc -l < /proc/self/mounts) mounts,
$(find /sys/fs/cgroup -type d -path "*$TAG*" | grep -vcE "$TAG/(crio-)?[c]onmon") cgroups"
}
opened() { for p in $(pidof containerd crio); do ls /proc/$p/fd; done | wc -l; }
`

const tidy = (text: string): string => text.replaceAll('\r', '').trim()

/** Seconds that a check may take, on a machine that has other work, too, and longer in one that is emulated: whatever hangs is ended, and fails. */
const patience = managed ? 900 : 180

/** The differences between what came and what was expected, as lines to read. */
const complaints = (check: Check, { status, stdout, stderr }: Result): string[] => {
  const out = tidy(stdout)
  const wrong: string[] = []
  if (status === 124 || status === -1) wrong.push(`no end within ${patience} s`)
  else if (status !== (check.status ?? 0)) wrong.push(`exit status ${status}, expected ${check.status ?? 0}`)
  const matches = typeof check.out === 'string' ? out === check.out : (check.out?.test(out) ?? true)
  if (!matches) wrong.push(`printed ${JSON.stringify(out.slice(-2000))}, expected ${check.out}`)
  if (check.err !== undefined && !check.err.test(stderr)) wrong.push(`expected ${check.err} on stderr`)
  if (wrong.length > 0) wrong.push(`stderr: ${stderr.slice(-2000)}`)
  return wrong
}

/** No two of an engine have the same $N: it names files of the scratch directory, too. */
let number = 0

/** Runs the checks of a list that are meant for this engine. CHECK, a regular expression, chooses among them. */
export const runChecks = (t: Test, engine: Engine, checks: readonly Check[]): void => {
  const chosen = new RegExp(process.env.CHECK ?? '')
  for (const common of checks) {
    const check = { ...common, ...common.but?.[engine.name] }
    if (
      check.only?.includes(engine.name) === false ||
      check.except?.includes(engine.name) === true ||
      (!managed && check.managed?.includes(engine.name) === true) ||
      !chosen.test(check.name)
    )
      continue
    const skip =
      check.runcFails !== undefined && runtimeName() === 'runc'
        ? check.runcFails
        : check.needs === 'criu' && requiresCriu()
    if (skip !== false) {
      t.pass(check.name, { skip })
      continue
    }
    const start = Date.now()
    let wrong: string[] = []
    for (let tries = engine.losesOutput === undefined ? 1 : 3, one = 0; one < tries; one++) {
      const result = engine.box.sh(`N=check${number++}${functions}${check.run}`, patience)
      const cleaned = engine.box.sh(engine.cleanUp, patience)
      wrong = complaints(check, result)
      if (cleaned.status !== 0) wrong.push(`cleaning up: ${cleaned.stderr}`)
      if (wrong.length === 0 || result.status !== (check.status ?? 0)) break
    }
    const name = `${check.name} (${Date.now() - start} ms)`
    if (wrong.length === 0) t.pass(name)
    else t.fail(name, { wrong, script: check.run.split('\n') })
  }
}

/** What an engine may keep after its last container: itself, the parent of its cgroups, the mounts of its store. */
const leftovers = `
find /run -name state.json -o -name exec.fifo
find /sys/fs/cgroup -mindepth 3 -type d -path "*$PARENT/*" | grep -vE "$TAG/(crio-)?conmon"
ps -e -o args | grep -E '[c]onmon|[s]him-runc|^sleep 1[02]' | grep -v 'sleep infinity'
grep -E ' overlay | [^ ]*/(rootfs|merged|shm) ' /proc/self/mounts | grep "$T"
true
`

/** Failed ones, too. The first one is systemd's, and of a user podman keeps one process in a scope of its own. */
const units = `
find /sys/fs/cgroup -type d -name '*.scope' | grep -vE '/(init|podman-pause-[0-9a-f]*)[.]scope'
ctl list-units --all --plain --no-legend '*.scope' '*.service' | grep -E '^(libpod|docker|nerdctl|ctr|cri|crio|runc|tsrun|buildah)-'
true
`

/** The last check of every engine: of all containers nothing is left. What ends just now, like the last conmon, may do so. */
export const leavesNothing = (t: Test, engine: Engine): void => {
  const look = `left() { ${leftovers}${managed ? units : ''} }
for try in 1 2 3 4 5 6 7 8 9 10; do is=$(left); [ -n "$is" ] || exit 0; sleep 0.5; done; echo "$is"`
  t.equal(engine.box.sh(look).stdout, '', 'nothing is left: states, cgroups, processes, mounts')
}
