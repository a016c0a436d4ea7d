import t from 'tap'
import { exactIntegers } from '../../src/spec/json.js'
import { syntaxProblem } from '../../src/spec/syntax.js'

const exact = (text: string): unknown => exactIntegers(JSON.parse(text), text)

t.test('integers beyond 2^53 become exact, all else stays as JSON.parse has it', async t => {
  const cases: [string, unknown][] = [
    ['{"a":18446744073709551615}', { a: 18446744073709551615n }],
    ['{"a":-9223372036854775808}', { a: -9223372036854775808n }],
    [
      '[ 9007199254740991 , 9007199254740992,9007199254740993]',
      [9007199254740991, 9007199254740992n, 9007199254740993n],
    ],
    ['[-9007199254740991,-9007199254740993]', [-9007199254740991, -9007199254740993n]],
    ['[1,2,{"a":[[18446744073709551614],null,true]}]', [1, 2, { a: [[18446744073709551614n], null, true] }]],
    ['{"18446744073709551615":1}', { '18446744073709551615': 1 }],
    [
      '{"a":"18446744073709551615","b":18446744073709551615}',
      { a: '18446744073709551615', b: 18446744073709551615n },
    ],
    ['{"a":"\\": 18446744073709551615, ","b":1}', { a: '": 18446744073709551615, ', b: 1 }],
    ['{"a":"\\\\","b":18446744073709551615}', { a: '\\', b: 18446744073709551615n }],
    [
      '{"a":"\\\\\\"18446744073709551615\\\\","b":[18446744073709551615]}',
      { a: '\\"18446744073709551615\\', b: [18446744073709551615n] },
    ],
    [
      '[1844674407370955161.5,1.8446744073709551615]',
      [Number('1844674407370955161.5'), Number('1.8446744073709552')],
    ],
    [
      '[1844674407370955161e1,1e-0000000000000000001,1E+0000000000000000001]',
      [Number('1844674407370955161e1'), 0.1, 10],
    ],
    [
      '{"__proto__":18446744073709551615}',
      JSON.parse('{"__proto__":0}', (k, v) => (k === '__proto__' ? 18446744073709551615n : v)),
    ],
  ]
  for (const [text, value] of cases) t.strictSame(exact(text), value, text)
})

t.test('a long integer is found wherever in the text it starts', async t => {
  for (let shift = 0; shift < 40; shift++) {
    const text = `${' '.repeat(shift)}["x",9007199254740993,{"y":-9007199254740995}]`
    t.strictSame(exact(text), ['x', 9007199254740993n, { y: -9007199254740995n }], `shifted by ${shift}`)
  }
})

t.test('what is no JSON is told with its place', async t => {
  const cases: [string, string][] = [
    ['', '1:1 expected a value, found the end of the text'],
    ['{', '1:2 expected a property name in double quotes, found the end of the text'],
    ['{"a"}', "1:5 expected ':' after the property name, found }"],
    ['{"a":1,}', '1:8 expected a property name in double quotes, found }'],
    ['[1 2]', "1:4 expected ',' or ']', found 2"],
    ['[1,]', '1:4 expected a value, found ]'],
    ['{"a":1]', "1:7 expected ',' or '}', found ]"],
    ['\n\n  nul', '3:3 expected a value, found n'],
    ['[tru]', '1:2 expected a value, found t'],
    ['[-]', '1:3 expected a digit, found ]'],
    ['[1.]', '1:4 expected a digit, found ]'],
    ['[1e+]', '1:5 expected a digit, found ]'],
    ['[01]', "1:3 expected ',' or ']', found 1"],
    ['["\\x"]', '1:4 expected one of " \\ / b f n r t u after the backslash, found x'],
    ['["\\u12g4"]', '1:7 expected four hexadecimal digits after \\u, found g'],
    ['["a', '1:4 expected a quote that ends the string, found the end of the text'],
    ['["\t"]', '1:3 expected an escape like \\n, or the end of the string, found the character U+0009'],
    ['{} x', '1:4 expected the end of the text, found x'],
    ['["é" 😀]', "1:6 expected ',' or ']', found 😀"],
  ]
  for (const [text, expected] of cases) {
    t.throws(() => JSON.parse(text), `JSON.parse refuses ${JSON.stringify(text)}`)
    const { line, column, message } = syntaxProblem(text) ?? {}
    t.equal(`${line}:${column} ${message}`, expected, JSON.stringify(text))
  }
})

t.test('no text that JSON.parse takes has a problem', async t => {
  const good = [
    '{}',
    ' [ ] ',
    '0',
    '-0.5e-10',
    '[{"a":[],"b":{}},null,true,false]',
    '"\\u00e9\\n"',
    '{"a":{"b":{"c":[1,2,[3]]}}}\n',
  ]
  for (const text of good) {
    JSON.parse(text)
    t.equal(syntaxProblem(text), undefined, text)
  }
})
