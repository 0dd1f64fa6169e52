import js from '@eslint/js'
import tseslint from 'typescript-eslint'

/**
 * The folders of lib/, and the folders that each may import. A folder that is in no other folder's
 * list is imported only by the files directly in lib/, such as open-kernel.ts and verbs.ts.
 */
const FOLDERS = {
  contract: [],
  kernel: ['contract'],
  'snapshot/system': ['contract', 'kernel'],
  snapshot: ['contract', 'kernel', 'snapshot/system'],
  change: ['contract', 'kernel'],
  // Of change/ only waiting.ts and refusals.ts.
  inspect: ['contract', 'kernel', 'change'],
  explain: ['contract', 'kernel', 'snapshot/system', 'snapshot', 'inspect'],
  guard: ['contract', 'kernel', 'snapshot/system', 'snapshot', 'inspect'],
  plan: ['contract', 'kernel', 'change', 'inspect', 'explain', 'guard'],
  load: ['contract', 'kernel', 'change', 'inspect'],
  remove: ['contract', 'kernel', 'change', 'inspect'],
  trace: ['contract', 'kernel', 'change', 'inspect'],
  unload: ['contract', 'kernel', 'change', 'inspect', 'explain', 'plan'],
  live: ['contract', 'kernel', 'snapshot/system', 'snapshot'],
  captured: ['contract', 'kernel', 'snapshot/system', 'snapshot'],
}

/** Only these folders access the system; all other code uses the interface Kernel. */
const SYSTEM_FOLDERS = ['live', 'captured']
const SYSTEM_MODULES = ['fs', 'fs/promises', 'child_process', 'net']
const SYSTEM = {
  regex: `^node:(${SYSTEM_MODULES.join('|')})$`,
  message:
    'Only lib/live and lib/captured may access the system: use the interface Kernel instead.',
}

/** The patterns of the imports that a folder may not have. */
function forbiddenImports(folder) {
  const allowed = new Set([folder, ...FOLDERS[folder]])
  const isTop = (name) => !name.includes('/')
  const patterns = Object.keys(FOLDERS)
    .filter((other) => !allowed.has(other))
    .map((other) => {
      // Files in lib/snapshot import snapshot/system as ./system.
      const inside = other.startsWith(`${folder}/`) ? other.slice(folder.length + 1) : null
      const rest = isTop(other) && allowed.has(`${other}/system`) ? '(?!/system/)' : ''
      return {
        regex: inside === null ? `^(\\.\\./)+${other}${rest}/` : `^\\./${inside}/`,
        message: `lib/${folder} may import ${FOLDERS[folder].map((name) => `lib/${name}`).join(', ') || 'no other folder'}, not lib/${other}.`,
      }
    })
  // A folder never imports the files directly in lib/.
  patterns.push({
    regex: '^(\\.\\./)+(index|kmod|verbs|open-kernel)$',
    message: `lib/${folder} may not import the public interface of the package.`,
  })
  if (folder === 'snapshot/system') {
    patterns.push({
      regex: '^\\.\\./[^.]',
      message: 'lib/snapshot/system may not import lib/snapshot.',
    })
  }
  return SYSTEM_FOLDERS.includes(folder) ? patterns : [...patterns, SYSTEM]
}

const folderRules = Object.keys(FOLDERS).map((folder) => ({
  files: [`lib/${folder}/**/*.ts`],
  ignores: Object.keys(FOLDERS)
    .filter((other) => other.startsWith(`${folder}/`))
    .map((other) => `lib/${other}/**/*.ts`),
  rules: { 'no-restricted-imports': ['error', { patterns: forbiddenImports(folder) }] },
}))

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'build-*/', 'coverage/', 'node_modules/'] },
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
      // A promise may reject with the reason of a caller's signal, which can be any value.
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
    },
  },
  ...folderRules,
  {
    files: ['lib/index.ts', 'lib/kmod.ts', 'lib/verbs.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^\\./(live|captured)/',
              message: 'Only open-kernel.ts may import lib/live and lib/captured.',
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
)
