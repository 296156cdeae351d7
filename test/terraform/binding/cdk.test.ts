import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { Project } from '../support/project.js';
import { cleanEnv, REPOSITORY, run } from '../support/terraform.js';

const web: HostManifest = {
  version: 1,
  host: 'web',
  files: {
    '/etc/app.conf': { content: '${TF} %{x} é\n', owner: 'root', group: 'root', mode: '0644' },
  },
};

/** In the metadata; it is all that may differ. */
const VERSION = /(?<=^ {6}"version": ")0\.\d+\.\d+(?="$)/m;

/** CDK Terrain in cdktf's place. CI runs this with everything else: a new version of either that differs is noticed. */
describe('CDK Terrain', { timeout: 300_000 }, () => {
  let project: Project;
  beforeEach(() => (project = new Project()));
  afterEach(() => project.dispose());

  it.each(['provider', 'exec'])(
    'synthesises what cdktf does, but for its version in the metadata: binding %s',
    async (binding) => {
      const made = new Map<string, string>();
      for (const cdk of ['cdktf', 'cdktn']) {
        await project.synth('a', web, { CITADEL_CDK: cdk, CITADEL_BINDING: binding });
        const file = join(REPOSITORY, 'node_modules', cdk, 'package.json');
        const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
        const { json } = project;
        expect(json['//']?.['metadata']?.['version']).toBe(version);
        made.set(cdk, JSON.stringify(json).replace(`"version":"${version}"`, '"version":""'));
      }
      expect(made.get('cdktn')).toBe(made.get('cdktf'));
      expect(made.get('cdktn')).toContain(binding === 'exec' ? 'local-exec' : 'citadel_host');
    },
  );

  it('synthesises this project’s own hosts alike', async () => {
    const made = new Map<string, string[]>();
    for (const cdk of ['cdktf', 'cdktn']) {
      const outdir = join(project.folder, 'cdktf.out');
      const done = await run(process.execPath, ['--import', 'tsx', 'stacks/main.ts'], {
        cwd: REPOSITORY,
        env: {
          ...cleanEnv(),
          CITADEL_CDK: cdk,
          CITADEL_BINDING: 'exec',
          CITADEL_INVENTORY: '',
          CITADEL_TARGETS: '',
          CDKTF_OUTDIR: outdir,
        },
        seconds: 140,
      });
      expect(done).toEqual({ status: 0, output: '' });
      const texts = ['ai-node', 'dev-ops'].map((stack) => {
        const text = readFileSync(join(outdir, 'stacks', stack, 'cdk.tf.json'), 'utf8').replace(VERSION, '');
        // The two write an empty object differently; order and everything else is kept.
        return JSON.stringify(JSON.parse(text));
      });
      made.set(cdk, texts);
    }
    expect(made.get('cdktn')).toEqual(made.get('cdktf'));
    expect(made.get('cdktn')?.[1]).toMatch(/"filename":"[./]+\/\.citadel\/hosts\/dev-ops\.json"/);
  });

  it('plans and applies in Terraform', async () => {
    await project.synth('a', web, { CITADEL_CDK: 'cdktn' });
    const init = await project.terraform('init', '-input=false');
    expect(init.status, init.output).toBe(0);
    const plan = await project.terraform('plan', '-detailed-exitcode');
    expect(plan.status, plan.output).toBe(2);
    const apply = await project.terraform('apply', '-auto-approve');
    expect(apply.output).toContain('1 added');
    expect(readFileSync(join(project.root('a'), 'etc/app.conf'), 'utf8')).toBe('${TF} %{x} é\n');
    // The same state, the other library: nothing to do.
    await project.synth('a', web, { CITADEL_CDK: 'cdktf' });
    const still = await project.terraform('plan', '-detailed-exitcode');
    expect(still.status, still.output).toBe(0);
  });

  it('says what is wrong with the choice, without a stack trace', async () => {
    const made = await run(process.execPath, ['--import', 'tsx', 'stacks/main.ts'], {
      cwd: REPOSITORY,
      env: { ...cleanEnv(), CITADEL_CDK: 'pulumi', CITADEL_INVENTORY: '', CITADEL_TARGETS: '' },
    });
    expect(made).toEqual({
      status: 1,
      output: '[CITADEL_CDK] is "pulumi". Say "cdktf" or "cdktn", or leave it out for "cdktf".\n',
    });
  });

  /*
   * `tofu` here is a DOUBLE: a script that writes down how it was called and becomes terraform. It shows that cdktf and what
   * we synthesise take a program of another name; it shows nothing of OpenTofu itself, which is not installed.
   */
  it('is driven by cdktf’s command line, by a key in cdktf.json, with a program of another name', async () => {
    await project.synth('a', web);
    const context = { cdk: 'cdktn' };
    writeFileSync(
      join(project.folder, 'cdktf.json'),
      JSON.stringify({
        language: 'typescript',
        app: 'node --import tsx main.ts',
        sendCrashReports: 'false',
        context,
      }),
    );
    const bin = join(project.folder, 'bin');
    mkdirSync(bin);
    const double = `#!/bin/sh\nprintf '%s\\n' "$*" >>'${bin}/calls'\nexec terraform "$@"\n`;
    writeFileSync(join(bin, 'tofu'), double);
    chmodSync(join(bin, 'tofu'), 0o755);
    const deploy = await run(
      join(REPOSITORY, 'node_modules/.bin/cdktf'),
      ['deploy', '--auto-approve', 'web'],
      {
        cwd: project.folder,
        env: {
          ...cleanEnv(),
          TF_CLI_ARGS: '',
          HTTPS_PROXY: 'http://127.0.0.1:9',
          PATH: `${bin}:${process.env['PATH'] ?? ''}`,
          TERRAFORM_BINARY_NAME: 'tofu',
        },
        seconds: 280,
      },
    );
    expect(deploy.status, deploy.output).toBe(0);
    expect(deploy.output).toContain('Apply complete! Resources: 1 added');
    expect(existsSync(join(project.root('a'), 'etc/app.conf'))).toBe(true);
    expect(readFileSync(join(bin, 'calls'), 'utf8')).toMatch(/^apply /m);
    expect(project.json['//']?.['metadata']?.['version']).not.toBe('0.21.0');
  });
});
