'use strict'
/** `npm run bench -- OPTIONS`: prints all measurements, as ratios to their baselines. */
const { run, setUp } = require('./setup')

setUp(['vm', 'modules', 'bench'])
run('npx', ['tsx', 'bench/run.ts', ...process.argv.slice(2)])
