// Lets tools import the project's TypeScript tables.
import { buildSync } from 'esbuild'

/** Imports a TypeScript file (and what it imports) into the running tool. */
export function importTs(path) {
  const { outputFiles } = buildSync({
    entryPoints: [path],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
  })
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`)
}
