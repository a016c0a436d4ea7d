import { checkProcessRules, type Explainer, loadProcess, type ValidProcess } from '../spec/load.js'
import type { Capabilities, Process, Spec } from '../spec/types.gen.js'
import { native } from '../sys/native.js'
import { loadFile } from './document.js'
import type { ExecOptions, ProcessChanges } from './options.js'
import { absolute } from './store.js'

/** The process that `exec` is to start, checked like one of a config. Throws ConfigError, SyscallError. */
export function processOf(options: Pick<ExecOptions, 'process'>, spec: Spec): ValidProcess {
  const asked = options.process
  const own = spec.process
  if ('file' in asked) {
    const explain = () => native().load('explain') as Explainer
    const read = (text: string) => loadProcess(text, explain)
    const { value: process } = loadFile('process document', absolute(asked.file), read)
    // The score belongs to the container: a document that does not speak of it leaves it so.
    const score = process.oomScoreAdj ?? own?.oomScoreAdj
    return score === undefined ? process : ({ ...process, oomScoreAdj: score } as ValidProcess)
  }
  return checkProcessRules(changed(own ?? { cwd: '/' }, asked))
}

/** The config's process with what the command line changes of it. */
function changed(own: Process, asked: ProcessChanges): Process {
  const { args, terminal, cwd, user, noNewPrivileges, selinuxLabel, apparmorProfile } = asked
  const { consoleSize: _, ...rest } = own
  return {
    ...rest,
    args: [...args],
    terminal,
    env: [...(own.env ?? []), ...asked.env],
    user: {
      ...own.user,
      ...user,
      additionalGids: [...(own.user?.additionalGids ?? []), ...asked.additionalGids],
    },
    ...(cwd !== undefined && { cwd }),
    ...(asked.capabilities.length > 0 && { capabilities: withMore(own.capabilities, asked.capabilities) }),
    ...(noNewPrivileges !== undefined && { noNewPrivileges }),
    ...(selinuxLabel !== undefined && { selinuxLabel }),
    ...(apparmorProfile !== undefined && { apparmorProfile }),
  }
}

/**
 * More capabilities. Not inheritable: a program with inheritable file capabilities would gain them (CVE-2022-29162). Ambient ones need
 * the inheritable set, so they follow only where the config has some, as in runc.
 */
function withMore(own: Capabilities = {}, more: readonly string[]): Capabilities {
  const plus = (list: readonly string[] = []): string[] => [...new Set([...list, ...more])]
  return {
    ...own,
    bounding: plus(own.bounding),
    effective: plus(own.effective),
    permitted: plus(own.permitted),
    ...((own.inheritable ?? []).length > 0 && { ambient: plus(own.ambient) }),
  }
}
