/**
 * Where the documents of a whole mongodump archive lie, each from its first byte to behind its last: what the closing
 * blocks' checksums cover. Reads the framing for itself, as mongo-tools' `common/archive` describes it.
 */
export function documentRanges(archive: Buffer): readonly (readonly [from: number, to: number])[] {
  const ranges: [number, number][] = []
  let isPrelude = true
  let isHeader = false
  for (let at = 4; at < archive.length; ) {
    const size = archive.readInt32LE(at)
    if (size === -1) {
      isPrelude = false
      isHeader = true
      at += 4
      continue
    }
    if (!isPrelude && !isHeader) {
      const last = ranges.at(-1)
      if (last?.[1] === at) last[1] += size
      else ranges.push([at, at + size])
    }
    isHeader = false
    at += size
  }
  return ranges
}
