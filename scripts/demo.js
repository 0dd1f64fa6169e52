'use strict'
/** `npm run demo`: runs examples/walk.mjs on a real kernel, in a virtual machine. */
const { join } = require('node:path')
const { run, setUp } = require('./setup')

setUp(['vm'])
run('npx', [
  'tsx',
  join('tools', 'vm', 'cli.ts'),
  ...['--kernel', '6.12', '--deadline', '300', '--', process.execPath],
  join('examples', 'walk.mjs'),
])
