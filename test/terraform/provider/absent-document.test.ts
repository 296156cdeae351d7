import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { encodeDocument } from '../../../lib/terraform/document.js';
import { Workspace, type Outcome } from '../support/terraform.js';

const root = { owner: 'root', group: 'root' };
const web: HostManifest = {
  version: 1,
  host: 'web',
  files: { '/etc/a.conf': { content: 'a\n', ...root, mode: '0644' } },
};

/** What may stand where a document should, and what Terraform then says. */
const WRONG: readonly (readonly [string, string | null, RegExp])[] = [
  ['null', null, /\[web\] document: is null/],
  ['an empty text', '', /\[web\] document: is not JSON/],
  ['white space', '  \n', /\[web\] document: is not JSON/],
  ['the text "null"', 'null', /null is not right/],
  ['an empty object', '{}', /host: is missing/],
  ['a list', '[]', /expected object, received array/],
  ['a number', '7', /expected object, received number/],
  ['a text in quotes', '"web"', /expected object, received string/],
  ['sections that are null', '{"version":1,"host":"web","files":null}', /files: null is not right/],
  ['a document of no host', '{"version":1,"host":null}', /host: null is not right/],
  ['no document at all', 'name: web', /\[web\] document: is not JSON/],
  ['a document of another host', '{"version":1,"host":"db"}', /is "web", but the document is for "db"/],
];

