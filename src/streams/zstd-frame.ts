/**
 * Finds where a zstd frame ends, from its headers alone (RFC 8878, 3.1.1): Node's decoder reads further frames on, or
 * drops what follows, as the chunks happen to be cut. Gives the number of bytes of each chunk that lie behind the end.
 */
export function behindZstdFrame(): (chunk: Uint8Array) => number {
  let header: number[] = []
  let part: 'frame' | 'block' | 'end' = 'frame'
  let toSkip = 0
  let checksumBytes = 0

  const readFrameHeader = (descriptor: number) => {
    const isSingleSegment = (descriptor & 0x20) !== 0
    const contentSizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6] as number
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 0x03] as number
    toSkip = (isSingleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes
    checksumBytes = (descriptor & 0x04) === 0 ? 0 : 4
    part = 'block'
  }
  const readBlockHeader = (bits: number) => {
    const isLast = (bits & 1) === 1
    // A run-length block is one byte, whatever size it says.
    const size = ((bits >>> 1) & 0x03) === 1 ? 1 : bits >>> 3
    toSkip = size + (isLast ? checksumBytes : 0)
    if (isLast) part = 'end'
  }

  return chunk => {
    for (let at = 0; at < chunk.length; ) {
      if (toSkip > 0) {
        const skipped = Math.min(toSkip, chunk.length - at)
        toSkip -= skipped
        at += skipped
        continue
      }
      if (part === 'end') return chunk.length - at
      header.push(chunk[at++] as number)
      // Four bytes of magic number stand before the descriptor; the decoder looks at them.
      if (part === 'frame' && header.length === 5) {
        readFrameHeader(header[4] as number)
        header = []
      } else if (part === 'block' && header.length === 3) {
        const [low = 0, middle = 0, high = 0] = header
        readBlockHeader(low | (middle << 8) | (high << 16))
        header = []
      }
    }
    return 0
  }
}
