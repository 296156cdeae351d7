import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * The rules of CONTRIBUTING.md that a machine can keep. Everything under `lib/` and `stacks/` is a pure core
 * unless it stands in SHELLS: only shells open files, sockets and processes, read the environment, the clock
 * or randomness; a core receives those as parameters.
 */
const SHELLS = [
  // Connections, key files and the agent.
  'lib/ssh/**',
  // Offline roots, staging streams and the constant scripts that run on a host.
  'lib/engine/targets/**',
  'lib/engine/apply/**',
  'lib/engine/remote/**',
  'lib/engine/secrets/**',
  'lib/engine/repository.ts',
  'lib/engine/system.ts',
  // Files that a person writes, and the templates beside the code.
  'lib/inventory/check-rule-file.ts',
  'lib/inventory/load.ts',
  'lib/inventory/read-texts.ts',
  'lib/render/templates.ts',
  'lib/text/assets.ts',
  'lib/text/tool-version.ts',
  // Processes that somebody starts.
  'lib/cli/**',
  'lib/terraform/provider/**',
  'lib/terraform/binding/install*.ts',
  'lib/terraform/binding/exec/install*.ts',
  'lib/terraform/binding/cdk.ts',
  'lib/entry/terraform.ts',
  'stacks/inventory.ts',
];

/** Not part of the product: they drive it. */
const DRIVERS = ['test/**', 'bench/**', 'scripts/**', '*.ts', '*.js', '*.cjs'];

const IO_MODULES = [
  'fs',
  'fs/promises',
  'child_process',
  'net',
  'tls',
  'dgram',
  'http',
  'https',
  'http2',
  'os',
  'readline',
  'readline/promises',
  'worker_threads',
];

const SHELL_ADVICE = 'Only shells do this (SHELLS in eslint.config.js); a core takes it as a parameter.';

const noIo = {
  'no-restricted-imports': [
    'error',
    {
      paths: IO_MODULES.flatMap((name) => [name, `node:${name}`]).map((name) => ({
        name,
        message: SHELL_ADVICE,
        allowTypeImports: true,
      })),
    },
  ],
};

/** `no-restricted-syntax` does not merge between blocks, so each block lists all that it wants. */
const NOT_GENERATED = {
  selector: 'ExportAllDeclaration[source.value=/generated/]',
  message: 'Generated code is an implementation detail: export names, not everything.',
};
const NOT_AMBIENT = [
  {
    selector:
      "MemberExpression[object.name='process'][property.name=/^(env|argv|cwd|stdin|stdout|stderr|exit)$/]",
    message: `process.* is the outside world. ${SHELL_ADVICE}`,
  },
  {
    selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
    message: `The clock makes output differ from run to run. ${SHELL_ADVICE}`,
  },
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: `The clock makes output differ from run to run. ${SHELL_ADVICE}`,
  },
  {
    selector: "CallExpression[callee.object.name='performance'][callee.property.name='now']",
    message: `The clock makes output differ from run to run. ${SHELL_ADVICE}`,
  },
  {
    selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
    message: `Randomness makes output differ from run to run. ${SHELL_ADVICE}`,
  },
  {
    selector:
      'CallExpression[callee.name=/^(randomBytes|randomUUID|randomInt)$/], CallExpression[callee.property.name=/^(randomBytes|randomUUID|randomInt|getRandomValues)$/]',
    message: `Randomness makes output differ from run to run. ${SHELL_ADVICE}`,
  },
];
const NO_BARE_ERROR = {
  selector: "ThrowStatement > NewExpression[callee.name='Error']",
  message: 'Say where, what and how to mend it: throw a CitadelError with a code, a path and a fix.',
};

export default defineConfig([
  globalIgnores([
    'node_modules',
    '.tmp-*',
    'cdktf.out',
    'dist',
    'docs/api',
    'docs/.vitepress/dist',
    'docs/.vitepress/cache',
    'coverage',
    'rendered',
    'templates',
    '**/generated/**',
  ]),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // Numbers and booleans read well in messages; objects do not, and stay an error.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A leading underscore says "left out on purpose" (a member taken out by destructuring).
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // Constructs register themselves with their scope: `new HostFile(this, …)` is a statement.
      'no-new': 'off',
      '@typescript-eslint/no-extraneous-class': [
        'error',
        { allowStaticOnly: false, allowConstructorOnly: true },
      ],
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      'no-restricted-syntax': ['error', NOT_GENERATED],
    },
  },
  {
    files: ['lib/**/*.ts', 'stacks/**/*.ts'],
    ignores: SHELLS,
    rules: { ...noIo, 'no-restricted-syntax': ['error', NOT_GENERATED, ...NOT_AMBIENT] },
  },
  {
    files: [
      'lib/constructs/**/*.ts',
      'lib/roles/**/*.ts',
      'lib/site/**/*.ts',
      'lib/inventory/**/*.ts',
      'lib/manifest/**/*.ts',
      'stacks/**/*.ts',
    ],
    ignores: SHELLS,
    rules: { 'no-restricted-syntax': ['error', NOT_GENERATED, ...NOT_AMBIENT, NO_BARE_ERROR] },
  },
  {
    files: SHELLS.filter((glob) => glob.startsWith('lib/inventory')),
    rules: { 'no-restricted-syntax': ['error', NOT_GENERATED, NO_BARE_ERROR] },
  },
  {
    files: DRIVERS,
    rules: {
      // Tests reach into wire formats and parsed JSON; the product's own types stay strict.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // A case is a document with some of its keys taken out.
      '@typescript-eslint/no-dynamic-delete': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        module: 'writable',
        require: 'readonly',
        __dirname: 'readonly',
      },
    },
  },
]);
