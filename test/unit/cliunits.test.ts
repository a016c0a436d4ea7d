import t from 'tap'
import { parseDuration, parseInt64, parseSize } from '../../src/cli/units.js'

t.test('sizes', async t => {
  const cases: readonly (readonly [string, number | bigint])[] = [
    ['0', 0],
    ['1048576', 1048576],
    ['512k', 524288],
    ['512K', 524288],
    ['64m', 67108864],
    ['64MB', 67108864],
    ['64MiB', 67108864],
    ['1.5g', 1610612736],
    ['0.5k', 512],
    ['10b', 10],
    ['2t', 2199023255552],
    ['-1', -1],
    ['9223372036854771712', 9223372036854771712n],
  ]
  for (const [text, value] of cases) t.equal(parseSize(text, '--memory'), value, text)
  for (const text of [
    '',
    'm',
    '-2',
    '1x',
    '1mm',
    '1ibm',
    '1.2.3k',
    '.5k',
    ' 1',
    '1e3',
    '0x10',
    '99999p',
    '+1',
    '1bb',
    '64\u212a', // the sign of kelvin
    `${'9'.repeat(400)}.5m`,
    '9000000000000000.5k',
  ])
    t.throws(() => parseSize(text, '--memory'), { code: 'ERR_USAGE' }, JSON.stringify(text))
})

t.test('whole numbers', async t => {
  t.equal(parseInt64('-1', '--x'), -1)
  t.equal(parseInt64('9223372036854775807', '--x'), 9223372036854775807n)
  for (const text of ['', '-', '1.0', '9223372036854775808', '1 ', '--1', '111111111111111111111'])
    t.throws(() => parseInt64(text, '--x'), { code: 'ERR_USAGE' }, JSON.stringify(text))
})

t.test('times', async t => {
  t.equal(parseDuration('500ms', '--interval'), 500)
  t.equal(parseDuration('5s', '--interval'), 5000)
  t.equal(parseDuration('1m30s', '--interval'), 90_000)
  t.equal(parseDuration('1.5s', '--interval'), 1500)
  for (const text of ['', '5', '0s', '1d', 's', '-1s', '5 s', '999999h'])
    t.throws(() => parseDuration(text, '--interval'), { code: 'ERR_USAGE' }, JSON.stringify(text))
})
