/**
 * yargs on our own platform: it lays out the help the same way in both engines. Its entry points need Node or a browser, and
 * its usual width function Intl, so its factory is imported by path; the bundler takes it in, nobody resolves it later.
 */
// @ts-expect-error: the package has no types for this path
import { cliui as untypedCliui } from '../../../node_modules/cliui/build/lib/index.js'
// @ts-expect-error: as above
import { YargsFactory as untypedFactory } from '../../../node_modules/yargs/build/lib/yargs-factory.js'
// @ts-expect-error: as above
import Parser from '../../../node_modules/yargs/node_modules/yargs-parser/browser.js'
import { wrap } from './wrap.js'

/** What we use of yargs: layout only. */
export interface Yargs {
  scriptName(name: string): Yargs
  wrap(columns: number): Yargs
  help(enabled: false): Yargs
  version(enabled: false): Yargs
  exitProcess(enabled: false): Yargs
  usage(text: string): Yargs
  command(name: string, summary: string): Yargs
  option(
    name: string,
    settings: { readonly alias?: readonly string[]; readonly describe: string; readonly group: string },
  ): Yargs
  showHelp(print: (text: string) => void): Yargs
}

const nothing = (): undefined => undefined
const same = (text: string): string => text
const stringWidth = (text: string): number => text.length

/** Fills `%s` and `%d` in turn. */
function format(text: string, ...values: readonly unknown[]): string {
  let next = 0
  return text
    .split('%')
    .map((piece, i) =>
      i > 0 && (piece[0] === 's' || piece[0] === 'd') ? `${values[next++]}${piece.slice(1)}` : piece,
    )
    .join('')
}

const platform = {
  assert: { notStrictEqual: nothing, strictEqual: nothing },
  cliui: (options: object) => untypedCliui(options, { stringWidth, stripAnsi: same, wrap }),
  findUp: nothing,
  getCallerFile: () => '',
  getEnv: nothing,
  getProcessArgvBin: () => 'tsrun',
  inspect: String,
  mainFilename: 'tsrun',
  Parser,
  path: { basename: same, dirname: same, extname: same, relative: same, resolve: same, join: same },
  process: {
    argv: () => ['tsrun'],
    cwd: () => '/',
    emitWarning: nothing,
    execPath: () => '',
    exit: nothing,
    nextTick: nothing,
    stdColumns: null,
  },
  readFileSync: () => '{}',
  readdirSync: () => [],
  require: nothing,
  stringWidth,
  y18n: {
    __: format,
    __n: (one: string, many: string, count: number, ...rest: readonly unknown[]) =>
      format(count === 1 ? one : many, count, ...rest),
    getLocale: () => 'en_US',
    setLocale: nothing,
    updateLocale: nothing,
  },
}

export function makeYargs(): Yargs {
  return (untypedFactory(platform) as (argv: readonly string[]) => Yargs)([])
}
