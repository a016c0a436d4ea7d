/** Words of a command line: numbers, names, sizes and options, whole and half. */
import { pick, type Random } from './configs.js'

const pieces = [
  ...[
    '0',
    '1',
    '9',
    '00',
    '64',
    '65',
    '255',
    '1000',
    '4294967295',
    '4294967296',
    '18446744073709551616',
    '9'.repeat(400),
  ],
  ...[
    '-',
    '+',
    '.',
    ',',
    ':',
    '=',
    ' ',
    '_',
    '/',
    '..',
    '\t',
    '\n',
    '%',
    'e',
    'x',
    '0x',
    'k',
    'M',
    'GiB',
    'b',
    'ms',
    's',
    'h',
  ],
  ...[
    'KILL',
    'SIG',
    'sigterm',
    'RTMIN',
    'RTMAX',
    'root',
    '\u0663',
    '\u212a',
    '\uff11',
    'ı',
    '\ud800',
    'Infinity',
    'NaN',
    'null',
  ],
]

/** A word of a few pieces: some of them are right. */
export const word = (random: Random): string => {
  let text = ''
  for (let n = 1 + random(4); n > 0; n--) text += pick(random, pieces)
  return text
}

/** A command line over the tables of commands and options. */
export const line = (random: Random, commands: readonly string[], options: readonly string[]): string[] => {
  const words = Array.from({ length: random(8) }, () => {
    switch (random(6)) {
      case 0:
        return pick(random, commands)
      case 1:
        return `--${pick(random, options)}`
      case 2:
        return `--${pick(random, options)}=${word(random)}`
      case 3:
        return `-${word(random)}`
      case 4:
        return pick(random, [
          '--',
          '-',
          '',
          '-it',
          '-dt',
          '---',
          '--=',
          '-=',
          '--no-pivot=maybe',
          '-h',
          '--help',
        ])
      default:
        return word(random)
    }
  })
  return random(3) === 0 ? words : [pick(random, commands), ...words]
}
