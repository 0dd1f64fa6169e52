'use strict'
/**
 * `npm run test:ansible [JEST ARGUMENTS]`: all tests of the Ansible collection, also those of
 * `test/fleet/long/`, which `npm test` does not run.
 */
const { run, setUp } = require('./setup')

setUp(['vm', 'fleet'])
process.env.KMOD_LONG = '1'
const jest = ['node_modules/jest/bin/jest.js', '--selectProjects', 'fleet', '--ci', '--runInBand']
run(process.execPath, [...jest, ...process.argv.slice(2)])
