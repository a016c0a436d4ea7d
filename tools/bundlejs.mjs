// Bundles src/ into what both engines run. Usage: node tools/bundlejs.mjs [--npm dist] [--static build/static] [--program src/cli]
//
//   NPM/tsrun.cjs, NPM/PART.cjs     for Node: src/cli/npm.ts, which loads the parts: boot is src/cli/node.ts with main
//   NPM/index.js                    the library (`import 'tsrun'`), when there is src/index.ts
//   STATIC/boot.js, STATIC/PART.js  for QuickJS: the same text between other brackets (shim/static/compile.c)
//   STATIC/parts.h                  the list of parts for shim/static/parts.c
//   STATIC/bundle.stamp, .d         when all this was made, and of what, for make
//
// The program is main.ts, which exports main(), and parts, each one file, parts/NAME.ts. `native().load('NAME')` evaluates it, once, and returns its exports. A module
// that the boot bundle or a part named in `after` already holds is not bundled again: it is taken from there, so that
// errors keep one class and the engine is installed once. Only values are shared, at the time of loading: a module that
// is shared must not export a `let` that changes.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'
import { hoist } from './hoist.mjs'
import { instrument, split } from './split.mjs'

const house = fileURLToPath(new URL('..', import.meta.url))
const option = (name, otherwise) => {
  const at = process.argv.indexOf(name)
  return resolve(at === -1 ? join(house, otherwise) : process.argv[at + 1])
}
const npm = option('--npm', 'dist')
const still = option('--static', 'build/static')
const program = option('--program', 'src/cli')
const src = join(house, 'src')

/**
 * after  parts whose modules are used and not bundled again (they are loaded first)
 * file   a module of src/ that is a part although no code loads it: for others its functions are stubs that load it
 * cold   needs RegExp, Date, Promise or Proxy, which the static form adds before it loads the part
 * split  what an ordinary run does not call becomes a part PARTRare (tools/split.mjs)
 * image  is loaded at build time, into the image of the static form (tools/image.mjs)
 * packed lies compressed in the static form (tools/pack.mjs), and is unpacked in 5 µs a kilobyte: what `run` and engines without
 *        systemd load does not
 */
const parts = {
  boot: { split: true, image: true },
  lifecycle: { split: true, image: true },
  create: { split: true, image: true },
  exec: { after: ['create'], image: true },
  operate: { packed: true, after: ['lifecycle', 'create'] },
  checkpoint: { packed: true, after: ['create'] },
  rest: { packed: true, after: ['create'], cold: true },
  help: { packed: true, cold: true },
  explain: { packed: true, cold: true },
  failure: { packed: true },
  seccomp: { file: 'lower/seccomp/index.ts' },
  netdevice: { packed: true, file: 'launch/netdevice.ts' },
  notify: { packed: true, file: 'container/notify.ts' },
  resctrl: { packed: true, file: 'launch/resctrl.ts' },
  logs: { packed: true, file: 'container/logs.ts' },
  oom: { packed: true, file: 'host/oom.ts' },
  maptool: { packed: true, file: 'launch/maptool.ts' },
  unit: { packed: true, file: 'lower/cgroup/unit.ts' },
  systemd: { packed: true, file: 'launch/systemd.ts' },
}

process.on('uncaughtException', error => {
  if (error.errors === undefined) console.error(error) // esbuild has told its own
  process.exit(1)
})

/** What `--version` shows: the commit of a git checkout, else the version once more. */
const { version } = JSON.parse(readFileSync(join(house, 'package.json'), 'utf8'))
function commitOf() {
  try {
    const options = { cwd: house, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }
    return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], options).trim()
  } catch {
    return version
  }
}

const target = 'es2022'
const define = {
  TSRUN_VERSION: JSON.stringify(version),
  TSRUN_COMMIT: JSON.stringify(commitOf()),
  // yargs names it for a feature that help does not use; scripts have no import.meta
  'import.meta.resolve': 'undefined',
}
const common = {
  define,
  bundle: true,
  write: false,
  format: 'esm',
  target,
  charset: 'ascii',
  logLevel: 'error',
  absWorkingDir: house,
}
const inputs = new Set()

const entryOf = name =>
  parts[name]?.file !== undefined
    ? join(src, parts[name].file)
    : join(program, name === 'boot' ? 'main.ts' : `parts/${name}.ts`)
const present = Object.keys(parts).filter(name => existsSync(entryOf(name)))
const absolute = file => resolve(house, file)

/** Imports of modules that another bundle owns become `import … from "shared:OWNER:PATH"` and stay in the text. */
function sharing(owners, name) {
  return {
    name: 'sharing',
    setup(build) {
      build.onResolve({ filter: /^\./ }, async ({ path, ...rest }) => {
        if (rest.pluginData === 'inner') return undefined
        const found = await build.resolve(path, { ...rest, pluginData: 'inner' })
        const stub = stubs.get(found.path)
        if (stub !== undefined && stub !== name) return { path: stub, namespace: 'stub' }
        const owner = owners.get(found.path)
        return owner === undefined ? found : { path: `shared:${owner}:${found.path}`, external: true }
      })
      build.onLoad({ filter: /./, namespace: 'stub' }, ({ path }) => ({
        contents: stubOf(path),
        resolveDir: src,
        loader: 'js',
      }))
    },
  }
}

