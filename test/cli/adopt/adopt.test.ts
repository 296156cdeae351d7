import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Change } from '../../../lib/engine/model.js';
import type { HostPlan } from '../../../lib/engine/model.js';
import type { App } from '../../../lib/cli/shell.js';
import type { Inventory } from '../../../lib/inventory/index.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { call, down } from '../call.js';
import { observed, PIN, planOf, type ShellScript } from '../doubles.js';

const owned = { owner: 'root', group: 'root', mode: '0644' };
const CONF = '/etc/app.conf';
const INVENTORY = `# fleet
hosts:
  alpha: { address: 10.0.0.1, ssh: { user: agent0, hostKeys: [${PIN}] } } # first
  beta: { address: 10.0.0.2, ssh: { user: root, hostKeys: [] } }
thresholds:
  cpuPercent: { warning: 80, critical: 95 } # measured
secrets: { password: { env: PASSWORD } }
`;

/** alpha has a file with thresholds, beta one with another line of them. */
function manifestsOf({ thresholds }: Inventory): HostManifest[] {
  const { cpuPercent, queueLength, diskPercent } = thresholds;
  const text = `# made\ncpu ${cpuPercent.warning} ${cpuPercent.critical}\nqueue=${queueLength}\ndisk ${diskPercent.warning}%\ndisk again ${diskPercent.warning}\n`;
  return [
    {
      version: 1,
      host: 'alpha',
      files: {
        [CONF]: { ...owned, content: text },
        '/etc/secret.conf': { ...owned, mode: '0600', content: 'p=@@secret:password@@\nx\n' },
      },
      origins: { [`files/${CONF}`]: 'alpha/app/conf' },
    },
    { version: 1, host: 'beta', files: { '/etc/cpu': { ...owned, content: `${cpuPercent.warning}\n` } } },
  ];
}
const app: App = { buildHosts: manifestsOf };
const RENDERED = '# made\ncpu 80 95\nqueue=10\ndisk 80%\ndisk again 80\n';

interface Drift {
  readonly path?: string;
  readonly live: string | Buffer;
  readonly cause?: Change['cause'];
  readonly mode?: string;
  readonly app?: App;
}

/** A run of adopt on alpha, where a file was edited by hand. */
async function adopt(drift: Drift, line = 'adopt alpha', more: Partial<ShellScript> = {}) {
  const { path = CONF, live, cause = 'drift', mode = '0644' } = drift;
  const content = manifestsOf({
    thresholds: {
      cpuPercent: { warning: 80, critical: 95 },
      queueLength: 10,
      diskPercent: { warning: 80, critical: 90 },
    },
  } as Inventory)[0]!;
  const plan: HostPlan = planOf('alpha', {
    manifest: content,
    observed: observed({ contents: new Map([[path, Buffer.from(live)]]) }),
    contents: new Map([[path, Buffer.from(content.files![path]!.content ?? '')]]),
    secrets: new Map([['password', Buffer.from('correct-horse')]]),
    changes: [
      {
        section: 'files',
        key: path,
        action: 'update',
        cause,
        before: { type: 'file', ...owned, mode },
        after: { type: 'file', ...owned },
        diff: `--- ${path}\n+++ ${path}\n@@ -1 +1 @@\n-SHOWN\n+x\n`,
        origin: 'alpha/app/conf',
      },
    ],
  });
  return call(line, {
    app: drift.app ?? app,
    inventory: INVENTORY,
    ...more,
    engine: { plans: { alpha: plan }, ...more.engine },
  });
}

