/** The static form's file: the memory of a started program is a part of it, and nothing of the machine that built it. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const house = fileURLToPath(new URL('../..', import.meta.url))
const file = readFileSync(`${house}build/tsrun`)

/** [type, flags, offset, address, size in the file, size in memory] of each segment. */
const segments = Array.from({ length: file.readUInt16LE(56) }, (_, i) => {
  const at = Number(file.readBigUInt64LE(32)) + i * file.readUInt16LE(54)
  const word = (offset: number): number => Number(file.readBigUInt64LE(at + offset))
  return {
    type: file.readUInt32LE(at),
    flags: file.readUInt32LE(at + 4),
    offset: word(8),
    inFile: word(32),
    inMemory: word(40),
  }
})

/** Debian's library is not built in sections, so that nothing of it can be left out: there it may be 2 MiB. */
const quickjs = spawnSync(`${house}tools/quickjs.sh`, { encoding: 'utf8' }).stdout.trim()
const most = quickjs.endsWith('-package') ? 2 ** 21 : 2_000_000

t.test('it is at most 2 MB', t => {
  t.ok(file.length <= most, `${file.length} bytes, with the library in ${quickjs}`)
  t.end()
})

t.test('its writable segment holds the image, and ends with the file', t => {
  const [PT_LOAD, PF_W] = [1, 2]
  const [segment, ...others] = segments.filter(({ type, flags }) => type === PT_LOAD && (flags & PF_W) !== 0)
  t.same(others, [])
  t.ok(segment)
  const { offset, inFile, inMemory } = segment as NonNullable<typeof segment>
  t.ok(inFile > 400_000 && inFile < inMemory, `${inFile} of ${inMemory}`)
  t.equal(offset + inFile, file.length)
  // A string of the part `create`: the last place is the image's.
  t.ok(file.lastIndexOf('RLIMIT_NOFILE') >= offset)
  t.end()
})

t.test('it does not know where it was built', t => {
  t.equal(file.indexOf(house), -1)
  t.end()
})
