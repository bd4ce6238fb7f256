import { createCipheriv } from 'node:crypto'
import { Binary, Decimal128, type Document, Double, Int32, Long, ObjectId } from 'mongodb'

/** The `n`th id of a kind; fixed, so that two seeds are equal. */
export const id = (kind: number, n: number): ObjectId =>
  new ObjectId(kind.toString(16).padStart(8, '0') + n.toString(16).padStart(16, '0'))

const minute = 60_000
export const at = (n: number): Date => new Date(Date.UTC(2026, 0, 1) + n * minute)

/** `length` bytes that look random and do not compress, the same every time. */
export const noise = (length: number): Buffer =>
  createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(length))

const pick = <T>(values: readonly T[], n: number): T => values[n % values.length]!
const names = ['Thandiwe', 'Sipho', 'Zoë', 'José', '美咲', 'Олена', 'Amina', 'Björn']
const words = ['basket', 'woven', 'river', 'clay', 'copper', 'blanket', 'lantern', 'honey', 'cedar', 'indigo', 'salt']

/** `count` words, chosen by `n`. */
const prose = (n: number, count: number): string =>
  Array.from({ length: count }, (_, i) => pick(words, n * 7 + i * (1 + (n % 5)))).join(' ')

export const user = (n: number): Document => ({
  _id: id(1, n),
  email: `user${n}@ngwenya.example`,
  name: `${pick(names, n)} ${n}`,
  status: n % 40 === 0 ? 'locked' : 'active',
  ...(n % 3 === 0 && { phone: `+27 82 ${String(n).padStart(7, '0')}` }),
  address: {
    lines: [`${n} Long Street`, null, 'Cape Town'],
    location: { type: 'Point', coordinates: [18.4 + (n % 100) / 1000, -33.9 - (n % 77) / 1000] },
  },
  balance: Decimal128.fromString(`${n}.${String(n % 100).padStart(2, '0')}`),
  points: Long.fromNumber(n).multiply(1_000_000_007),
  created: at(n),
  preferences: {
    newsletter: n % 2 === 0,
    theme: pick(['dark', 'light', null], n),
    sizes: [new Int32(n % 50), new Double(n % 50)],
  },
})

export const product = (n: number): Document => ({
  _id: id(2, n),
  sku: `NGW-${n}`,
  name: prose(n, 3),
  description: prose(n + 1, 150),
  price: Decimal128.fromString(`${(n * 37) % 5000}.99`),
  attributes: { colour: pick(words, n), weight: new Double(n / 8), [`made-in-${n % 5}`]: true },
  thumbnail: new Binary(noise(300 + (n % 200))),
})

export const order = (n: number): Document => ({
  _id: id(3, n),
  number: Long.fromNumber(100_000 + n),
  customer: id(1, n % 15_000),
  placed: at(n * 5),
  state: pick(['open', 'paid', 'shipped', 'returned'], n),
  items: Array.from({ length: 1 + (n % 6) }, (_, i) => ({
    product: id(2, (n * 13 + i) % 5000),
    quantity: new Int32(1 + ((n + i) % 9)),
    price: Decimal128.fromString(`${(n * 37 + i) % 5000}.99`),
    note: i === 0 ? prose(n, 8) : null,
  })),
})

export const event = (n: number): Document => ({
  _id: `${String(n % 997).padStart(3, '0')}/${n}`,
  kind: pick(['view', 'search', 'basket', 'checkout'], n),
  user: id(1, n % 15_000),
  at: at(n),
  expires: new Date(Date.UTC(2199, 0, 1) + n * minute),
  query: n % 4 === 1 ? prose(n, 4) : undefined,
})

export const measurement = (n: number): Document => ({
  _id: id(4, n),
  at: at(n),
  sensor: { warehouse: n % 4, shelf: `s${n % 12}` },
  temperature: new Double(18 + (n % 90) / 10),
  humidity: new Int32(40 + (n % 30)),
})
