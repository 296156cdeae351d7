import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { App, HttpBackend, TerraformStack } from 'cdktf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CitadelError, manifestDigest, type HostManifest } from '../../../../lib/manifest/index.js';
import { bindHostByExec } from '../../../../lib/terraform/binding/exec/index.js';

type Json = Record<string, Record<string, Record<string, Record<string, unknown>>>>;

const web = (content: string): HostManifest => ({
  version: 1,
  host: 'web',
  files: { '/etc/motd': { content, owner: 'root', group: 'root', mode: '0644' } },
});

describe('bindHostByExec', () => {
  let outdir: string;
  const folder = () => join(outdir, 'stacks/web');
  const synth = (
    manifest: () => HostManifest,
    nonce?: string,
    before: (stack: TerraformStack) => void = () => undefined,
  ): Json => {
    const app = new App({ outdir });
    const stack = new TerraformStack(app, 'web');
    before(stack);
    bindHostByExec(
      stack,
      { host: 'web', target: { root: '/r' }, manifest },
      nonce === undefined ? {} : { nonce },
    );
    app.synth();
    return JSON.parse(readFileSync(join(folder(), 'cdk.tf.json'), 'utf8')) as Json;
  };
  const exec = () => join(folder(), 'exec/web');

  beforeEach(() => {
    outdir = mkdtempSync(join(tmpdir(), 'citadel-exec-'));
  });
  afterEach(() => rmSync(outdir, { recursive: true, force: true }));

  it('is made of resources of hashicorp/local and hashicorp/null, and of nothing else', () => {
    const json = synth(() => web('hello\n'));
    expect(json['terraform']?.['required_providers']).toEqual({
      local: { source: 'hashicorp/local', version: '2.6.1' },
      // Without a namespace: HashiCorp's.
      null: { source: 'null', version: '3.2.4' },
    });
    expect(Object.keys(json['provider'] ?? {})).toEqual(['local', 'null']);
    expect(Object.keys(json['resource'] ?? {})).toEqual(['local_file', 'null_resource']);
    const copies = json['resource']?.['local_file'] ?? {};
    expect(Object.keys(copies)).toEqual(['web']);
    expect(copies['web']).toMatchObject({
      filename: join(relative(folder(), process.cwd()), '.citadel/hosts/web.json'),
      content: expect.stringContaining('"hello"') as unknown,
      file_permission: '0644',
    });
  });

  it('runs the program without a shell, with words that are fixed and files that are there', () => {
    const manifest = web('${x}');
    const { web: apply, web_removal: removal } = synth(() => manifest)['resource']?.['null_resource'] ?? {};
    expect(apply).toMatchObject({ triggers: { manifest: manifestDigest(manifest) } });
    expect(removal).toMatchObject({ triggers: { host: 'web' } });
    const calls = [apply, removal].map(
      (it) => (it?.['provisioner'] as Record<string, Record<string, unknown>>[])[0]?.['local-exec'],
    );
    for (const call of calls) {
      const [node, program, ...words] = call?.['interpreter'] as string[];
      const at = (path: string): string => join(folder(), call?.['working_dir'] as string, path);
      expect(node).toBe('node');
      expect(existsSync(at(program ?? ''))).toBe(true);
      expect(words).toEqual(['apply', '--manifest', expect.any(String), '--yes']);
      expect(call?.['command']).toBe('web');
      const { CITADEL_INVENTORY, CITADEL_TARGETS } = call?.['environment'] as Record<string, string>;
      expect(CITADEL_TARGETS).toBe('');
      expect(JSON.parse(readFileSync(at(CITADEL_INVENTORY ?? ''), 'utf8'))).toMatchObject({
        hosts: { web: { root: '/r' } },
      });
    }
    const documents = calls.map((call) => {
      const path = (call?.['interpreter'] as string[])[4] ?? '';
      return JSON.parse(
        readFileSync(join(folder(), call?.['working_dir'] as string, path), 'utf8'),
      ) as unknown;
    });
    expect(documents).toEqual([manifest, { version: 1, host: 'web' }]);
    expect(calls.map((call) => call?.['when'])).toEqual(['create', 'destroy']);
  });

  it('triggers on the document and the nonce, and keeps one manifest', () => {
    const triggers = (json: Json) => json['resource']?.['null_resource']?.['web']?.['triggers'];
    const first = triggers(synth(() => web('1')));
    const moved: HostManifest = { ...web('1'), origins: { 'files//etc/motd': 'elsewhere' } };
    expect(triggers(synth(() => moved))).toEqual(first);
    expect(triggers(synth(() => web('2')))).not.toEqual(first);
    expect(triggers(synth(() => web('1'), '${now}'))).toEqual({ ...(first as object), nonce: '$${now}' });
    expect(readdirSync(exec()).sort()).toEqual([
      'inventory.json',
      `manifest-${manifestDigest(web('1')).slice(0, 16)}.json`,
      'nothing.json',
    ]);
  });

  it('keeps its state apart from the provider’s, or where the stack wants it', () => {
    const path = (json: Json) => json['terraform']?.['backend'];
    expect(JSON.stringify(path(synth(() => web(''))))).toContain('terraform.web.exec.tfstate');
    const elsewhere = (stack: TerraformStack): void => {
      new HttpBackend(stack, { address: 'http://127.0.0.1/s' });
    };
    expect(path(synth(() => web(''), undefined, elsewhere))).toEqual({
      http: { address: 'http://127.0.0.1/s' },
    });
  });

  it('reports what is wrong with a manifest, and writes nothing for it', () => {
    const problem = { code: 'x', path: 'web/a', got: 'a is wrong', fix: 'Do so' };
    expect(() =>
      synth(() => {
        throw new CitadelError(problem);
      }),
    ).toThrow('[web/a] a is wrong. Do so.');
    expect(existsSync(exec())).toBe(false);
  });
});
