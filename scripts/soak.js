'use strict'
/**
 * `npm run test:soak [ROUNDS]`: random rounds of load, plan and unload on each kernel, without and with
 * faults; default 200. Options of `npm run test:vm` can follow, such as --kernel 6.1.
 */
const { run, setUp } = require('./setup')

setUp(['vm', 'modules'])
const [rounds = '200', ...options] = process.argv.slice(2)
process.env.KMOD_ROUNDS = rounds
// One seed for all kernels. A failure prints it.
process.env.KMOD_SEED ??= String(Date.now() % 2 ** 31)
const projects = ['--project', 'every-kernel', '--project', 'soak']
const files = ['test/vm/every-kernel/long/rounds', 'test/vm/soak']
run('npx', ['tsx', 'test/vm/ring.ts', ...projects, ...options, ...files])
