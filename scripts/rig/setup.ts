import { getPart, PartUnavailable } from './find.ts'
import { type PartName, partNames } from './parts.ts'

/** Gets parts of the rig in advance: `node scripts/rig/setup.ts [part…]`, all of them when none is named. */
const asked = process.argv.slice(2)
const unknown = asked.filter(name => !partNames.includes(name as PartName))
if (unknown.length > 0) {
  console.error(`rig: no part ${unknown.join(', ')}; there are ${partNames.join(', ')}`)
  process.exit(2)
}

const names = asked.length > 0 ? (asked as PartName[]) : partNames
await Promise.all(
  names.map(async name => {
    try {
      const { version, from, bin } = await getPart(name)
      console.log(`${name.padEnd(12)} ${version.padEnd(10)} ${from}${from === bin ? '' : ` in ${bin}`}`)
    } catch (error) {
      // Outside of CI the reason has been said, and tests that need the part are skipped.
      if (error instanceof PartUnavailable) return
      console.error(`rig: !!! ${(error as Error).message}`)
      process.exitCode = 1
    }
  }),
)
