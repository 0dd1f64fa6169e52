import js from '@eslint/js'
import tseslint from 'typescript-eslint'

/**
 * The rooms of lib/, and what each may import: rooms, and single files of rooms. A room that stands in no
 * other room's list is known to the composition root alone (open-kernel.ts, verbs.ts).
 */
const ROOMS = {
  contract: [],
  kernel: ['contract'],
  'snapshot/system': ['contract', 'kernel'],
  snapshot: ['contract', 'kernel', 'snapshot/system'],
  change: ['contract', 'kernel'],
  inspect: ['contract', 'kernel', 'change/refusals', 'change/waiting'],
  explain: ['contract', 'kernel', 'snapshot/system', 'snapshot', 'inspect'],
  guard: ['contract', 'kernel', 'snapshot/system', 'snapshot', 'inspect'],
  plan: ['contract', 'kernel', 'change', 'inspect', 'explain', 'guard'],
  load: ['contract', 'kernel', 'change', 'inspect'],
  remove: ['contract', 'kernel', 'change', 'inspect'],
  trace: ['contract', 'kernel', 'change', 'inspect'],
  release: ['contract', 'kernel', 'change', 'explain'],
  watch: ['contract', 'kernel', 'change'],
  unload: ['contract', 'kernel', 'change', 'inspect', 'explain', 'plan', 'release'],
  reload: ['contract', 'kernel', 'change', 'plan', 'load', 'unload'],
  scope: ['contract', 'kernel', 'change', 'plan', 'load', 'unload'],
  reap: ['contract', 'kernel', 'change', 'explain', 'guard', 'plan', 'unload'],
  graph: ['contract', 'kernel', 'inspect', 'explain', 'plan'],
  capture: ['contract', 'kernel', 'snapshot/system', 'change', 'captured'],
  live: ['contract', 'kernel', 'snapshot/system', 'snapshot'],
  captured: ['contract', 'kernel', 'snapshot/system', 'snapshot'],
  // node-kmod/libkmod, an entry of its own; nothing else imports it.
  libkmod: ['contract', 'kernel', 'change', 'live'],
  // Besides the faces of the package, index.ts, graph/index.ts and vm/index.ts: the kinds of effects and
  // releases, which the faces have as types only, and what makes text printable.
  cli: ['contract/options', 'contract/printable'],
  // node-kmod/testing: a third kernel, in memory, and the face of the package over it.
  testing: ['contract', 'kernel', 'snapshot/system', 'snapshot'],
  // node-kmod/vm.
  vm: ['contract', 'change/waiting'],
}

/** These rooms use the package as its users do: they import its face. */
const ROOMS_OF_USERS = ['cli', 'testing']

/**
 * Only these rooms touch the system; everything else asks the Kernel. `capture` and `cli` write the folder or
 * file that their caller gives.
 */
const SYSTEM_ROOMS = ['live', 'captured', 'capture', 'cli', 'vm']
const SYSTEM_MODULES = ['fs', 'fs/promises', 'child_process', 'net']
const SYSTEM = {
  regex: `^node:(${SYSTEM_MODULES.join('|')})$`,
  message:
    'Only lib/live, lib/captured, lib/capture, lib/cli and lib/vm may touch the system: ask the Kernel instead.',
}

/** Whether an import of one room leads into another one that it may not know. */
function forbiddenRooms(room) {
  const allowed = new Set([room, ...ROOMS[room]])
  const patterns = Object.keys(ROOMS)
    .filter((other) => !allowed.has(other))
    .map((other) => {
      // Seen from lib/snapshot, snapshot/system is ./system.
      const inside = other.startsWith(`${room}/`) ? other.slice(room.length + 1) : null
      const parts = [...allowed].filter((name) => name.startsWith(`${other}/`))
      const names = parts.map((name) => name.slice(other.length + 1)).join('|')
      const rest = parts.length === 0 ? '' : `(?!/(${names})(/|$))`
      return {
        regex: inside === null ? `^(\\.\\./)+${other}${rest}/` : `^\\./${inside}/`,
        message: `lib/${room} may import ${ROOMS[room].map((name) => `lib/${name}`).join(', ') || 'no other room'}, not lib/${other}.`,
      }
    })
  // A room never imports what stands around the rooms; those of users import index.ts only.
  const face = ROOMS_OF_USERS.includes(room) ? '' : 'index|'
  patterns.push({
    regex: `^(\\.\\./)+(${face}kmod|verbs|open-kernel)$`,
    message: `lib/${room} may not import this file.`,
  })
  if (room === 'snapshot/system') {
    patterns.push({
      regex: '^\\.\\./[^.]',
      message: 'lib/snapshot/system may not import lib/snapshot.',
    })
  }
  return SYSTEM_ROOMS.includes(room) ? patterns : [...patterns, SYSTEM]
}

const roomRules = Object.keys(ROOMS).map((room) => ({
  files: [`lib/${room}/**/*.ts`],
  ignores: Object.keys(ROOMS)
    .filter((other) => other.startsWith(`${room}/`))
    .map((other) => `lib/${other}/**/*.ts`),
  rules: { 'no-restricted-imports': ['error', { patterns: forbiddenRooms(room) }] },
}))

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'build-*/', 'coverage/', 'site/', 'node_modules/'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/explicit-function-return-type': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A rejected promise carries what a caller's signal or callback gave, whatever that is.
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
    },
  },
  ...roomRules,
  {
    files: ['lib/index.ts', 'lib/kmod.ts', 'lib/verbs.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^\\./(live|captured)/',
              message: 'Only open-kernel.ts knows which kernel it is.',
            },
            SYSTEM,
          ],
        },
      ],
    },
  },
  {
    files: ['lib/**/*.ts'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/explicit-function-return-type': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/prefer-nullish-coalescing': 'off',
      '@typescript-eslint/restrict-plus-operands': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      globals: {
        require: 'readonly',
        module: 'readonly',
        process: 'readonly',
        console: 'readonly',
        __dirname: 'readonly',
        setTimeout: 'readonly',
        AbortController: 'readonly',
      },
    },
    rules: {
      '@typescript-eslint/no-require-imports': 'off',
      '@typescript-eslint/explicit-function-return-type': 'off',
    },
  },
  {
    // Tests for Jest in JavaScript.
    files: ['examples/**/*.test.js'],
    languageOptions: {
      globals: {
        test: 'readonly',
        expect: 'readonly',
        beforeEach: 'readonly',
        afterEach: 'readonly',
      },
    },
  },
)
