import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const REPOSITORY = new URL('../..', import.meta.url).pathname;
const CONFIG = `import { defineSite } from 'citadel-iac';
import { base } from 'citadel-iac/roles/base';
import { Notice } from './lib/notice.js';

export default defineSite({
  roles: [base],
  inventory: 'inventory.yaml',
  build: ({ members }) => {
    for (const { host } of members) new Notice(host, 'notice');
  },
});
`;
const NOTICE = `import { HostFile } from 'citadel-iac';
import { Construct } from 'constructs';

export class Notice extends Construct {
  constructor(scope, id) {
    super(scope, id);
    new HostFile(this, 'file', { path: '/etc/motd', content: 'x\\n' });
  }
}
`;
const INVENTORY = `operator: { addresses: [10.0.0.1] }
hosts: { web: { address: 10.0.0.5 } }
`;

/** A site of a few lines, of which a mistake in its own code is told with its place: it is none of this program's. */
let site: string;
const write = (path: string, text: string): void => writeFileSync(join(site, path), text);
beforeEach(() => {
  site = mkdtempSync(join(tmpdir(), 'citadel-site-'));
  for (const folder of ['lib', 'node_modules']) mkdirSync(join(site, folder));
  symlinkSync(REPOSITORY, join(site, 'node_modules/citadel-iac'));
  symlinkSync(join(REPOSITORY, 'node_modules/constructs'), join(site, 'node_modules/constructs'));
  write('package.json', '{ "type": "module" }');
  write('citadel.config.ts', CONFIG);
  write('lib/notice.ts', NOTICE);
  write('inventory.yaml', INVENTORY);
});
afterEach(() => rmSync(site, { recursive: true }));

function render(env: NodeJS.ProcessEnv = {}): { status: number | null; stderr: string } {
  return spawnSync(process.execPath, [join(REPOSITORY, 'bin/citadel-iac.mjs'), 'render'], {
    cwd: site,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
}

const OWN =
  'It is the code of this site that fails: correct it there. CITADEL_DEBUG=1 shows the whole stack.';

describe('a mistake in the code of a site', () => {
  it.each([
    [
      'an exception while hosts are built',
      'lib/notice.ts',
      NOTICE.replace("path: '/etc/motd'", 'path: scope.nothing.there'),
      `[lib/notice.ts:7:54] Cannot read properties of undefined (reading 'there'). ${OWN}`,
    ],
    [
      'an exception in something of Node that it calls',
      'lib/notice.ts',
      NOTICE.replace('super(scope, id);', "super(scope, JSON.parse('{'));"),
      /^\[lib\/notice\.ts:6:23\] .*JSON.*\. It is the code of this site that fails/,
    ],
    [
      'an exception in its configuration',
      'citadel.config.ts',
      `throw new Error('not today');\n${CONFIG}`,
      `[citadel.config.ts:1:7] not today. ${OWN}`,
    ],
    [
      'a file that is no TypeScript',
      'lib/notice.ts',
      `${NOTICE}const x = ;\n`,
      '[lib/notice.ts:10:10] Unexpected ";". Correct it there.',
    ],
    [
      'a package that is not installed',
      'lib/notice.ts',
      `import 'left-pad';\n${NOTICE}`,
      '[lib/notice.ts] imports "left-pad", which is not there. Run "npm install", or correct the import there.',
    ],
    [
      'a file of its own that is not there',
      'citadel.config.ts',
      CONFIG.replace('notice.js', 'notices.js'),
      '[citadel.config.ts] imports "lib/notices.js", which is not there. Correct the import there.',
    ],
    [
      'a name that a package does not have',
      'lib/notice.ts',
      NOTICE.replace('{ HostFile }', '{ HostFiles as HostFile }'),
      /^\[lib\/notice\.ts:1\] .*'HostFiles'/,
    ],
    [
      'something else than a host where one belongs',
      'lib/notice.ts',
      NOTICE.replace('new HostFile(this,', 'new HostFile(7,'),
      /^\[lib\/notice\.ts:7:5\] .* What is called there fails: look whether the call is as documented/,
    ],
  ])('is told with its place: %s', (_what, path, text, said) => {
    write(path, text);
    const { status, stderr } = render();
    expect(stderr).toMatch(said instanceof RegExp ? said : '');
    if (typeof said === 'string') expect(stderr).toBe(`${said}\n`);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(1);
  });

  it('is told by what cdktf starts as well', () => {
    write(
      'main.ts',
      "import { synthesize } from 'citadel-iac/terraform';\nimport site from './citadel.config.js';\nawait synthesize(site);\n",
    );
    write('lib/notice.ts', NOTICE.replace("path: '/etc/motd'", 'path: scope.nothing.there'));
    const tsx = join(REPOSITORY, 'node_modules/tsx/dist/esm/index.mjs');
    const { status, stderr } = spawnSync(process.execPath, ['--import', tsx, 'main.ts'], {
      cwd: site,
      encoding: 'utf8',
    });
    expect(stderr).toMatch(/^\[lib\/notice\.ts:7:54\] Cannot read [^\n]*\n$/);
    expect(status).toBe(1);
  });

  it('shows its stack on request, and no site without one is wrong', () => {
    expect(render()).toMatchObject({ status: 0, stderr: '' });
    write('citadel.config.ts', `throw new Error('not today');\n${CONFIG}`);
    expect(render({ CITADEL_DEBUG: '1' }).stderr).toContain('\n    at ');
  });
});
