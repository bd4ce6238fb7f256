import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rowCounter } from '../../src/engines/postgres/rows.ts'
import { splits } from '../support/pieces.ts'

const count = (pieces: Iterable<Uint8Array>) => {
  const counter = rowCounter()
  for (const piece of pieces) counter.write(piece)
  return { counts: Object.entries(counter.end()), soFar: counter.soFar }
}

/** What pg_restore writes before the first rows. */
const head = (encoding = 'UTF8') =>
  `--\n-- PostgreSQL database dump\n--\n\n\\restrict aBcD3fG\n\n-- Dumped from database version 16.14\n-- Dumped by pg_dump version 17.10\n\n` +
  `SET statement_timeout = 0;\nSET client_encoding = '${encoding}';\nSET standard_conforming_strings = on;\n` +
  `SELECT pg_catalog.set_config('search_path', '', false);\nSET row_security = off;\n\n`
const tail = '--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict aBcD3fG\n\n'
/** A block as pg_restore writes it; `rows` without their line breaks. */
const copy = (table: string, columns: string, rows: readonly string[]) =>
  `--\n-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: a\n--\n\n` +
  `COPY ${table} ${columns} FROM stdin;\n${rows.map(row => `${row}\n`).join('')}\\.\n\n\n`

const wide = Array.from({ length: 1600 }, (_, index) => `"${`column ${index} `.padEnd(60, 'é;')}"`).join(', ')

const cases: Record<string, readonly [text: string | Buffer, counts: Readonly<Record<string, number>>]> = {
  'a table with rows': [copy('public.users', '(id, name)', ['1\ta', '2\tb', '3\t\\N']), { 'public.users': 3 }],
  'an empty table': [copy('public.users', '(id)', []), { 'public.users': 0 }],
  'rows that are empty': [copy('public.users', '(name)', ['', '', '']), { 'public.users': 3 }],
  'a table without columns': [copy('public.t', '', ['', '']), { 'public.t': 2 }],
  'an empty table without columns': [copy('public.t', '', []), { 'public.t': 0 }],
  'several tables': [
    copy('a.t', '(x)', ['1']) + copy('b.t', '(x)', []) + copy('b.u', '(x)', ['1', '2']),
    { 'a.t': 1, 'b.t': 0, 'b.u': 2 },
  ],
  'a table whose rows come in two blocks, as with --load-via-partition-root': [
    copy('a.t', '(x)', ['1']) + copy('a.t', '(x)', ['1', '2']),
    { 'a.t': 3 },
  ],
  'nothing but settings': ['', {}],
  'data that looks like the end of the block': [
    copy('public.t', '(x)', ['\\\\.', 'a\t\\\\.', '\\\\.\\n\\\\.\\n', '\\\\', '.', '\\N', '\\\\.b', ' \\\\.']),
    { 'public.t': 8 },
  ],
  'data that looks like another block, a comment, a string': [
    copy('public.t', '(x)', [
      'COPY public.u (x) FROM stdin;',
      '-- no',
      "it's",
      '"',
      ';',
      "SET client_encoding = 'LATIN1';",
    ]),
    { 'public.t': 6 },
  ],
  'names in quotes': [
    copy('"My.Schema"."my.table"', '("a.b", "c d")', ['1\t2']) +
      copy('public."say ""hi"""', '(x)', ['1', '2']) +
      copy('public."two\nlines"', '("x\ny")', ['1']) +
      copy('public."t (x) FROM stdin;\n1\n\\.\n"', '(x)', ['1']) +
      copy('public."-- no comment"', '("it\'s", "--")', ['1']) +
      copy('"a b".plain', '(x)', []) +
      copy('public.tbl_1$é', '(x)', ['1']),
    {
      'My.Schema.my.table': 1,
      'public.say "hi"': 2,
      'public.two\nlines': 1,
      'public.t (x) FROM stdin;\n1\n\\.\n': 1,
      'public.-- no comment': 1,
      'a b.plain': 0,
      'public.tbl_1$é': 1,
    },
  ],
  'a column that is called like the end of the statement': [
    copy('public.t', '("x) FROM stdin;", ") FROM stdin")', ['1\t2']),
    { 'public.t': 1 },
  ],
  'tables that are called like parts of an object': [
    copy('public.__proto__', '(x)', ['1']) + copy('__proto__', '(x)', ['1', '2']) + copy('constructor', '(x)', ['1']),
    // Not an object literal, which would set the prototype.
    Object.fromEntries([
      ['public.__proto__', 1],
      ['__proto__', 2],
      ['constructor', 1],
    ]),
  ],
  'comments, strings and names that look like a block': [
    `-- COPY public.a (x) FROM stdin;\n-- it's\n-- a "name\n` +
      `SELECT pg_catalog.setval('public."s\nCOPY public.b (x) FROM stdin;\n1\n\\.\n"', 7, true);\n` +
      `SELECT pg_catalog.setval('public."it''s; -- "', 1, false);\n` +
      `SELECT pg_catalog.setval('public."back\\"', 1, false);\n` +
      `ALTER TABLE public."t\n;COPY public.c (x) FROM stdin;\n" DISABLE TRIGGER ALL;\n` +
      `COMMENT ON TABLE x IS 'ends in --';\n` +
      `SELECT 3 --\n-1;\n` +
      copy('public.real', '(x)', ['1']) +
      `SELECT 1 - 1; SELECT 2 --COPY public.d (x) FROM stdin;\n;\n`,
    { 'public.real': 1 },
  ],
  'COPY statements that bring no rows': [
    `COPY public.a (x) TO stdout;\nCOPY public.b FROM '/tmp/x';\n${copy('public.c', '(x)', ['1'])}`,
    { 'public.c': 1 },
  ],
  'large objects': [
    `BEGIN;\n\nSELECT pg_catalog.lo_open('16400', 131072);\n` +
      `SELECT pg_catalog.lowrite(0, '\\x${'0a5c2e0a'.repeat(50_000)}');\n` +
      `SELECT pg_catalog.lowrite(0, 'COPY public.a (x) FROM stdin;\n1\n\\.\n''');\n` +
      `SELECT pg_catalog.lo_close(0);\n\nCOMMIT;\n\n${copy('public.t', '(x)', ['1'])}`,
    { 'public.t': 1 },
  ],
  'a list of columns of more than 64 KiB': [copy('public.wide', `(${wide})`, ['1', '2']), { 'public.wide': 2 }],
  'long rows': [copy('public.t', '(x)', ['x'.repeat(200_000), '\\\\.'.repeat(50_000)]), { 'public.t': 2 }],
}

