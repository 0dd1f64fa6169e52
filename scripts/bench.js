'use strict'
/** `npm run bench`: prints all measurements in one table, as ratios to their baselines. */
const { run, setUp } = require('./setup')

setUp(['vm', 'modules', 'bench'])
run('npx', ['tsx', 'bench/run.ts'])