describe('citadel-iac adopt', () => {
  it('finds nothing where nothing was changed by hand', async () => {
    const { code, printed, engineDouble } = await call('adopt', { app, inventory: INVENTORY });
    expect(code).toBe(0);
    expect(printed).toEqual({
      out: '# alpha: nothing was changed by hand.\n#\n# beta: nothing was changed by hand.\n#\n# Nothing to adopt.\n',
      err: '',
    });
    expect(engineDouble.calls.filter((each) => each.startsWith('apply'))).toEqual([]);
  });

  it('takes what only the project has changed for none', async () => {
    const { code } = await adopt({ live: RENDERED.replace('cpu 80', 'cpu 70'), cause: 'config' });
    expect(code).toBe(0);
  });

  it('offers a value of the inventory, and says what else it changes', async () => {
    const { code, printed } = await adopt({ live: RENDERED.replace('cpu 80', 'cpu 70') });
    expect(code).toBe(2);
    expect(printed.out).toBe(`# alpha
#
#   ~ files /etc/app.conf  (drift)
#       → inv.yaml: thresholds.cpuPercent.warning: 80 → 70
#       which also changes beta files /etc/cpu
#
# 1 hand-made change: 1 taken over by a patch to 1 file, 0 only described.
diff --git a/inv.yaml b/inv.yaml
--- a/inv.yaml
+++ b/inv.yaml
@@ -3,5 +3,5 @@
   alpha: { address: 10.0.0.1, ssh: { user: agent0, hostKeys: [${PIN}] } } # first
   beta: { address: 10.0.0.2, ssh: { user: root, hostKeys: [] } }
 thresholds:
-  cpuPercent: { warning: 80, critical: 95 } # measured
+  cpuPercent: { warning: 70, critical: 95 } # measured
 secrets: { password: { env: PASSWORD } }
`);
  });

  it('offers a value that the inventory does not have yet, and several at once', async () => {
    const live = RENDERED.replace('cpu 80 95', 'cpu 70 90').replace('queue=10', 'queue=25');
    const { printed } = await adopt({ live });
    expect(printed.out).toContain('thresholds.cpuPercent.warning: 80 → 70');
    expect(printed.out).toContain(
      '+  cpuPercent: { warning: 70, critical: 90 } # measured\n+  queueLength: 25\n',
    );
  });

  it('only describes an edit that no value makes exactly', async () => {
    const { code, printed } = await adopt({ live: RENDERED.replace('disk 80%', 'disk 75%') });
    expect(code).toBe(2);
    expect(printed.out).toContain(
      '#       not taken over: thresholds.diskPercent.warning: 80 → 75 makes this edit, and changes more of the same file\n',
    );
    expect(printed.out).not.toContain('diff --git');
    const other = await adopt({ live: `${RENDERED}more\n` });
    expect(other.printed.out).toContain(
      'not taken over: its text is made by code, and no values of the inventory make exactly this edit\n' +
        '#       → "citadel-iac apply alpha" takes it back. To keep it, change what makes it in the code of alpha/app/conf.\n',
    );
  });

  it('only describes what would make an inventory that is refused', async () => {
    const { printed } = await adopt({ live: RENDERED.replace('cpu 80', 'cpu 700') });
    expect(printed.out).toContain('no values of the inventory make exactly this edit; ');
    expect(printed.out).not.toContain('diff --git');
  });

  it('takes nothing of a file with secrets', async () => {
    const { printed } = await adopt({ path: '/etc/secret.conf', live: 'p=correct-horse\ny\n' });
    expect(printed.out).toContain(
      'not taken over: it holds secrets, and nothing of such a file is taken over',
    );
    expect(printed.out + printed.err).not.toContain('correct-horse');
  });

  it.each([
    ['the value of a secret', 'key correct-horse', 'the edit holds the value of a secret'],
    [
      'it in base64',
      `key ${Buffer.from('correct-horse').toString('base64')}`,
      'the edit holds the value of a secret',
    ],
    ['that of another host', 'key other-battery', 'the edit holds the value of a secret'],
    ['what looks like a password', 'password: hunter22', 'the edit looks as if it held a credential'],
    ['an account in an address', 'http://bob:hunter22@x', 'the edit looks as if it held a credential'],
  ])('neither takes nor shows %s', async (_name, line, why) => {
    const engine = { secrets: { values: [Buffer.from('other-battery')], unknown: [] } };
    for (const format of ['', ' --json', ' --write --yes']) {
      const { code, printed } = await adopt({ live: `${RENDERED}${line}\n` }, `adopt alpha${format}`, {
        engine,
      });
      expect(code).toBe(2);
      expect(printed.out).toContain(why);
      expect(printed.out).not.toMatch(/SHOWN|correct|battery|hunter|diff --git/);
    }
  });

  it('says which secrets it could not look for', async () => {
    const engine = { secrets: { values: [], unknown: ['password'] } };
    const { printed } = await adopt({ live: `${RENDERED}x\n` }, 'adopt alpha', { engine });
    expect(printed.err).toContain('The secret password cannot be read here');
  });

  it.each([
    ['a reference to a secret', 'x=@@secret:password@@\n', 'which the project would take for a secret'],
    ['bytes that are no text', Buffer.from([0x61, 0xff, 0x0a]), 'it is not text, or too large'],
    ['a NUL', 'a\0b\n', 'it is not text, or too large'],
  ])('does not take %s', async (_name, live, why) => {
    const { printed } = await adopt({ live });
    expect(printed.out).toContain(why);
    expect(printed.out).not.toContain('diff --git');
  });

  it('describes a mode next to a text that is taken over', async () => {
    const { printed } = await adopt({ live: RENDERED.replace('=10', '=11'), mode: '0600' });
    expect(printed.out).toContain('#       mode 0600 → 0644\n');
    expect(printed.out).toContain(
      '2 hand-made changes: 1 taken over by a patch to 1 file, 1 only described.',
    );
  });

  it('carries an edit over to what the project has become since', async () => {
    const last: HostManifest = {
      version: 1,
      host: 'alpha',
      files: { [CONF]: { ...owned, content: RENDERED.replace('disk again 80', 'disk again 85') } },
    };
    const live = RENDERED.replace('disk again 80', 'disk again 85').replace('cpu 80', 'cpu 70');
    const engine = { manifests: { 4: last } };
    const { printed } = await adopt({ live, cause: 'both' }, 'adopt alpha', { engine });
    expect(printed.out).toContain('thresholds.cpuPercent.warning: 80 → 70');
    const clash = RENDERED.replace('disk again 80', 'disk again 86');
    const other = await adopt({ live: clash, cause: 'both' }, 'adopt alpha', { engine });
    expect(other.printed.out).toContain('the project has changed the same lines since the last apply');
  });

  it('is data as JSON', async () => {
    const { code, printed } = await adopt(
      { live: RENDERED.replace('cpu 80', 'cpu 70') },
      'adopt alpha --json',
    );
    expect(code).toBe(2);
    expect(JSON.parse(printed.out)).toMatchObject({
      hosts: {
        alpha: {
          adopted: [
            {
              section: 'files',
              key: CONF,
              cause: 'drift',
              into: [
                { inventory: 'inv.yaml', path: ['thresholds', 'cpuPercent', 'warning'], from: 80, to: 70 },
              ],
              alsoChanges: [{ host: 'beta', section: 'files', key: '/etc/cpu' }],
            },
          ],
          described: [],
        },
      },
      patches: [{ patch: expect.stringMatching(/^diff --git a\/inv\.yaml /) as string }],
    });
  });

  it('writes a value that comes from a group for the host alone', async () => {
    const inventory = INVENTORY.replace('alpha: { ', 'alpha: { groups: [old], ')
      .replace('beta: { ', 'beta: { groups: [old], ')
      .concat('groups: { old: { generations: { keep: 20 } } }\n');
    const keeping: App = {
      buildHosts: ({ hosts }) =>
        Object.entries(hosts).map(([host, { generations }]) => ({
          version: 1,
          host,
          files: { [CONF]: { ...owned, content: `keep ${String(generations?.keep)}\n` } },
        })),
    };
    const [live, made] = ['keep 30\n', 'keep 20\n'];
    const plan = planOf('alpha', {
      manifest: { version: 1, host: 'alpha', files: { [CONF]: { ...owned, content: made } } },
      observed: observed({ contents: new Map([[CONF, Buffer.from(live)]]) }),
      contents: new Map([[CONF, Buffer.from(made)]]),
      changes: [
        {
          section: 'files',
          key: CONF,
          action: 'update',
          cause: 'drift',
          before: { type: 'file', ...owned },
          after: { type: 'file', ...owned },
          diff: `--- ${CONF}\n+++ ${CONF}\n@@ -1 +1 @@\n-keep 30\n+keep 20\n`,
          origin: 'alpha/app/conf',
        },
      ],
    });
    const { printed } = await call('adopt alpha', {
      app: keeping,
      inventory,
      engine: { plans: { alpha: plan } },
    });
    expect(printed.out).toContain('→ inv.yaml: hosts.alpha.generations.keep: 20 → 30\n');
    expect(printed.out).toMatch(/^\+ {2}alpha: .* generations: \{ keep: 30 \} \} # first$/m);
    expect(printed.out).not.toContain('which also changes');
  });

  describe('--write', () => {
    const live = RENDERED.replace('cpu 80', 'cpu 70');
    const folder = () => temporaryFolder('citadel-adopt-');
    const inventory = (cwd: string) => readFileSync(join(cwd, 'inv.yaml'), 'utf8');

    it('asks, and writes', async () => {
      const cwd = folder();
      const { code, printed, questions } = await adopt({ live }, 'adopt alpha --write', {
        cwd,
        answer: true,
      });
      expect(code).toBe(0);
      expect(questions).toEqual(['Write inv.yaml?']);
      expect(printed.err).toContain('Written: inv.yaml.');
      expect(inventory(cwd)).toBe(INVENTORY.replace('warning: 80', 'warning: 70'));
    });

    it('writes nothing after a no, and nothing where no one can be asked', async () => {
      const cwd = folder();
      expect((await adopt({ live }, 'adopt alpha --write', { cwd, answer: false })).code).toBe(1);
      const { code, printed } = await adopt({ live }, 'adopt alpha --write', { cwd });
      expect(code).toBe(1);
      expect(printed.err).toContain('there is no one to ask');
      expect(inventory(cwd)).toBe(INVENTORY);
    });

    it('writes nothing to a file that has changed since it was read', async () => {
      const cwd = folder();
      const changed = `${INVENTORY}# meanwhile\n`;
      const slow: App = {
        buildHosts: (given) => {
          if (given.thresholds.cpuPercent.warning === 70) writeFileSync(join(cwd, 'inv.yaml'), changed);
          return manifestsOf(given);
        },
      };
      const { code, printed } = await adopt({ live, app: slow }, 'adopt alpha --write --yes', { cwd });
      expect(code).toBe(1);
      expect(printed.err).toContain(
        '[inv.yaml] was changed while you looked at the patch; nothing was written. Run the command again.',
      );
      expect(inventory(cwd)).toBe(changed);
    });

    it('says what was written as JSON', async () => {
      const { code, printed } = await adopt({ live }, 'adopt alpha --write --yes --json');
      expect(code).toBe(0);
      expect(JSON.parse(printed.out)).toMatchObject({ written: ['inv.yaml'] });
    });
  });

  it('shows control characters of an edit to a terminal as text', async () => {
    const esc: App = {
      buildHosts: (inventory) =>
        manifestsOf(inventory).map((manifest) =>
          manifest.host === 'alpha'
            ? {
                ...manifest,
                files: { [CONF]: { ...owned, content: `# made\n${inventory.operator.addresses[0]}\n` } },
              }
            : manifest,
        ),
    };
    const { printed } = await adopt({ live: '\u001b[2J\n', app: esc }, 'adopt alpha', { terminal: true });
    expect(printed.out).not.toContain('\u001b');
  });

  it('says which host could not be read, and fails', async () => {
    const { code, printed } = await call('adopt', {
      app,
      inventory: INVENTORY,
      engine: { plans: { beta: down } },
    });
    expect(code).toBe(1);
    expect(printed.out).toContain('# beta: could not be read.\n');
    expect((await call('adopt nobody', { app, inventory: INVENTORY })).code).toBe(1);
  });
});
