/** The lines that README gives to users of an engine, as that engine's tests take them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../../support/payload.js'

const installed = '/usr/local/bin/tsrun'

const section = (): string => {
  const text = readFileSync(join(repository, 'README.md'), 'utf8')
  const start = text.indexOf('## Plug it into an engine')
  return text.slice(start, text.indexOf('\n## ', start))
}

/** The code blocks of that section. */
export const blocks = (): string[] => [...section().matchAll(/^```\w*\n(.*?)^```$/gms)].map(it => it[1] ?? '')

/** The words of that section between backquotes that hold `mark`. Throws unless they are there. */
export const readmeWords = (mark: string): string => {
  const found = [...section().matchAll(/(?<!`)`([^`\n]+)`(?!`)/g)].find(([, words]) => words?.includes(mark))
  if (found?.[1] === undefined) throw new Error(`README has no words with ${mark} for engines`)
  return found[1]
}

/**
 * The code block of README that holds `mark`, with the runtime under test in place of the installed one.
 * Throws unless there is exactly one.
 */
export const readmeBlock = (mark: string, runtime: string): string => {
  const found = blocks().filter(it => it.includes(mark))
  const [block] = found
  if (block === undefined || found.length > 1)
    throw new Error(`README has ${found.length} blocks with ${mark} among the lines for engines`)
  return block.replaceAll(installed, runtime)
}
