import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cleanEnv, REPOSITORY, run, type Outcome } from '../support/terraform.js';

const CDKTF_JSON = {
  language: 'typescript',
  app: 'node --import tsx main.ts',
  projectId: '6d1b6c5e-5e3c-4f0a-9a41-0c9d1f6f2f10',
  sendCrashReports: 'false',
  terraformProviders: [],
  terraformModules: [],
};

const MAIN = `
import { App, TerraformStack } from 'cdktf';
import { bindHost } from '../lib/terraform/binding/index.js';

const app = new App();
for (const host of ['web', 'db']) {
  const stack = new TerraformStack(app, host);
  bindHost(stack, {
    host,
    target: { root: './hosts/' + host },
    secrets: { token: { env: 'APP_TOKEN' } },
    manifest: () => ({
      version: 1,
      host,
      files: {
        '/etc/app.conf': {
          content: host + ' \${TF} %{x} $\${y} "q" \\\\ \\u00e9 e\\u0301\\nsecond\\n',
          owner: 'root', group: 'root', mode: '0644',
        },
      },
    }),
  });
}
app.synth();
`;

/** A folder of the repository, so that its packages are found, as a project of its own. */
function project(): string {
  const folder = mkdtempSync(join(REPOSITORY, '.tmp-cdktf-'));
  writeFileSync(join(folder, 'cdktf.json'), JSON.stringify(CDKTF_JSON));
  writeFileSync(join(folder, 'main.ts'), MAIN);
  for (const host of ['web', 'db']) {
    for (const path of ['etc', 'var/lib']) mkdirSync(join(folder, 'hosts', host, path), { recursive: true });
  }
  return folder;
}

function withoutColour(text: string): string {
  // eslint-disable-next-line no-control-regex -- colours are control characters
  return text.replace(/\u001b\[[0-9;]*m/g, '');
}

describe('a cdktf app with plain commands, no registry and no network', { timeout: 600_000 }, () => {
  let folder: string;
  const cdktf = (...args: readonly string[]): Promise<Outcome> =>
    run(join(REPOSITORY, 'node_modules/.bin/cdktf'), args, {
      cwd: folder,
      // Whatever asked the network would fail at once.
      env: {
        ...cleanEnv(),
        TF_CLI_ARGS: '',
        HTTPS_PROXY: 'http://127.0.0.1:9',
        HTTP_PROXY: 'http://127.0.0.1:9',
      },
      seconds: 280,
    });

  beforeEach(() => {
    folder = project();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('deploys, shows drift, and destroys', async () => {
    const deploy = await cdktf('deploy', '--auto-approve', 'web', 'db');
    expect(deploy.status, deploy.output).toBe(0);
    expect(deploy.output).toContain('Apply complete! Resources: 1 added');
    const text = 'web ${TF} %{x} $${y} "q" \\ \u00e9 e\u0301\nsecond\n';
    expect(readFileSync(join(folder, 'hosts/web/etc/app.conf'), 'utf8')).toBe(text);
    expect(existsSync(join(folder, 'terraform.web.tfstate'))).toBe(true);

    writeFileSync(join(folder, 'hosts/web/etc/app.conf'), text.replace('second', '2nd'));
    const diff = await cdktf('diff', 'web');
    expect(withoutColour(diff.output)).toMatch(/\+ "-2nd",\s+\+ "\+second",/);
    const still = await cdktf('diff', 'db');
    expect(still.output).toContain('No changes');

    const destroy = await cdktf('destroy', '--auto-approve', 'web');
    expect(destroy.output).toContain('Destroy complete! Resources: 1 destroyed');
    expect(existsSync(join(folder, 'hosts/web/etc/app.conf'))).toBe(false);
  });

  it('synthesises the same bytes in two clones', async () => {
    await cdktf('synth');
    const first = readFileSync(join(folder, 'cdktf.out/stacks/web/cdk.tf.json'), 'utf8');
    const other = project();
    try {
      cpSync(join(folder, 'main.ts'), join(other, 'main.ts'));
      await run(join(REPOSITORY, 'node_modules/.bin/cdktf'), ['synth'], { cwd: other, seconds: 280 });
      expect(readFileSync(join(other, 'cdktf.out/stacks/web/cdk.tf.json'), 'utf8')).toBe(first);
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
    expect(first).not.toContain(REPOSITORY);
    expect(JSON.parse(first)).toMatchObject({
      '//': { metadata: { backend: 'local', stackName: 'web', version: '0.21.0' } },
      provider: { citadel: [{ hosts: { web: { document: 'documents/web.json', root: './hosts/web' } } }] },
      terraform: { backend: { local: { path: '../../../terraform.web.tfstate' } } },
    });
  });
});
