#!/usr/bin/env node
function refuse(why) {
  console.error('db-backup: ' + why)
  process.exit(2)
}
if (process.platform === 'win32') {
  refuse('Windows is not supported. Run it on Linux or macOS, or in WSL.')
} else if (parseInt(process.versions.node, 10) < 24) {
  refuse('Node 24 or newer is needed, and this is Node ' + process.versions.node + '. Install it from https://nodejs.org')
} else {
  import('./main/index.js')
    .then(main => main.run())
    // Leaves once standard output has been written: a connection that is still being tried must not hold the exit.
    .then(code => process.stdout.write('', () => process.exit(code)))
}
