import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  DBRef,
  Decimal128,
  type Document,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  Timestamp,
  UUID,
} from 'mongodb'
import { id } from './ngwenya-documents.ts'

/** One document for each BSON type, and the values of it that a reader through plain numbers or strings would change. */
export const bsonTypes: readonly Document[] = [
  { type: 'double', values: [0.1, -0, 1, 5e-324, NaN, Infinity, -Infinity].map(value => new Double(value)) },
  { type: 'string', values: ['', 'Ngwenya', 'a\u0000b', '🐊', '\n\r\t"\\'] },
  { type: 'object', values: [{}, { b: 1, a: { c: [] } }, { '': 'empty name' }] },
  { type: 'array', values: [[], [[], [null]], [1, 'two', { three: 3 }]] },
  { type: 'binData', values: [0, 2, 5, 6, 128].map(subtype => new Binary(Buffer.from([0, 255, subtype]), subtype)) },
  { type: 'uuid', values: [new UUID('12345678-1234-4234-8234-123456789abc')] },
  { type: 'objectId', values: [id(0, 0), id(0xffffffff, 1)] },
  { type: 'bool', values: [true, false] },
  { type: 'date', values: [0, -1, 8.64e15, -8.64e15].map(time => new Date(time)) },
  { type: 'null', values: [null] },
  { type: 'regex', values: [new BSONRegExp('^ng.*a$', 'imsx'), new BSONRegExp('/"\\\\', '')] },
  { type: 'dbRef', values: [new DBRef('users', id(1, 1), 'ngwenya', { extra: true })] },
  { type: 'javascript', values: [new Code('function () { return 1 }'), new Code('x + 1', { x: 1 })] },
  { type: 'symbol', values: [new BSONSymbol('old')] },
  { type: 'int', values: [0, -2147483648, 2147483647].map(value => new Int32(value)) },
  { type: 'timestamp', values: [new Timestamp({ t: 1_767_225_600, i: 7 }), new Timestamp({ t: 0, i: 0 })] },
  { type: 'long', values: [Long.ZERO, Long.MAX_VALUE, Long.MIN_VALUE, Long.fromNumber(1)] },
  {
    type: 'decimal',
    values: ['0.10', '-0', '1E+6144', 'NaN', '-Infinity', '1.000'].map(text => Decimal128.fromString(text)),
  },
  { type: 'minMax', values: [new MinKey(), new MaxKey()] },
].map((document, n) => ({ _id: id(5, n), ...document }))
