/**
 * The rooms of docs/architecture.md, as rules: imports go downwards only, and there are no cycles.
 * `ROOMS` says, for each room, which others it may import; a room may always import itself.
 */
const ROOMS = {
  'lib/text': [],
  'lib/manifest': ['lib/text', 'lib/render'],
  'lib/ssh': ['lib/text'],
  'lib/render': ['lib/text'],
  'lib/inventory': ['lib/text', 'lib/manifest'],
  'lib/constructs': ['lib/text', 'lib/manifest', 'lib/inventory', 'lib/render'],
  'lib/engine': ['lib/text', 'lib/manifest', 'lib/ssh'],
  'lib/terraform': ['lib/text', 'lib/manifest', 'lib/engine'],
  'lib/site': ['lib/text', 'lib/manifest', 'lib/inventory', 'lib/constructs'],
  'lib/roles': ['lib/text', 'lib/manifest', 'lib/inventory', 'lib/render', 'lib/constructs', 'lib/site'],
  'lib/cli': [
    'lib/text',
    'lib/manifest',
    'lib/inventory',
    'lib/render',
    'lib/constructs',
    'lib/engine',
    'lib/ssh',
    'lib/terraform',
    'lib/site',
  ],
  // A site: it uses what the package offers, as any other does.
  stacks: ['lib/entry', 'citadel.config'],
  'citadel.config': ['lib/entry'],
  // What the package offers, by name.
  'lib/entry': [
    'lib/text',
    'lib/manifest',
    'lib/inventory',
    'lib/constructs',
    'lib/site',
    'lib/roles',
    'lib/terraform/binding',
  ],
};

const inside = (room) => `^${room}(/|\\.ts$|$)`;

const rooms = Object.entries(ROOMS).map(([room, allowed]) => ({
  name: `room-${room.replace('/', '-')}`,
  comment: `${room} may import ${allowed.length === 0 ? 'nothing of ours' : allowed.join(', ')}.`,
  severity: 'error',
  from: { path: inside(room) },
  to: {
    path: '^((lib|stacks|test|scripts|bench)/|citadel\\.config)',
    pathNot: [room, ...allowed].map(inside),
  },
}));

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Two modules that need each other are one module, or hide a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    ...rooms,
    {
      name: 'roles-apart',
      comment: 'Roles talk by the contributions of lib/site: no role imports another one.',
      severity: 'error',
      from: { path: '^lib/roles/([^/]+)/' },
      to: { path: '^lib/roles/', pathNot: '^lib/roles/$1/' },
    },
    {
      name: 'cdktf-stays-in-its-rooms',
      comment: 'cdktf is replaceable: only the app, the constructs and the binding know it.',
      severity: 'error',
      from: { pathNot: '^(stacks|lib/constructs|lib/roles|lib/site|lib/entry|lib/terraform/binding)/' },
      to: { path: '(^|/)node_modules/(cdktf|cdktf-cli|cdktn|@cdktf)/' },
    },
    {
      name: 'construct-tree-stays-in-its-rooms',
      comment: 'The construct tree ends where the manifest begins.',
      severity: 'error',
      from: { pathNot: '^(stacks|lib/constructs|lib/roles|lib/site|lib/entry|lib/terraform/binding)/' },
      to: { path: '(^|/)node_modules/constructs/' },
    },
    {
      name: 'binding-and-provider-apart',
      comment: 'Synthesis writes what starts the provider; it does not load it.',
      severity: 'error',
      from: { path: '^lib/terraform/binding/' },
      to: {
        path: '^lib/terraform/provider/(?!(launcher|schema|address)[^/]*\\.ts$)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'provider-knows-no-binding',
      comment: 'The provider starts in every Terraform command: nothing of synthesis belongs in it.',
      severity: 'error',
      from: { path: '^lib/terraform/provider/' },
      to: { path: '^lib/terraform/binding/' },
    },
    {
      name: 'product-knows-no-tests',
      comment: 'Doubles, the lab and the benchmarks drive the product; the product never names them.',
      severity: 'error',
      from: { path: '^(lib|stacks)/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    {
      name: 'no-unknown-packages',
      comment:
        'What is not in package.json may be gone tomorrow. dist/ holds the packages that it needs, so they are for development only.',
      severity: 'error',
      from: { path: '^(lib|stacks)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only', 'npm-dev'] },
    },
    {
      name: 'resolvable',
      comment: 'An import that resolves to nothing.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
  },
};