describe('the rows of a dump', () => {
  for (const [what, [text, counts]] of Object.entries(cases)) {
    test(`${what}: counted however the bytes arrive`, () => {
      const bytes = Buffer.concat([Buffer.from(head()), Buffer.from(text), Buffer.from(tail)])
      for (const { name, pieces } of splits(bytes)) {
        const rows = Object.values(counts).reduce((sum, n) => sum + n, 0)
        assert.deepEqual(
          count(pieces()),
          { counts: Object.entries(counts), soFar: { rows, rawBytes: bytes.length } },
          name,
        )
      }
    })
  }

  for (const [encoding, bytes, name] of [
    ['LATIN1', [0xe9], 'é'],
    ['LATIN7', [0xe0], 'ą'],
    ['LATIN9', [0xa4], '€'],
    ['WIN1251', [0xe9], 'й'],
    ['WIN866', [0xa9], 'й'],
    ['KOI8R', [0xca], 'й'],
    ['ISO_8859_5', [0xd9], 'й'],
    ['EUC_JP', [0xa4, 0xa2], 'あ'],
    ['EUC_KR', [0xb0, 0xa1], '가'],
    ['EUC_CN', [0xb0, 0xa1], '啊'],
    ['SQL_ASCII', [0xc3, 0xa9], 'é'],
  ] as const) {
    test(`a table's name in ${encoding} is the one that people know`, () => {
      const text = copy('public."NAME"', '(x)', ['NAME', 'NAME'])
      const named = Buffer.from(text, 'latin1')
        .toString('latin1')
        .replaceAll('NAME', String.fromCharCode(...bytes))
      const all = Buffer.concat([Buffer.from(head(encoding)), Buffer.from(named, 'latin1')])
      for (const { name: how, pieces } of splits(all)) {
        assert.deepEqual(count(pieces()).counts, [[`public.${name}`, 2]], how)
      }
    })
  }

  test('are told while they come, those of an unfinished block too', () => {
    const counter = rowCounter()
    const told = [
      `${head()}COPY a.t (x) FROM stdin;`,
      '\n',
      '1\n2\n',
      '3\n\\.\n\nCOPY a.u (x) FROM stdin;\n',
      '1\n2\n',
      '\\.\n',
    ].map(text => {
      counter.write(Buffer.from(text))
      return counter.soFar.rows
    })
    // The last line may be the beginning of the end, so it is counted once the next one has come.
    assert.deepEqual(told, [0, 0, 0, 3, 3, 5])
  })
})

describe('a text that is cut short', () => {
  const block = `${head()}COPY public.t (x) FROM stdin;\n1\n2\n\\.\n`
  const from = head().length + 'COPY public.t (x) FROM stdin;'.length
  test('anywhere between the beginning of a block and its end is found out', () => {
    for (let length = from; length < block.length; length++) {
      for (const { name, pieces } of splits(Buffer.from(block.slice(0, length)))) {
        assert.throws(
          () => count(pieces()),
          { message: 'the rows of public.t end too early' },
          `${length} bytes, ${name}`,
        )
      }
    }
    assert.deepEqual(count([Buffer.from(block)]).counts, [['public.t', 2]])
  })

  for (const [what, text] of [
    ['a string', `SELECT pg_catalog.lowrite(0, '\\x0a0b`],
    ['a string behind a doubled quote', `SELECT 'it''s`],
    ['a name', 'ALTER TABLE public."od'],
    ['a name behind a doubled quote', 'ALTER TABLE public."od""d'],
  ] as const) {
    test(`inside ${what} is found out`, () => {
      for (const { pieces } of splits(Buffer.from(head() + text))) {
        assert.throws(() => count(pieces()), { message: 'the text ends inside a quoted name or string' })
      }
    })
  }
})
