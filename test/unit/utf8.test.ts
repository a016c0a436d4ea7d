/** The static form's decoder (shim/static/text.c) against the one of the web, on damaged text. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { requires } from '../support/requires.js'

const house = fileURLToPath(new URL('../..', import.meta.url))

/** Reads lengths and bytes from stdin, writes lengths and cleaned bytes. */
const harness = `
#include "text.h"
#include <stdio.h>
int main(void) {
  uint8_t in[64], length;
  char out[192];
  while (fread(&length, 1, 1, stdin) == 1 && fread(in, 1, length, stdin) == length) {
    size_t size = text_clean(in, length, out);
    putchar((int)size);
    putchar(text_is_valid(in, length));
    fwrite(out, 1, size, stdout);
  }
}
`

/** Bytes that stand at the edges of what is well-formed. */
const edges = [
  0x00, 0x61, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf3,
]
const bytes = [...edges, 0xf4, 0xf5, 0xff]

/** A small generator of pseudo-random numbers, for the same inputs in every run. */
let state = 1
const below = (limit: number): number => {
  state = Math.imul(state, 1103515245) + 12345
  return ((state >>> 8) & 0xffff) % limit
}

t.test('damaged text', { skip: requires('cc') }, t => {
  const dir = join(house, 'build/tests/utf8')
  mkdirSync(dir, { recursive: true })
  writeFileSync(join(dir, 'harness.c'), harness)
  const sources = [join(dir, 'harness.c'), join(house, 'shim/static/text.c')]
  execFileSync('gcc', ['-O1', `-I${join(house, 'shim/static')}`, '-o', join(dir, 'harness'), ...sources])

  const inputs = Array.from({ length: 20000 }, () =>
    Uint8Array.from({ length: below(9) }, () => bytes[below(bytes.length)] as number),
  )
  const output = execFileSync(join(dir, 'harness'), {
    input: Buffer.concat(inputs.map(input => Buffer.from([input.length, ...input]))),
  })
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let at = 0
  let wrong = 0
  for (const input of inputs) {
    const size = output[at] ?? 0
    const valid = output[at + 1] === 1
    const clean = output.subarray(at + 2, at + 2 + size).toString()
    const expected = decoder.decode(input)
    if (clean !== expected || valid !== (Buffer.compare(Buffer.from(expected), input) === 0)) {
      if (wrong++ === 0) t.equal(clean, expected, Buffer.from(input).toString('hex'))
    }
    at += 2 + size
  }
  t.equal(at, output.length, 'everything was answered')
  t.equal(wrong, 0, `of ${inputs.length}`)
  t.end()
})
