import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manifestDigest, type HostManifest } from '../../../lib/manifest/index.js';
import { encodeDocument } from '../../../lib/terraform/document.js';
import { Workspace, type Outcome } from '../support/terraform.js';

const root = { owner: 'root', group: 'root' };
const web: HostManifest = {
  version: 1,
  host: 'web',
  files: { '/etc/a.conf': { content: 'a\n', ...root, mode: '0644' } },
};

/** What may stand in the file of a document, and what Terraform then says. */
const WRONG: readonly (readonly [string, string | undefined, RegExp])[] = [
  ['no file', undefined, /documents\/web\.json cannot be read in \S+ \(ENOENT\)/],
  ['an empty file', '', /documents\/web\.json is not JSON/],
  ['the text "null"', 'null', /null is not right/],
  ['an empty object', '{}', /host: is missing/],
  ['a list', '[]', /expected object, received array/],
  ['sections that are null', '{"version":1,"host":"web","files":null}', /files: null is not right/],
  ['a document of another host', '{"version":1,"host":"db"}', /documents\/web\.json is for "db"/],
];

describe('a host whose document is absent', { timeout: 180_000 }, () => {
  let workspace: Workspace;
  const onHost = (path: string): string => join(workspace.root, path);
  const generations = (): boolean => existsSync(onHost('/var/lib/citadel-iac/generations/2'));
  const untouched = (): void => {
    expect(readFileSync(onHost('/etc/a.conf'), 'utf8')).toBe('a\n');
    expect(generations()).toBe(false);
  };
  const flat = (outcome: Outcome): string =>
    outcome.output.replace(/\n[│|]? */g, ' ').replace(/ {2}with citadel_host.*?\} {2}/g, ' ');
  const variable = { variable: { it: { type: 'string', default: null } } };
  const setVariable = (it: unknown): void => workspace.writeJson('terraform.tfvars.json', { it });
  /** A digest that is known only once `source` was applied, and then is `value`. */
  const fromOutput = (value: string | null): void => {
    const host = { name: 'web', digest: '${terraform_data.source.output.value}' };
    workspace.writeStack({ web: workspace.entry('web') }, host, {
      resource: { terraform_data: { source: { input: { value } } }, citadel_host: { host } },
    });
  };

  beforeEach(async () => {
    workspace = Workspace.create();
    for (const folder of ['etc', 'var/lib']) mkdirSync(onHost(folder), { recursive: true });
    workspace.write(web);
    const init = await workspace.terraform('init', '-input=false');
    expect(init.output).toContain('successfully initialized');
    expect((await workspace.terraform('apply', '-auto-approve')).output).toContain('1 added');
  });
  afterEach(() => workspace.dispose());

  it('is refused when its file holds none, by the plan and by the apply', async () => {
    for (const [name, text, message] of WRONG) {
      if (text === undefined) rmSync(join(workspace.folder, 'documents/web.json'));
      else workspace.writeDocument(text, 'web');
      const plan = await workspace.terraform('plan');
      expect(plan.status, name).toBe(1);
      expect(flat(plan), name).toMatch(message);
      untouched();
    }
    const apply = await workspace.terraform('apply', '-auto-approve');
    expect(apply.status).toBe(1);
    untouched();
  });

  it('is refused when the provider block names no file for it', async () => {
    workspace.writeStack(
      { web: workspace.entry('web', { document: '${var.it}' }) },
      { name: 'web' },
      variable,
    );
    for (const it of [null, '']) {
      setVariable(it);
      const plan = await workspace.terraform('plan');
      expect(plan.status).toBe(1);
      expect(flat(plan)).toContain('[web] hosts["web"].document: is null or empty');
      expect(flat(plan)).toContain('citadel-iac render --json web > web.json');
    }
    untouched();
  });

  it('is refused when the name is null, with the attribute and what to do', async () => {
    workspace.writeStack({ web: workspace.entry('web') }, { name: '${var.it}' }, variable);
    const plan = await workspace.terraform('plan', '-json');
    expect(plan.status).toBe(1);
    expect(plan.output).toContain('[provider] name: is null');
    expect(plan.output).toContain(String.raw`"code":"        \"name\": \"${'$'}{var.it}\""`);
    untouched();
  });

  it('is refused when it is not the one that the resource asks for', async () => {
    workspace.writeStack({ web: workspace.entry('web') }, { name: 'web', digest: 'b'.repeat(64) });
    const other = await workspace.terraform('plan');
    expect(other.status).toBe(1);
    expect(flat(other)).toContain(`has the digest ${manifestDigest(web)}, and the resource asks for bbb`);
    workspace.writeStack({ web: workspace.entry('web') }, { name: 'web', digest: 'latest' });
    expect(flat(await workspace.terraform('validate'))).toContain('[web] digest: is not the sha256');
    untouched();
  });

  it('is refused on a machine that has another one than the plan, or none', async () => {
    const next = { ...web, files: { '/etc/a.conf': { content: 'b\n', ...root, mode: '0644' } } };
    workspace.write(next);
    await workspace.terraform('plan', '-out=saved');
    workspace.write({ ...next, files: {} });
    const other = await workspace.terraform('apply', 'saved');
    expect(other.status).toBe(1);
    expect(flat(other)).toContain(`and the resource asks for ${manifestDigest(next)}`);
    workspace.write(next);
    await workspace.terraform('plan', '-out=saved');
    rmSync(join(workspace.folder, 'documents'), { recursive: true });
    const none = await workspace.terraform('apply', 'saved');
    expect(none.status).toBe(1);
    expect(flat(none)).toContain('documents/web.json cannot be read');
    expect(flat(none)).toContain('bring the folder "documents" of the stack along with the plan');
    untouched();
    workspace.write(next);
    await workspace.terraform('plan', '-out=saved');
    expect((await workspace.terraform('apply', 'saved')).output).toContain('1 changed');
    expect(readFileSync(onHost('/etc/a.conf'), 'utf8')).toBe('b\n');
  });

  it('is asked for by its digest in what Terraform writes by itself for an import', async () => {
    rmSync(join(workspace.folder, 'terraform.tfstate'));
    const { resource: _resource, ...stack } = JSON.parse(
      readFileSync(join(workspace.folder, 'main.tf.json'), 'utf8'),
    ) as Record<string, unknown>;
    workspace.writeJson('main.tf.json', { ...stack, import: { to: 'citadel_host.host', id: 'web' } });
    const adopt = await workspace.terraform('plan', '-generate-config-out=generated.tf');
    expect(adopt.status, adopt.output).toBe(0);
    expect(readFileSync(join(workspace.folder, 'generated.tf'), 'utf8')).toContain(manifestDigest(web));
    workspace.writeDocument('{"version":1,"host":"web"}', 'web');
    const refused = await workspace.terraform('apply', '-auto-approve');
    expect(refused.status).toBe(1);
    expect(flat(refused)).toContain(`and the resource asks for ${manifestDigest(web)}`);
    untouched();
    workspace.writeDocument(encodeDocument(web), 'web');
    const right = await workspace.terraform('apply', '-auto-approve');
    expect(right.output).toContain('1 imported, 0 added');
    expect((await workspace.terraform('plan', '-detailed-exitcode')).status).toBe(0);
    untouched();
  });

  it.each([
    ['no digest', 'null', /digest: is not the sha256/],
    ["another document's", 'c'.repeat(64), /and the resource asks for ccc/],
  ] as const)(
    'is refused when its digest is unknown at plan and %s at apply',
    async (_name, value, message) => {
      fromOutput(value);
      const plan = await workspace.terraform('plan', '-out=saved');
      expect(plan.status, plan.output).toBe(0);
      const apply = await workspace.terraform('apply', 'saved');
      expect(apply.status).toBe(1);
      expect(flat(apply)).toMatch(message);
      untouched();
    },
  );

  it('is refused before a host is replaced, when its file is not there or its digest not known yet', async () => {
    fromOutput(null);
    const replaced = await workspace.terraform('apply', '-auto-approve', '-replace=citadel_host.host');
    expect(replaced.status).toBe(1);
    expect(flat(replaced)).toContain('[web] digest: or the way to the host is known only after an apply');
    workspace.write(web);
    rmSync(join(workspace.folder, 'documents'), { recursive: true });
    await workspace.terraform('taint', 'citadel_host.host');
    const tainted = await workspace.terraform('apply', '-auto-approve');
    expect(tainted.status).toBe(1);
    expect(flat(tainted)).toContain('documents/web.json cannot be read');
    untouched();
  });

  it('is refused when the provider block has no host, or not this one', async () => {
    const list = { variable: { it: { type: 'map(object({ root = string }))', default: null } } };
    workspace.writeStack('${var.it}', { name: 'web' }, list);
    for (const command of [['plan'], ['destroy', '-auto-approve']]) {
      setVariable(null);
      expect((await workspace.terraform(...command)).output).toContain('[provider] hosts: is null');
      setVariable({ db: { root: workspace.root } });
      const refused = await workspace.terraform(...command);
      expect(refused.status).toBe(1);
      expect(flat(refused)).toContain(
        '[web] name: is "web", and the provider block has no host of that name (it has db)',
      );
    }
    untouched();
  });

  it('leaves a host as it was made that is made again before the old one is destroyed', async () => {
    workspace.writeStack(
      { web: workspace.entry('web') },
      { name: 'web', lifecycle: { create_before_destroy: true } },
    );
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
    expect(flat(empty)).toMatch(/\[web\] THIS EMPTIES THE HOST - 1 file removed/);
    workspace.write(web);
    expect(flat(await workspace.terraform('plan', '-destroy'))).toContain(
      '[web] THIS EMPTIES THE HOST - 1 file removed',
    );
    await workspace.terraform('taint', 'citadel_host.host');
    expect(flat(await workspace.terraform('plan'))).toMatch(
      /THIS EMPTIES THE HOST It is emptied FIRST and then made again.* - 1 file/,
    );
    untouched();
    // Terraform plans as ever before it destroys, which needs the document, unless it is told not to look.
    rmSync(join(workspace.folder, 'documents'), { recursive: true });
    expect((await workspace.terraform('destroy', '-auto-approve')).status).toBe(1);
    expect((await workspace.terraform('destroy', '-auto-approve', '-refresh=false')).output).toContain(
      '1 destroyed',
    );
    expect(existsSync(onHost('/etc/a.conf'))).toBe(false);
  });

  it('protected: Terraform refuses to destroy or replace it', async () => {
    workspace.writeStack(
      { web: workspace.entry('web') },
      { name: 'web', lifecycle: { prevent_destroy: true } },
    );
    for (const command of [
      ['destroy', '-auto-approve'],
      ['plan', '-replace=citadel_host.host'],
    ]) {
      const refused = await workspace.terraform(...command);
      expect(refused.status).toBe(1);
      expect(refused.output).toContain('Instance cannot be destroyed');
    }
    untouched();
  });
});
