'use strict'
/** `npm run bench`: everything that is measured, as one table of ratios. */
const { run, setUp } = require('./setup')

setUp(['vm', 'modules', 'bench'])
run('npx', ['tsx', 'bench/run.ts'])
