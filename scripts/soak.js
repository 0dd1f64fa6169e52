'use strict'
/** `npm run test:soak [ROUNDS]`: random rounds of load, plan and unload on each kernel; default 200. */
const { run, setUp } = require('./setup')

setUp(['vm', 'modules'])
process.env.KMOD_ROUNDS = process.argv[2] ?? '200'
run('npx', ['tsx', 'test/vm/ring.ts', '--project', 'every-kernel', 'test/vm/every-kernel/rounds'])