/** The modules that are parts by themselves, and their parts. */
const stubs = new Map(
  Object.entries(parts)
    .filter(([, { file }]) => file !== undefined)
    .map(([name, { file }]) => [join(src, file), name]),
)

/** A module's functions, each loading its part first. Whatever else it exports cannot be had this way. */
function stubOf(name) {
  const functions = readFileSync(entryOf(name), 'utf8').matchAll(/^export function (\w+)/gm)
  const lines = Array.from(
    functions,
    ([, it]) => `export const ${it} = (...args) => native().load('${name}').${it}(...args)`,
  )
  return [`import { native } from './sys/native.js'`, ...lines].join('\n')
}

async function bundle(entry, owners, name) {
  const result = await esbuild.build({
    ...common,
    ...entry,
    plugins: [sharing(owners, name)],
    metafile: true,
    platform: 'neutral',
    mainFields: ['module', 'main'],
  })
  for (const file of Object.keys(result.metafile.inputs))
    if (existsSync(absolute(file))) inputs.add(absolute(file))
  return { text: result.outputFiles[0].text, files: Object.keys(result.metafile.inputs).map(absolute) }
}

/** Who owns what a part may share: the first of boot and `after` that holds the file. */
const files = { boot: (await bundle({ entryPoints: [entryOf('boot')] }, new Map())).files }
function ownersFor(name) {
  const owners = new Map()
  if (name === 'boot') return owners
  for (const owner of ['boot', ...(parts[name].after ?? [])]) {
    for (const file of files[owner] ?? []) if (!owners.has(file)) owners.set(file, owner)
  }
  return owners
}
for (const name of present.slice(1)) {
  files[name] = (await bundle({ entryPoints: [entryOf(name)] }, ownersFor(name), name)).files
}

/** The text of a part, and the values it wants of others: takes `import {a as b} from "shared:…"` out of the text. */
const sharedImport = /^import\s*(?:\{([^}]*)\}|\*\s*as\s+(\w+))?\s*(?:from\s*)?"shared:(\w+):([^"]+)";\n/gm
const wanted = Object.fromEntries(present.map(name => [name, []]))
function takeShared(name, text) {
  const lists = new Map()
  const body = text.replace(sharedImport, (_line, names, star, owner, file) => {
    if (star !== undefined) throw new Error(`${name}: import * of the shared module ${relative(house, file)}`)
    const list = lists.get(owner) ?? []
    lists.set(owner, list)
    for (const item of (names ?? '')
      .split(',')
      .map(part => part.trim())
      .filter(Boolean)) {
      const [exported, local = exported] = item.split(' as ')
      list.push({ exported, local, file })
    }
    return ''
  })
  if (body.includes('"shared:'))
    throw new Error(`${name}: a shared module is re-exported or imported in an unknown way`)
  let preamble = ''
  for (const [owner, list] of lists) {
    wanted[owner].push({ part: name, list })
    if (owner !== 'boot') preamble += `globalThis.__tsrun.load(${JSON.stringify(owner)});\n`
    preamble += `const __${owner} = globalThis.__tsrun.${owner}(${JSON.stringify(name)});\n`
    preamble += list.map(({ local }, i) => `const ${local} = __${owner}[${i}];\n`).join('')
  }
  return preamble + body
}

/** Statements for the end of an owner's entry that hand out what was wanted of it. */
function handingOut(owner) {
  const imports = []
  const cases = wanted[owner].map(({ part, list }) => {
    const values = list.map(({ exported, file }) => {
      imports.push(`import { ${exported} as shared${imports.length} } from ${JSON.stringify(file)};`)
      return `shared${imports.length - 1}`
    })
    return `if (part === ${JSON.stringify(part)}) return [${values.join(', ')}];`
  })
  return { imports: imports.join('\n'), lookup: `part => { ${cases.join(' ')} }` }
}

async function finish(text) {
  const { code } = await esbuild.transform(text, {
    target,
    minify: true,
    charset: 'ascii',
    format: 'esm',
    loader: 'js',
  })
  return code
}

/** `module function` of each function that ordinary runs do not call. */
const rare = new Set(readFileSync(join(house, 'tools/rare.txt'), 'utf8').split('\n'))
const profiled = process.argv.includes('--profile')
const rares = []

/** A part's text, minified, with its name; and that of its rare half. */
async function halves(name, text) {
  if (profiled) return [[name, await finish(instrument(text))]]
  if (!parts[name].split) return [[name, await finish(text)]]
  const found = split(text, name, rare)
  const both = [[name, await finish(found.hot)]]
  if (found.rare !== undefined) {
    rares.push(`${name}Rare`)
    both.push([`${name}Rare`, await finish(found.rare)])
  }
  return both
}