describe('a host whose document is absent', { timeout: 180_000 }, () => {
  let workspace: Workspace;
  const onHost = (path: string): string => join(workspace.root, path);
  const generations = (): boolean => existsSync(onHost('/var/lib/citadel-iac/generations/2'));
  const untouched = (): void => {
    expect(readFileSync(onHost('/etc/a.conf'), 'utf8')).toBe('a\n');
    expect(generations()).toBe(false);
  };
  const flat = (outcome: Outcome): string => outcome.output.replace(/\n[│|]? */g, ' ');

  /** @param resource attributes of the host; @param more other top-level blocks */
  const write = (resource: object, more: object = {}, provider: object = {}): void =>
    workspace.writeJson('main.tf.json', {
      terraform: { required_providers: { citadel: { source: 'registry.citadel.internal/ops/citadel' } } },
      provider: { citadel: { host: 'web', root: workspace.root, ...provider } },
      resource: { citadel_host: { host: { name: 'web', ...resource } } },
      ...more,
    });
  const withVariable = (resource: object): void =>
    write(resource, { variable: { it: { type: 'string', default: null } } });
  /** A value that is known only once `source` was applied, and then is `value`. */
  const fromOutput = (value: string | null, source = 'a'): void =>
    workspace.writeJson('main.tf.json', {
      terraform: { required_providers: { citadel: { source: 'registry.citadel.internal/ops/citadel' } } },
      provider: { citadel: { host: 'web', root: workspace.root } },
      resource: {
        terraform_data: { source: { input: { value, source } } },
        citadel_host: { host: { name: 'web', document: '${terraform_data.source.output.value}' } },
      },
    });

  beforeEach(async () => {
    workspace = Workspace.create();
    for (const folder of ['etc', 'var/lib']) mkdirSync(onHost(folder), { recursive: true });
    workspace.write(web);
    const init = await workspace.terraform('init', '-input=false');
    expect(init.output).toContain('successfully initialized');
    expect((await workspace.terraform('apply', '-auto-approve')).output).toContain('1 added');
  });
  afterEach(() => workspace.dispose());

  it('is refused when a variable holds no document, by the plan and by the apply', async () => {
    withVariable({ document: '${var.it}' });
    for (const [name, value, message] of WRONG) {
      workspace.writeJson('terraform.tfvars.json', { it: value });
      const plan = await workspace.terraform('plan');
      expect(plan.status, name).toBe(1);
      expect(flat(plan), name).toMatch(message);
      untouched();
    }
    for (const value of [null, '', '{}']) {
      workspace.writeJson('terraform.tfvars.json', { it: value });
      expect((await workspace.terraform('apply', '-auto-approve')).status).toBe(1);
      untouched();
    }
  });

  it('is refused by validate when it is null there, with the attribute and what to do', async () => {
    write({ document: null });
    const validate = await workspace.terraform('validate', '-json');
    const { diagnostics } = JSON.parse(validate.output) as {
      diagnostics: { summary: string; detail: string; snippet: { code: string } }[];
    };
    // Terraform itself takes an explicit null in JSON for an argument that is missing.
    expect(diagnostics).toHaveLength(1);
    workspace.writeJson('main.tf.json', {});
    rmSync(join(workspace.folder, 'main.tf.json'));
    writeFileSync(
      join(workspace.folder, 'main.tf'),
      `terraform {
        required_providers { citadel = { source = "registry.citadel.internal/ops/citadel" } }
      }
      provider "citadel" {
        host = "web"
        root = ${JSON.stringify(workspace.root)}
      }
      resource "citadel_host" "host" {
        name     = null
        document = null
      }
      `,
    );
    const native = await workspace.terraform('validate', '-json');
    expect(native.status).toBe(1);
    const found = (JSON.parse(native.output) as { diagnostics: typeof diagnostics }).diagnostics;
    expect(found.map((it) => [it.summary, it.snippet.code.trim()])).toEqual([
      ['[provider] document: is null', 'document = null'],
      ['[provider] name: is null', 'name     = null'],
    ]);
    expect(found[0]?.detail).toContain('destroy the resource');
    const plan = await workspace.terraform('plan');
    expect(plan.status).toBe(1);
    untouched();
  });

  it('is refused when the name is null', async () => {
    withVariable({ name: '${var.it}', document: encodeDocument(web) });
    const plan = await workspace.terraform('plan');
    expect(plan.status).toBe(1);
    expect(plan.output).toContain('name: is null');
    untouched();
  });

  it('is refused when Terraform wrote it by itself for an import', async () => {
    rmSync(join(workspace.folder, 'terraform.tfstate'));
    workspace.writeJson('main.tf.json', {
      terraform: { required_providers: { citadel: { source: 'registry.citadel.internal/ops/citadel' } } },
      provider: { citadel: { host: 'web', root: workspace.root } },
      import: { to: 'citadel_host.host', id: 'web' },
    });
    const adopt = await workspace.terraform('plan', '-generate-config-out=generated.tf', '-out=saved');
    expect(readFileSync(join(workspace.folder, 'generated.tf'), 'utf8')).toMatch(
      /document += null # sensitive/,
    );
    expect(adopt.status, adopt.output).toBe(1);
    expect(adopt.output).toContain('[web] document: is null');
    expect((await workspace.terraform('apply', 'saved')).status).toBe(1);
    for (const command of [['plan'], ['apply', '-auto-approve']]) {
      const again = await workspace.terraform(...command);
      expect(again.status).toBe(1);
      expect(flat(again)).toContain('citadel-iac render --json web > web.json');
    }
    untouched();

    // What the message says to do.
    const generated = readFileSync(join(workspace.folder, 'generated.tf'), 'utf8');
    writeFileSync(
      join(workspace.folder, 'generated.tf'),
      generated.replace(/document += null.*/, 'document = file("web.json")'),
    );
    workspace.writeJson('web.json', web);
    const right = await workspace.terraform('apply', '-auto-approve');
    expect(right.output).toContain('1 imported, 0 added');
    expect((await workspace.terraform('plan', '-detailed-exitcode')).status).toBe(0);
    untouched();
  });

  it.each([
    ['null', null, /document: is null/],
    ['empty', '', /is not JSON/],
    ['no object', 'null', /null is not right/],
    ["another host's", '{"version":1,"host":"db"}', /the document is for "db"/],
  ] as const)('is refused when it is unknown at plan and %s at apply', async (_name, value, message) => {
    fromOutput(value);
    const plan = await workspace.terraform('plan', '-out=saved');
    expect(plan.status, plan.output).toBe(0);
    const apply = await workspace.terraform('apply', 'saved');
    expect(apply.status).toBe(1);
    expect(flat(apply)).toMatch(message);
    untouched();
  });

  it('is refused before a host is replaced, when it is null or not known yet', async () => {
    withVariable({ document: '${var.it}' });
    const nothing = await workspace.terraform('apply', '-auto-approve', '-replace=citadel_host.host');
    expect(nothing.output).toContain('[web] document: is null');
    fromOutput(null);
    const replaced = await workspace.terraform('apply', '-auto-approve', '-replace=citadel_host.host');
    expect(replaced.status).toBe(1);
    expect(flat(replaced)).toContain('[web] document: is known only after an apply');
    await workspace.terraform('taint', 'citadel_host.host');
    const tainted = await workspace.terraform('apply', '-auto-approve');
    expect(tainted.status).toBe(1);
    expect(flat(tainted)).toContain('[web] document: is known only after an apply');
    untouched();
  });

  it('is refused when the provider block does not name its host', async () => {
    const block = (host: string | null): void => {
      workspace.writeJson('terraform.tfvars.json', { it: host });
      write(
        { document: encodeDocument(web) },
        { variable: { it: { type: 'string', default: null } } },
        { host: '${var.it}' },
      );
    };
    for (const host of [null, '']) {
      block(host);
      for (const command of [['plan'], ['destroy', '-auto-approve']]) {
        const refused = await workspace.terraform(...command);
        expect(refused.status).toBe(1);
        expect(refused.output).toContain('[provider] host: is null or empty');
      }
    }
    untouched();
  });

  it('empties no other host than that of the state', async () => {
    const db = { ...web, host: 'db' };
    workspace.writeJson('main.tf.json', {
      terraform: { required_providers: { citadel: { source: 'registry.citadel.internal/ops/citadel' } } },
      provider: { citadel: { host: 'db', root: workspace.root } },
      resource: { citadel_host: { other: { name: 'db', document: encodeDocument(db) } } },
    });
    const refused = await workspace.terraform('apply', '-auto-approve');
    expect(refused.status).toBe(1);
    expect(flat(refused)).toContain('[web] name: is "web" in the state, but the provider is for "db"');
    untouched();
  });

  it('leaves a host as it was made that is made again before the old one is destroyed', async () => {
    write({ document: encodeDocument(web), lifecycle: { create_before_destroy: true } });
    await workspace.terraform('taint', 'citadel_host.host');
    const apply = await workspace.terraform('apply', '-auto-approve');
    expect(apply.output).toContain('1 added, 0 changed, 1 destroyed');
    untouched();
    expect((await workspace.terraform('plan', '-detailed-exitcode')).status).toBe(0);
  });

  it('is emptied by a destroy, and by a document without items, and both say so', async () => {
    workspace.write({ version: 1, host: 'web' });
    const empty = await workspace.terraform('plan');
    expect(empty.status).toBe(0);
    const said = 'THIS EMPTIES THE HOST: nothing is declared for it';
    expect(flat(empty)).toMatch(new RegExp(`What to know about this plan.* - ${said}`, 's'));
    expect(flat(await workspace.terraform('plan', '-destroy'))).toContain(said);
    workspace.write(web);
    await workspace.terraform('taint', 'citadel_host.host');
    expect(flat(await workspace.terraform('plan'))).toContain(
      'THIS EMPTIES THE HOST FIRST and then makes it again',
    );
    untouched();
    expect((await workspace.terraform('destroy', '-auto-approve')).output).toContain('1 destroyed');
    expect(existsSync(onHost('/etc/a.conf'))).toBe(false);
  });
});
