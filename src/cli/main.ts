/** The command: parse, load the part that can do it, and be the only place that catches everything. */
import { TsrunError } from '../base/errors.js'
import type { LogFields } from '../base/log.js'
import { native } from '../sys/native.js'
import type { CommandName, CommandRow, PartName } from './commands.js'
import { commands, hiddenCommands } from './commands.js'
import type { CliLog } from './log.js'
import { openLog } from './log.js'
import { print } from './output.js'
import { emptyInvocation, type Invocation, parse } from './parse.js'
import type { HelpPart, Part, Request } from './parts/part.js'
import { versionText } from './version.js'

/** Runs the command line of the engine and returns the exit code. */
export function main(): number {
  const invocation = emptyInvocation()
  let log: CliLog | undefined
  try {
    parse(native().argv, invocation)
    const { command, global, help } = invocation
    if (global.version === true) {
      print(versionText())
      return 0
    }
    if (command === undefined || help || global.help === true) {
      print(loadPart<HelpPart>('help').helpText(command))
      return 0
    }
    log = openLog(global)
    return dispatch(invocation, command, log)
  } catch (error) {
    return fail(error, invocation, log)
  }
}

function dispatch(invocation: Invocation, command: CommandName, log: CliLog): number {
  const part = loadPart<Part>(rowOf(command).part)
  const handler = part.handlers[command] as ((request: Request) => number) | undefined
  if (handler === undefined) throw new Error(`no handler for ${command}`)
  const { global, options, positionals } = invocation
  return handler({ command, global, options: options as Request['options'], positionals, log })
}

function loadPart<P extends Part>(name: PartName): P {
  return native().load(name) as P
}

/** Tells what went wrong, once: on stderr and, when asked, in the log. */
function fail(error: unknown, invocation: Invocation, opened: CliLog | undefined): number {
  const { message, fields } = describe(error)
  const { command } = invocation
  if (fields.code === 'ERR_USAGE' && command !== undefined && opened === undefined) {
    printUsage(command)
  }
  const log = opened ?? openLogOrStderr(invocation)
  log.fail(message, fields)
  return command === undefined ? 1 : (rowOf(command).failure ?? 1)
}

const rowOf = (command: CommandName): CommandRow =>
  commands[command] ?? (hiddenCommands[command] as CommandRow)

/** As runc does: the help goes to stdout. Whatever goes wrong with it, the error itself is to be told. */
function printUsage(command: CommandName): void {
  try {
    print(`Incorrect Usage.\n\n${loadPart<HelpPart>('help').helpText(command)}\n`)
  } catch {}
}

/** For errors from before the log was opened, which may be its own. */
function openLogOrStderr(invocation: Invocation): CliLog {
  try {
    return openLog(invocation.global)
  } catch {
    return openLog({})
  }
}

type FieldName = (typeof fieldNames)[number]
const fieldNames = ['rule', 'pointer', 'reason', 'syscall', 'errnoName', 'errno'] as const

/** The message, and what a machine can use of the error. */
function describe(error: unknown): { message: string; fields: LogFields } {
  const { message, code, stack, ...facts } = (error ?? {}) as Partial<
    Error & Record<'code' | FieldName, string>
  >
  const fields: Record<string, string | number> = { code: code ?? 'ERR_INTERNAL' }
  for (const name of fieldNames) if (facts[name] !== undefined) fields[name] = facts[name]
  if (error instanceof TsrunError && fields.code !== 'ERR_INTERNAL') return { message: error.message, fields }
  return {
    message: `internal error: ${message ?? error} (please report it)`,
    fields: { ...fields, stack: stack ?? '' },
  }
}
