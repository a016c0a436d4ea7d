import type { Log } from '../../base/log.js'
import type { Native } from '../../sys/native.js'
import type { CommandName, CommandOptions, GlobalOptions } from '../commands.js'

/** What a handler gets. */
export interface Request<N extends CommandName = CommandName> {
  readonly command: N
  readonly global: GlobalOptions
  readonly options: CommandOptions<N>
  readonly positionals: readonly string[]
  readonly log: Log
}

/** Does one command and returns the exit code; throws what went wrong. */
export type Handler<N extends CommandName> = (request: Request<N>) => number

/**
 * What a lazily loaded part exports. A part may be bundled with its own copy of `sys/native`, so it is told the engine;
 * and errors that cross its border are recognised by their `code`, not by their class.
 */
export interface Part {
  readonly install: (native: Native) => void
  readonly handlers: { readonly [N in CommandName]?: Handler<N> }
}

export interface HelpPart extends Part {
  /** The help of a command, or of all of them. */
  readonly helpText: (command: CommandName | undefined) => string
}