/** Turns the last statement, `export{a as b}`, into an assignment to `exports`. */
function exportsTo(code, exports) {
  return code.replace(/export\s*\{([^}]*)\};?\s*$/, (_, names) => {
    const items = names
      .split(',')
      .filter(Boolean)
      .map(item => {
        const [local, exported = local] = item.trim().split(' as ')
        return `${exported}:${local}`
      })
    return `${exports}={${items.join(',')}};\n`
  })
}

/** A part for src/cli/npm.ts. What V8 made of an older one goes away. */
function writeNpm(name, code) {
  rmSync(join(npm, `${name}.v8`), { force: true })
  writeFileSync(join(npm, `${name}.cjs`), `(function(module,require,__filename,loadPart){${code}\n})`)
}

mkdirSync(npm, { recursive: true })
mkdirSync(still, { recursive: true })

// Parts, dependants first: then it is known what is wanted of the others.
for (const name of present.slice(1).reverse()) {
  const own = handingOut(name)
  const contents =
    `export * from ${JSON.stringify(entryOf(name))};\n${own.imports}\n` +
    (own.imports === '' ? '' : `globalThis.__tsrun.${name} = ${own.lookup};\n`)
  const { text } = await bundle(
    { stdin: { contents, resolveDir: house, loader: 'ts' } },
    ownersFor(name),
    name,
  )
  for (const [bundled, code] of await halves(name, takeShared(name, text))) {
    const module = exportsTo(code, 'module.exports')
    writeNpm(bundled, module)
    writeFileSync(join(still, `${bundled}.js`), hoist(module))
  }
}

/** The bundle that runs first: main, the registry of what it shares, and an engine's entry, `start()`. */
async function boot(entry, settings) {
  const { imports, lookup } = handingOut('boot')
  const native = JSON.stringify(join(src, 'sys/native.ts'))
  const contents = `import { native } from ${native};
    import { start } from ${JSON.stringify(join(src, 'cli', entry))};
    import { main } from ${JSON.stringify(entryOf('boot'))};
    ${imports}
    globalThis.__tsrun = { boot: ${lookup}, load: name => native().load(name) };
    start(main);`
  const result = await esbuild.build({
    ...common,
    stdin: { contents, resolveDir: house, loader: 'ts' },
    metafile: true,
    ...settings,
  })
  for (const file of Object.keys(result.metafile.inputs))
    if (existsSync(absolute(file))) inputs.add(absolute(file))
  return result.outputFiles[0].text
}

const forNode = await boot('node.ts', {
  minify: !profiled,
  format: 'cjs',
  platform: 'node',
  define: { ...define, 'import.meta.url': '__filename' },
})
writeNpm('boot', profiled ? instrument(forNode) : forNode)
const first = await esbuild.build({
  ...common,
  entryPoints: [join(src, 'cli/npm.ts')],
  minify: true,
  format: 'cjs',
  platform: 'node',
  define: { 'import.meta.url': '__filename' },
})
writeFileSync(join(npm, 'tsrun.cjs'), first.outputFiles[0].text)
inputs.add(join(src, 'cli/npm.ts'))
for (const [bundled, code] of await halves('boot', await boot('quickjs.ts', { platform: 'neutral' }))) {
  writeFileSync(join(still, `${bundled}.js`), hoist(exportsTo(code, 'module.exports')))
}
/** For shim/static/parts.c. */
const lineOf = ({ image, packed, cold }, name) =>
  image ? `IMAGE(${name})` : `${packed ? 'PACKED' : 'PART'}(${name}, ${cold ? 'COLD' : 'HOT'})`
writeFileSync(
  join(still, 'parts.h'),
  [...present, ...rares].map(name => `${lineOf(parts[name] ?? { packed: true }, name)}\n`).join(''),
)

if (program === join(src, 'cli') && existsSync(join(src, 'index.ts'))) {
  const result = await esbuild.build({
    ...common,
    entryPoints: [join(src, 'index.ts')],
    platform: 'node',
    metafile: true,
    external: ['koffi'],
    sourcemap: false,
  })
  writeFileSync(join(npm, 'index.js'), result.outputFiles[0].text)
  for (const file of Object.keys(result.metafile.inputs)) inputs.add(absolute(file))
}

// A part that is no more would be packed, and compiled. Other files of these directories have no ending, or these names.
const names = new Set([...present, ...rares, 'tsrun', 'index', 'parts', 'bundle'])
for (const directory of [npm, still]) {
  for (const file of readdirSync(directory)) {
    const [name, ending, ...more] = file.split('.')
    if (ending !== undefined && (more.length > 0 || !names.has(name))) rmSync(join(directory, file))
  }
}

const tools = ['bundlejs.mjs', 'hoist.mjs', 'split.mjs', 'rare.txt'].map(name => join(house, 'tools', name))
const made = [...inputs, ...tools].map(file => relative(house, file)).sort()
writeFileSync(
  join(still, 'bundle.d'),
  `${relative(house, join(still, 'bundle.stamp'))}: ${made.join(' ')}\n${made.join(':\n')}:\n`,
)
writeFileSync(join(still, 'bundle.stamp'), '')
