/** Help and completion: the only part with yargs in it, and with what it needs of the engine. */
import { UsageError } from '../../base/errors.js'
import { native } from '../../sys/native.js'
import { type CommandName, commands } from '../commands.js'
import { completionScript, isShell, shells } from '../help/completion.js'
import { helpText as render } from '../help/help.js'
import { nearest } from '../nearest.js'
import { print } from '../output.js'
import type { Request } from './part.js'

const TIOCGWINSZ = 0x5413
const widest = 100
const usual = 80

export function helpText(command: CommandName | undefined): string {
  return render(command, columns())
}

/** A terminal's width within reason; 80 for files and pipes, so that they always get the same text. */
function columns(): number {
  const winsize = new Uint8Array(8)
  if (native().isatty(1) !== 1 || native().ioctl(1, TIOCGWINSZ, winsize) < 0) return usual
  const width = new DataView(winsize.buffer).getUint16(2, true)
  return width < 40 ? usual : Math.min(width, widest)
}

export const handlers = {
  help({ positionals: [name] }: Request<'help'>): number {
    if (name !== undefined && !Object.hasOwn(commands, name)) {
      const guess = nearest(name, Object.keys(commands))
      const hint = guess === undefined ? ' (tsrun --help lists the commands)' : `; did you mean "${guess}"?`
      throw new UsageError(`no help for "${name}"${hint}`)
    }
    print(helpText(name as CommandName | undefined))
    return 0
  },
  completion({ positionals: [shell = ''] }: Request<'completion'>): number {
    if (!isShell(shell)) throw new UsageError(`no completion for "${shell}": use ${shells.join(', ')}`)
    print(completionScript(shell))
    return 0
  },
}
