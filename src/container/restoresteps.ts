/** What tsrun does while criu restores, at the points where criu tells how far it is. */
import { writePidFile } from '../launch/actions.js'
import { sendConsole } from '../launch/handover.js'
import { runHook } from '../launch/hook.js'
import { bringUpLoopback } from '../launch/netdevice.js'
import { hookOutput } from '../lower/hooks.js'
import type { CreateInput } from '../lower/input.js'
import { stateDocument } from '../spec/statedoc.js'
import { close, tryStat } from '../sys/files.js'
import type { LoadedBundle } from './bundle.js'
import type { Made } from './create.js'
import { joinedPath, type Places } from './criu.js'
import type { RestoreOptions } from './options.js'
import { type Record, startTimeOf } from './record.js'
import { absolute, save } from './store.js'

/** What has been made until now. */
export interface Restoration {
  readonly options: RestoreOptions
  readonly loaded: LoadedBundle
  readonly places: Places
  readonly input: CreateInput
  record: Record
  console: number | undefined
  readonly made: Made
}

/** The namespaces are there, and nothing of the container is yet. A new network namespace is as create makes it. */
export function prepareNamespaces(state: Restoration, pid: number): void {
  const networks = (state.input.linux.namespaces ?? []).filter(({ type }) => type === 'network')
  if (networks.length > 0 && joinedPath(state.loaded.spec, 'network') === undefined) bringUpLoopback(pid)
  runCreateHooks(state, pid)
}

/** Those that change namespaces; the others ran when the container was created (as runc has it). */
function runCreateHooks({ options, loaded, record }: Restoration, pid: number): void {
  const { hooks } = loaded.spec
  const state = stateDocument(record, record.annotations, 'creating', pid)
  for (const kind of ['prestart', 'createRuntime'] as const) {
    const list = hooks?.[kind] ?? []
    for (let i = 0; i < list.length; i++) {
      const hook = list[i]
      if (hook !== undefined)
        runHook(
          { ...hook, ...hookOutput(loaded.spec), kind, at: `/hooks/${kind}/${i}` },
          state,
          loaded.bundle,
          options.common.log,
        )
    }
  }
}

/** All is there and stands still: now what makes the container deletable, and what the caller waits for. */
export function keepState(state: Restoration, pid: number): void {
  const { options } = state
  const inode = (of: string): bigint | undefined => tryStat(`/proc/${of}/ns/time`)?.inode
  state.record = {
    ...state.record,
    init: { pid, startTime: startTimeOf(pid) ?? 0 },
    // Its clocks go on where they stood: criu makes a time namespace for that, which `exec` has to join.
    ...(inode(`${pid}`) !== inode('self') && { timeNamespace: true }),
  }
  save(options.common.root, state.record)
  if (options.pidFile !== undefined) writePidFile(absolute(options.pidFile), pid)
}

/** To the console socket, or kept for the monitor. */
export function takeConsole(state: Restoration, master: number): void {
  const { consoleSocket } = state.options
  if (consoleSocket === undefined) {
    state.console = master
    return
  }
  try {
    sendConsole(absolute(consoleSocket), master)
  } finally {
    close(master)
  }
}
