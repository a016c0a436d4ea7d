// Lets tools import the project's TypeScript tables.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { build, buildSync } from 'esbuild'

const options = { bundle: true, write: false, format: 'esm', platform: 'node' }
const load = ({ outputFiles }) =>
  import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`)

/** Imports a TypeScript file (and what it imports) into the running tool. */
export const importTs = path => load(buildSync({ ...options, entryPoints: [path] }))

/** In a bundle `import.meta.url` would be the bundle's. */
export const keepUrls = {
  name: 'keep-urls',
  setup(build) {
    build.onLoad({ filter: /\.(ts|mjs)$/ }, ({ path }) => {
      if (path.includes('/node_modules/')) return undefined
      const contents = readFileSync(path, 'utf8')
      if (!contents.includes('import.meta.url')) return undefined
      const url = JSON.stringify(pathToFileURL(path).href)
      return {
        contents: contents.replaceAll('import.meta.url', url),
        loader: path.endsWith('.ts') ? 'ts' : 'js',
      }
    })
  },
}

/** The same for files that ask where they are. */
export const importPlaced = async path =>
  load(await build({ ...options, entryPoints: [path], plugins: [keepUrls] }))
