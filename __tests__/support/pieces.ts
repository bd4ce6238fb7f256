/** Numbers from 0 up to 1 that look random and are the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    // Mulberry32 (https://gist.github.com/tommyettinger/46a874533244883189143505d203312c).
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function* inPieces(bytes: Uint8Array, size: () => number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + Math.max(1, Math.floor(size()))
    // A copy, so that whoever keeps a piece and not its bytes is found out.
    yield new Uint8Array(bytes.subarray(at, end))
    at = end
  }
}

/** Ways in which the same bytes may arrive: whole, byte by byte, and cut at places that look random. */
export function splits(
  bytes: Uint8Array,
): readonly { readonly name: string; readonly pieces: () => Iterable<Uint8Array> }[] {
  const random = [1, 2, 3, 4, 5].map(seed => {
    const next = seeded(seed)
    return {
      name: `cut at random places (seed ${seed})`,
      pieces: () => inPieces(bytes, () => 1 + next() * Math.min(40, bytes.length / 3)),
    }
  })
  return [
    { name: 'in one piece', pieces: () => [bytes] },
    { name: 'byte by byte', pieces: () => inPieces(bytes, () => 1) },
    ...random,
  ]
}
