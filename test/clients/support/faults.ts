/** Checks of faults: the runtime dies by SIGKILL in the middle of its work, and the engine still gets rid of all. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Box } from './box.js'
import type { Check } from './check.js'

/**
 * A runtime that is killed so many seconds after its start when the command is the one that $T/fault names; its path.
 * The shell becomes the runtime, so the engine has no other process between. Without that file it is the runtime.
 */
export const faultyRuntime = ({ dir, runtime }: Box): string => {
  const path = join(dir, 'bin', 'faulty')
  const script = `#!/bin/sh
if [ -e ${dir}/fault ]; then
  read -r verb seconds < ${dir}/fault
  case " $* " in *" $verb "*) (sleep $seconds; kill -KILL $$) < /dev/null > /dev/null 2>&1 & ;; esac
fi
exec ${runtime} "$@"
`
  writeFileSync(path, script, { mode: 0o755 })
  return path
}

/** What an engine calls these things; the container's name is $C. `start` obeys WITH=faulty. */
export interface Words {
  readonly start: string
  readonly exec: string
  readonly remove: string
  readonly list: string
}

// From before its first instruction to after its last: tsrun creates within 10 ms, runc within 50.
const moments = '0 0.001 0.002 0.003 0.004 0.005 0.006 0.008 0.01 0.015 0.02 0.03 0.04'

/** Prints nothing if, after the script, there is no more of anything than after a container that had no fault. */
const leakless = (
  { start, remove }: Words,
  script: string,
): string => `C=$N-first; ${start} > /dev/null; { ${remove}; } > /dev/null 2>&1; sleep 1; before=$(census)
${script}
same() { [ "$(census)" = "$before" ]; }; soon same 2> /dev/null || { echo "before: $before"; echo "after: $(census)"; }`

/** The checks are quiet about what the engine says of the fault: it may have come too early or too late to matter. */
export const faultChecks = (words: Words): readonly Check[] => {
  const { start, exec, remove, list } = words
  return [
    {
      name: 'the runtime is killed in create',
      run: leakless(
        words,
        `for s in ${moments}; do i=$((i + 1)); C=$N-$i; echo create $s > $T/fault
WITH=faulty ${start} > /dev/null 2>&1 || hit=yes; rm $T/fault; { ${remove}; } > /dev/null 2>&1; done
echo hit: $hit; ${list}; ps -e -o args | grep '^sleep 10'`,
      ),
      out: 'hit: yes',
      runcFails: 'runc that is killed in create leaves cgroups behind',
    },
    {
      name: 'the runtime is killed in exec',
      run: leakless(
        words,
        `C=$N; WITH=faulty ${start} > /dev/null; for s in ${moments}; do i=$((i+1)); echo exec $s > $T/fault
${exec} sleep 0.1 > /dev/null 2>&1 || hit=yes; rm $T/fault
(i=b$i; ${exec} true) || echo "no exec after a kill at $s"; done
{ ${remove}; } > /dev/null 2>&1; echo hit: $hit; ${list}; ps -e -o args | grep '^sleep [01]'`,
      ),
      out: 'hit: yes',
      runcFails: 'after a runc that is killed in exec the next exec may fail',
    },
  ]
}

/** podman, docker and nerdctl. */
export const dockerWords: Words = {
  start: 'e run -d --name $C box sleep 100',
  exec: 'e exec $C',
  remove: 'e rm -f $C',
  list: 'e ps -aq',
}

export const ctrWords: Words = {
  start: 'e run -d docker.io/library/box:latest $C sleep 100',
  exec: 'e t exec --exec-id x$i $C',
  remove: 'e t rm -f $C; e c rm $C',
  list: 'e c ls -q',
}
