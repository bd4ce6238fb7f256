/**
 * CRC-64 with the ECMA-182 polynomial, bits reflected, start and end inverted: what Go's `crc64.ECMA` computes and
 * mongodump writes behind each collection. Two 32-bit halves and eight tables ("slicing by 8"), because 64-bit
 * integers of the language are some 30 times slower.
 */
const tablesLow = Array.from({ length: 8 }, () => new Uint32Array(256))
const tablesHigh = Array.from({ length: 8 }, () => new Uint32Array(256))
const polynomial = { high: 0xc96c5795, low: 0xd7870f42 }

for (let byte = 0; byte < 256; byte++) {
  let low = byte
  let high = 0
  for (let bit = 0; bit < 8; bit++) {
    const odd = low & 1
    low = ((low >>> 1) | (high << 31)) >>> 0
    high >>>= 1
    if (odd === 1) {
      low = (low ^ polynomial.low) >>> 0
      high = (high ^ polynomial.high) >>> 0
    }
  }
  tablesLow[0]![byte] = low
  tablesHigh[0]![byte] = high
}
for (let slice = 1; slice < 8; slice++) {
  for (let byte = 0; byte < 256; byte++) {
    const low = tablesLow[slice - 1]![byte]!
    const high = tablesHigh[slice - 1]![byte]!
    tablesLow[slice]![byte] = (((low >>> 8) | (high << 24)) ^ tablesLow[0]![low & 0xff]!) >>> 0
    tablesHigh[slice]![byte] = ((high >>> 8) ^ tablesHigh[0]![low & 0xff]!) >>> 0
  }
}

export interface Crc64 {
  update(bytes: Uint8Array): void
  /** As a signed 64-bit number: the archive stores it as one. */
  value(): bigint
}

export function crc64(): Crc64 {
  const [l0, l1, l2, l3, l4, l5, l6, l7] = tablesLow as [Table, Table, Table, Table, Table, Table, Table, Table]
  const [h0, h1, h2, h3, h4, h5, h6, h7] = tablesHigh as [Table, Table, Table, Table, Table, Table, Table, Table]
  let low = 0xffffffff | 0
  let high = 0xffffffff | 0
  return {
    update(bytes) {
      const length = bytes.length
      let at = 0
      for (const whole = length - (length % 8); at < whole; at += 8) {
        const a = low ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
        const b = high ^ (bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24))
        const [a0, a1, a2, a3] = [a & 0xff, (a >>> 8) & 0xff, (a >>> 16) & 0xff, a >>> 24]
        const [b0, b1, b2, b3] = [b & 0xff, (b >>> 8) & 0xff, (b >>> 16) & 0xff, b >>> 24]
        low = l7[a0]! ^ l6[a1]! ^ l5[a2]! ^ l4[a3]! ^ l3[b0]! ^ l2[b1]! ^ l1[b2]! ^ l0[b3]!
        high = h7[a0]! ^ h6[a1]! ^ h5[a2]! ^ h4[a3]! ^ h3[b0]! ^ h2[b1]! ^ h1[b2]! ^ h0[b3]!
      }
      for (; at < length; at++) {
        const index = (low ^ bytes[at]!) & 0xff
        low = ((low >>> 8) | (high << 24)) ^ l0[index]!
        high = (high >>> 8) ^ h0[index]!
      }
    },
    value: () => BigInt.asIntN(64, (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0)),
  }
}

type Table = Uint32Array
