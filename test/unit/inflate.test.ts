/** What unpacks the static form's compressed parts (shim/static/inflate.c) against zlib: all it writes is read, and damage is refused. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { deflateRawSync } from 'node:zlib'
import t from 'tap'
import { requires } from '../support/requires.js'

const house = fileURLToPath(new URL('../..', import.meta.url))

/** Reads pairs of lengths and streams; answers each with one byte, whether it was good, and what was unpacked. */
const harness = `
#include "inflate.h"
#include <stdio.h>
#include <stdlib.h>
int main(void) {
  uint32_t sizes[2];
  while (fread(sizes, sizeof sizes, 1, stdin) == 1) {
    uint8_t *in = malloc(sizes[0] + 1), *out = calloc(1, sizes[1] + 1);
    if (fread(in, 1, sizes[0], stdin) != sizes[0]) return 1;
    putchar(inflate(in, sizes[0], out, sizes[1]));
    fwrite(out, 1, sizes[1], stdout);
    free(in);
    free(out);
  }
}
`

/** A small generator of pseudo-random numbers, for the same inputs in every run. */
let state = 1
const below = (limit: number): number => {
  state = Math.imul(state, 1103515245) + 12345
  return (state >>> 8) % limit
}

/** Bytes of which some repeat. */
const text = (length: number, letters: number): Buffer => {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++)
    bytes[i] = i > 40 && below(4) > 0 ? (bytes[i - 40] as number) : below(letters)
  return bytes
}

function build(): string {
  const dir = join(house, 'build/tests/inflate')
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'harness.c'), harness)
  const sources = [join(dir, 'harness.c'), join(house, 'shim/static/inflate.c')]
  const flags = ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all']
  execFileSync('gcc', [...flags, `-I${join(house, 'shim/static')}`, '-o', join(dir, 'harness'), ...sources])
  return join(dir, 'harness')
}

/** Whether each stream was taken, and its bytes. */
function inflateAll(program: string, streams: { packed: Buffer; size: number }[]): (Buffer | undefined)[] {
  const input = Buffer.concat(
    streams.flatMap(({ packed, size }) => [Buffer.from(Uint32Array.of(packed.length, size).buffer), packed]),
  )
  const output = execFileSync(program, { input, maxBuffer: 1 << 28 })
  let at = 0
  const answers = streams.map(({ size }) => {
    const good = output[at] === 1
    const bytes = output.subarray(at + 1, at + 1 + size)
    at += 1 + size
    return good ? bytes : undefined
  })
  t.equal(at, output.length, 'everything was answered')
  return answers
}

t.test('compressed parts', { skip: requires('cc') }, t => {
  const program = build()
  const texts = Array.from({ length: 150 }, (_, i) => text(i === 0 ? 0 : below(50_000), 1 + below(256)))
  texts.push(Buffer.alloc(300_000), text(200_000, 256))
  // Strategies make stored, fixed and dynamic blocks, and Huffman codes without a single distance.
  const streams = texts.map((bytes, i) => ({
    packed: deflateRawSync(bytes, { level: i % 10, strategy: i % 5, memLevel: 1 + (i % 9) }),
    size: bytes.length,
  }))
  const whole = inflateAll(program, streams)
  t.same(
    texts.flatMap((bytes, i) => (whole[i]?.equals(bytes) ? [] : [i])),
    [],
    'all streams are read',
  )

  const [stream] = streams.filter(({ size }) => size > 1000) as [{ packed: Buffer; size: number }]
  const { packed, size } = stream
  const cut = Array.from({ length: 40 }, () => ({ packed: packed.subarray(0, below(packed.length)), size }))
  const wrong = [
    ...cut,
    { packed: Buffer.concat([packed, Buffer.of(0)]), size },
    { packed, size: size - 1 },
    { packed, size: size + 1 },
    { packed: Buffer.of(7, 0), size: 0 },
  ]
  t.ok(
    inflateAll(program, wrong).every(answer => answer === undefined),
    'ends that are not there, or not the end, are refused',
  )
  // The sanitizers see to it that nothing outside is touched.
  const flipped = Array.from({ length: 2000 }, () => {
    const damaged = Buffer.from(packed)
    const place = below(damaged.length)
    damaged[place] = (damaged[place] as number) ^ (1 << below(8))
    return { packed: damaged, size }
  })
  t.equal(inflateAll(program, flipped).length, flipped.length, 'damage harms nobody')
  t.end()
})
