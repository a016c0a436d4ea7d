/** buildah, which calls the runtime itself, without conmon. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBox } from './box.js'
import type { Engine } from './check.js'
import { imageTree } from './image.js'
import { readmeBlock } from './readme.js'

export const buildah = (): Engine => {
  const box = openBox('buildah')
  const { dir } = box
  writeFileSync(
    join(dir, 'bin', 'e'),
    `#!/bin/sh
${readmeBlock('BUILDAH_RUNTIME', box.runtime)}exec buildah --root ${dir}/store --runroot /run/buildah-store "$@"
`,
    { mode: 0o755 },
  )
  const made = box.sh(
    `c=$(e from scratch) && e add -q $c ${imageTree(dir)} / && e commit -q $c box && e rm $c`,
  )
  if (made.status !== 0) {
    box.close()
    throw new Error(`buildah commit: ${made.stderr}`)
  }
  return { name: 'buildah', box, cleanUp: 'e rm -a > /dev/null' }
}
