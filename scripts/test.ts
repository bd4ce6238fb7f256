/**
 * Runs the tests: builds the bundle that the end-to-end tests run, gets the rig's parts, runs every test file, and
 * ends with the line `N passed, N failed`. Arguments are paths of test files; without any, all are run.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const root = join(import.meta.dirname, '..')
process.chdir(root)

// All but PostgreSQL 15, which only some machines can have and no test asks for by name.
const parts = ['postgres16', 'postgres17', 'postgres18', 'mongod', 'mongo-tools', 'versitygw']
for (const command of [['scripts/build.ts'], ['scripts/rig/setup.ts', ...parts]]) {
  const { status } = spawnSync(process.execPath, command, { stdio: 'inherit' })
  if (status !== 0) {
    console.error(`${command[0]} failed`)
    console.log('0 passed, 1 failed')
    process.exit(1)
  }
}

const chosen = process.argv.slice(2)
const files = chosen.length > 0 ? chosen : globSync('__tests__/**/*.test.ts').toSorted()
// Two at a time: most of a test's time is its servers' time.
const events = run({ files, concurrency: 2, timeout: 15 * 60_000 })
const counts = { passed: 0, failed: 0, skipped: 0 }
events.on('test:summary', ({ file, counts: of }) => {
  if (file !== undefined) return
  counts.passed = of.passed
  counts.skipped = of.skipped + of.todo
  counts.failed = of.tests - of.passed - of.skipped - of.todo
})
const output = events.compose(spec)
output.pipe(process.stdout, { end: false })
await finished(output)

// Where a part is missing a test may skip itself, never in CI.
const isCi = process.env.CI === 'true'
if (isCi) counts.failed += counts.skipped
if (counts.passed === 0) counts.failed ||= 1
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
console.log(`${counts.passed} passed, ${counts.failed} failed${isCi ? '' : skipped}`)
process.exit(counts.failed === 0 ? 0 : 1)
