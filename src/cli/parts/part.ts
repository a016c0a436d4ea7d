import type { Log } from '../../base/log.js'
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

/** What a lazily loaded part exports. */
export interface Part {
  readonly handlers: { readonly [N in CommandName]?: Handler<N> }
}

export interface HelpPart extends Part {
  /** The help of a command, or of all of them. */
  readonly helpText: (command: CommandName | undefined) => string
}
