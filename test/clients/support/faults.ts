/** Checks of faults: the runtime dies by SIGKILL in the middle of its work, and the engine still gets rid of all. */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Box } from './box.js'
import type { Check } from './check.js'

/**
 * A runtime that is killed so many seconds after its start when the command is the one that $T/fault names; its path.
 * The shell becomes the runtime, so the engine has no other process between. Without that file it is the runtime.
 * $T/hits says how often it was still there to be killed.
 */
export const faultyRuntime = ({ dir, runtime }: Box): string => {
  const path = join(dir, 'bin', 'faulty')
  const script = `#!/bin/sh
if [ -e ${dir}/fault ]; then
  read -r verb seconds < ${dir}/fault
  case " $* " in
  *" $verb "*)
    [ $seconds != now ] || { echo hit >> ${dir}/hits; kill -KILL $$; }
    (sleep $seconds; kill -KILL $$ && echo hit >> ${dir}/hits) < /dev/null > /dev/null 2>&1 & ;;
  esac
fi
exec ${runtime} "$@"
`
  writeFileSync(path, script, { mode: 0o755 })
  writeFileSync(join(dir, 'hits'), '')
  chmodSync(join(dir, 'hits'), 0o666)
  return path
}

/** What an engine calls these things; the container's name is $C. `start` obeys WITH=faulty. */
export interface Words {
  readonly start: string
  /** absent where there is none, and `start` is all of a container's life */
  readonly exec?: string
  readonly remove: string
  /** the moments at which `delete` is killed, where each costs half a minute */
  readonly deleteMoments?: string
  readonly list: string
  /** ends what the engine no longer knows of: of a runtime that dies in these commands some forget the container */
  readonly forgotten?: Readonly<Partial<Record<'create' | 'start' | 'delete', string>>>
}

/** Fewer open files and processes than podman's friends ask for: a root without CAP_SYS_RESOURCE may have no more. */
export const buildahFrom = 'e from --ulimit nofile=1024:4096 --ulimit nproc=4096:4096'

// From before its first instruction to after its last: tsrun creates within 10 ms, runc within 50.
const moments = 'now 0 0.001 0.002 0.003 0.004 0.005 0.006 0.008 0.01 0.015 0.02 0.03 0.04'

const quietly = (script: string): string => `{ ${script}\n} > /dev/null 2>&1; `

/** Prints nothing if, after the script, there is no more of anything than after a container that had no fault. */
const leakless = (
  { start, remove }: Words,
  script: string,
): string => `C=$N-first; ${quietly(start)}${quietly(remove)}sleep 1; before=$(census); open=$(opened); : > $T/hits
${script}
[ ! -s $T/hits ] || echo hit
same() { [ "$(census)" = "$before" ] && [ "$(opened)" -le "$open" ]; }
soon same 2> /dev/null || { echo "before: $before, $open"; echo "after: $(census), $(opened)"; }`

/** Goes through the moments at which the runtime is killed in the work of a command: `before`, its work, `after`. */
const killed = (verb: string, before: string, work: string, after: string, at = moments): string =>
  `for s in ${at}; do i=$((i + 1)); C=$N-$i; ${before}echo ${verb} $s > $T/fault
${quietly(work)}rm $T/fault
${after}done
`

/** Prints what the engine, and the machine, still have. */
const left = ({ list }: Words): string => `${list}; ps -e -o args | grep '^sleep [01]'; true`

const killedInExec = (of: Words, exec: string): Check => {
  const faulty = `export WITH=faulty\n${of.start}\nunset WITH`
  const again = `(i=b$i; ${exec} true) || echo "no exec after a kill at $s"\n`
  return {
    name: 'the runtime is killed in exec',
    run: leakless(
      of,
      `C=$N-0; ${quietly(faulty)}
${killed('exec', 'C=$N-0; ', `${exec} sleep 0.1`, again)}C=$N-0; ${quietly(of.remove)}${left(of)}`,
    ),
    out: 'hit',
    runcFails: 'after a runc that is killed in exec the next exec may fail',
  }
}

/** The checks are quiet about what the engine says of the fault: it may have come too early or too late to matter. */
export const faultChecks = (of: Words): readonly Check[] => {
  const { start, exec, remove, forgotten = {} } = of
  const ended = (verb: 'create' | 'start' | 'delete') => (forgotten[verb] ?? '') + left(of)
  const faulty = `export WITH=faulty\n${start}\nunset WITH`
  const inStart = (verb: string) => killed(verb, '', faulty, quietly(remove))
  return [
    {
      name: 'the runtime is killed in create',
      run: leakless(of, inStart('create') + ended('create')),
      out: 'hit',
      runcFails: 'runc that is killed in create leaves cgroups behind',
    },
    {
      name: 'the runtime is killed in start',
      run: leakless(of, inStart('start') + ended('start')),
      out: 'hit',
    },
    {
      name: 'the runtime is killed in delete',
      run: leakless(
        of,
        (exec === undefined
          ? inStart('delete')
          : killed('delete', quietly(faulty), remove, quietly(remove), of.deleteMoments)) + ended('delete'),
      ),
      out: 'hit',
    },
    ...(exec === undefined ? [] : [killedInExec(of, exec)]),
  ]
}

const words: Words = {
  start: 'e run -d --name $C box sleep 100',
  exec: 'e exec $C',
  remove: 'e rm -f $C',
  list: 'e ps -aq',
}

/** containerd still has the tasks. */
const tasks = (options: string): string =>
  quietly(`for c in $(ctr ${options} t ls -q); do ctr ${options} t rm -f $c; ctr ${options} c rm $c; done`)

const dockerForgets = tasks('-a /run/docker/containerd/containerd.sock -n moby')
export const dockerWords: Words = { ...words, forgotten: { start: dockerForgets, delete: dockerForgets } }

/** It cannot remove a task that was never started. */
export const nerdctlWords: Words = { ...words, forgotten: { start: tasks('-n box') } }

const deleteAll = 'for c in $($RT list -q); do $RT delete --force $c; done'

/** The program does not hear TERM, which podman would wait ten seconds after. */
export const podmanWords = (shell: string): Words => ({
  ...words,
  remove: 'e rm -f -t 0 $C',
  forgotten: { delete: quietly(`${shell} '${deleteAll}'`) },
})

/** A step of a build is all of a container's life, and buildah leaves one that failed to whoever comes after it. */
export const buildahWords: Words = {
  start: `${buildahFrom} --cgroup-parent $TAG --name $C box; e run $C -- sleep 0.1`,
  remove: 'e rm $C',
  list: 'e containers -q',
  forgotten: { create: quietly(deleteAll), start: quietly(deleteAll), delete: quietly(deleteAll) },
}

export const ctrWords: Words = {
  start: 'e run -d docker.io/library/box:latest $C sleep 100',
  exec: 'e t exec --exec-id x$i $C',
  remove: 'e t rm -f $C; e c rm $C',
  list: 'e c ls -q',
}
