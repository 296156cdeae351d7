import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { manifestDigest, type HostManifest, type ManifestUnit } from '../../../lib/manifest/index.js';
import { encodeDocument } from '../../../lib/terraform/document.js';
import { faultPath, journalPath, readRecord } from '../support/engine-double.js';
import { cleanEnv, doubleProvider, Workspace } from '../support/terraform.js';

const lines = (count: number): string => Array.from({ length: count }, (_, i) => `line ${i + 1}\n`).join('');

function site(content: string, more: Partial<HostManifest> = {}): HostManifest {
  return {
    version: 1,
    host: 'web',
    files: { '/etc/a.conf': { content, owner: 'root', group: 'root', mode: '0644' } },
    origins: { 'files//etc/a.conf': 'web/site/config' },
    ...more,
  };
}

/** The state's attributes of the one resource, or `undefined` when the state has none. */
function stateOf(workspace: Workspace): Record<string, unknown> | undefined {
  const path = join(workspace.folder, 'terraform.tfstate');
  if (!existsSync(path)) return undefined;
  const state = JSON.parse(readFileSync(path, 'utf8')) as {
    resources: { instances: { status?: string; attributes: Record<string, unknown> }[] }[];
  };
  const instance = state.resources[0]?.instances[0];
  return instance === undefined ? undefined : { ...instance.attributes, status: instance.status };
}

describe('citadel_host in real Terraform, with a double of the engine', { timeout: 120_000 }, () => {
  let workspace: Workspace;
  const onHost = (path: string): string => join(workspace.root, path);
  const edit = (path: string, text: string): void => {
    mkdirSync(dirname(onHost(path)), { recursive: true });
    writeFileSync(onHost(path), text);
  };
  const fault = (kind: string): void => {
    mkdirSync(dirname(faultPath(workspace.root)), { recursive: true });
    writeFileSync(faultPath(workspace.root), kind);
  };
  const deploy = async (manifest: HostManifest): Promise<void> => {
    workspace.write(manifest);
    const applied = await workspace.terraform('apply', '-auto-approve');
    expect(applied.output).toContain('Apply complete!');
  };

  /** Initialised once: what that makes is the same in each folder. */
  let first: Workspace;
  beforeAll(async () => {
    first = Workspace.create(await doubleProvider());
    first.write(site(lines(40)));
    const init = await first.terraform('init', '-input=false');
    expect(init.output).toContain('successfully initialized');
  });
  afterAll(() => first.dispose());

  beforeEach(() => {
    workspace = Workspace.create(first.program);
    workspace.write(site(lines(40)));
    cpSync(join(first.folder, '.terraform'), join(workspace.folder, '.terraform'), { recursive: true });
  });
  afterEach(() => workspace.dispose());

  it('plans, applies, and then has nothing to do', async () => {
    const plan = await workspace.terraform('plan');
    expect(plan.output).toMatch(/\+ "\/etc\/a\.conf" = "0644 root:root 40 lines [0-9a-f]{12}"/);
    expect(plan.output).not.toMatch(/blocks|changes|line 20/);
    const apply = await workspace.terraform('apply', '-auto-approve');
    expect(apply.output).toContain('1 added');
    expect(readFileSync(onHost('/etc/a.conf'), 'utf8')).toBe(lines(40));
    const again = await workspace.terraform('plan', '-detailed-exitcode');
    expect(again.output).toContain('No changes');
    expect(again.status).toBe(0);
    const nothing = await workspace.terraform('apply', '-auto-approve');
    expect(nothing.output).toContain('0 added, 0 changed, 0 destroyed');
    const before = readFileSync(join(workspace.folder, 'terraform.tfstate'), 'utf8');
    await workspace.terraform('apply', '-auto-approve');
    expect(readFileSync(join(workspace.folder, 'terraform.tfstate'), 'utf8')).toBe(before);
    expect(
      readFileSync(journalPath(workspace.root), 'utf8')
        .split('\n')
        .filter((it) => it === 'apply'),
    ).toHaveLength(1);
  });

  it('shows a line edited by hand as a diff of that line, and heals it', async () => {
    await deploy(site(lines(40)));
    edit('/etc/a.conf', lines(40).replace('line 20\n', 'line twenty\n'));
    const plan = await workspace.terraform('plan', '-detailed-exitcode');
    expect(plan.status).toBe(2);
    expect(plan.output).toContain('will be updated in-place');
    expect(plan.output).toMatch(
      /~ "\/etc\/a\.conf" = "0644 root:root 40 lines \w+" -> "0644 root:root 40 lines \w+"/,
    );
    expect(plan.output).toContain('+ "-line twenty",');
    expect(plan.output).toContain('+ "+line 20",');
    await deploy(site(lines(40)));
    expect(readFileSync(onHost('/etc/a.conf'), 'utf8')).toBe(lines(40));
  });

  it('shows a changed mode and a missing file', async () => {
    const two = site(lines(3), {
      files: {
        '/etc/a.conf': { content: lines(3), owner: 'root', group: 'root', mode: '0644' },
        '/etc/b.conf': { content: 'b\n', owner: 'root', group: 'root', mode: '0600' },
      },
    });
    await deploy(two);
    chmodSync(onHost('/etc/a.conf'), 0o666);
    rmSync(onHost('/etc/b.conf'));
    const plan = await workspace.terraform('plan');
    expect(plan.output).toMatch(/~ "\/etc\/a\.conf" = "0666 root:root (3 lines \w+)" -> "0644 root:root \1"/);
    expect(plan.output).toMatch(/\+ "\/etc\/b\.conf" = "0600 root:root 1 line \w+"/);
    await deploy(two);
    expect(existsSync(onHost('/etc/b.conf'))).toBe(true);
  });

  it('shows a missing newline at the end as such', async () => {
    await deploy(site('one\ntwo\n'));
    edit('/etc/a.conf', 'one\ntwo');
    const plan = await workspace.terraform('plan');
    expect(plan.output).toMatch(
      /"0644 root:root 2 lines, the last one open, \w+" -> "0644 root:root 2 lines \w+"/,
    );
    expect(plan.output).toContain('No newline at end of file');
  });

  it('removes what left the document and leaves what no one managed', async () => {
    await deploy(site('a\n'));
    edit('/etc/foreign.conf', 'mine\n');
    const { files: _files, origins: _origins, ...empty } = site('');
    workspace.write(empty);
    const plan = await workspace.terraform('plan');
    expect(plan.output).toMatch(/- "\/etc\/a\.conf" = "0644 root:root 1 line \w+"/);
    await deploy(empty);
    expect(existsSync(onHost('/etc/a.conf'))).toBe(false);
    expect(existsSync(onHost('/etc/foreign.conf'))).toBe(true);
  });

  it('shows what a first apply would replace, and which units it restarts', async () => {
    edit('/etc/a.conf', lines(40).replace('line 7\n', 'line seven\n'));
    const unit: ManifestUnit = {
      enabled: true,
      state: 'running',
      restartOn: ['/etc/a.conf'],
      reloadOn: [],
      wave: 0,
    };
    workspace.write(site(lines(40), { units: { 'a.service': unit } }));
    const plan = await workspace.terraform('plan');
    expect(plan.output).toContain('+ changes');
    expect(plan.output).toContain('+ "-line seven",');
    expect(plan.output).toContain('+ "+line 7",');
    expect(plan.output).toContain('+ "start a.service (files /etc/a.conf, units a.service)"');
    await workspace.terraform('apply', '-auto-approve');
    const again = await workspace.terraform('plan', '-detailed-exitcode');
    expect(again.status).toBe(0);
  });

  it('applies a saved plan', async () => {
    await deploy(site(lines(5)));
    workspace.write(site(lines(6)));
    await workspace.terraform('plan', '-out=saved');
    const apply = await workspace.terraform('apply', 'saved');
    expect(apply.output).toContain('1 changed');
    expect(readFileSync(onHost('/etc/a.conf'), 'utf8')).toBe(lines(6));
    expect(stateOf(workspace)?.['generation']).toBe(2);
  });

  it('refuses a saved plan when the host has changed since, and says what changed', async () => {
    await deploy(site(lines(5)));
    workspace.write(site(lines(6)));
    await workspace.terraform('plan', '-out=saved');
    edit('/etc/a.conf', 'by hand\n');
    const apply = await workspace.terraform('apply', 'saved');
    expect(apply.status).toBe(1);
    expect(apply.output).toContain('[web] The host is no longer as this plan saw it:');
    expect(apply.output).toContain('files /etc/a.conf');
    expect(readFileSync(onHost('/etc/a.conf'), 'utf8')).toBe('by hand\n');
    expect(stateOf(workspace)?.['generation']).toBe(1);
  });

  it('says which host, address and step failed, and forgets nothing', async () => {
    await deploy(site(lines(5)));
    const before = stateOf(workspace);
    fault('unreachable');
    const plan = await workspace.terraform('plan');
    expect(plan.status).toBe(1);
    expect(plan.output).toContain('[web] 10.0.0.9:22: tcp connect: connection refused');
    expect(plan.output).toContain('Start sshd there, or correct the address');
    expect(plan.output).toContain('Nothing was changed');
    expect(stateOf(workspace)).toEqual(before);
    rmSync(faultPath(workspace.root));
    expect((await workspace.terraform('plan', '-detailed-exitcode')).status).toBe(0);
  });

  it('keeps the prior state when the host undid an update', async () => {
    await deploy(site(lines(5)));
    workspace.write(site(lines(6)));
    fault('rolled-back');
    const apply = await workspace.terraform('apply', '-auto-approve');
    expect(apply.status).toBe(1);
    expect(apply.output).toContain(
      '[web/site/config] files//etc/a.conf failed and was undone in step "checks"',
    );
    expect(apply.output).toContain('promtool: FAILED');
    expect(apply.output).toContain('The host is at generation 1, as before.');
    expect(stateOf(workspace)).toMatchObject({ generation: 1, status: undefined });
    rmSync(faultPath(workspace.root));
    await deploy(site(lines(6)));
    expect(readFileSync(onHost('/etc/a.conf'), 'utf8')).toBe(lines(6));
  });

  it('leaves nothing tainted when a first apply was refused', async () => {
    fault('refused');
    const apply = await workspace.terraform('apply', '-auto-approve');
    expect(apply.output).toContain('refused before anything was changed in step "checks"');
    expect(stateOf(workspace)).toBeUndefined();
    rmSync(faultPath(workspace.root));
    const plan = await workspace.terraform('plan');
    expect(plan.output).toContain('1 to add, 0 to change, 0 to destroy');
  });

  it('destroys: everything managed goes', async () => {
    await deploy(site(lines(5)));
    const destroy = await workspace.terraform('destroy', '-auto-approve');
    expect(destroy.output).toContain('1 destroyed');
    expect(existsSync(onHost('/etc/a.conf'))).toBe(false);
    expect(readRecord(workspace.root)?.manifest).toEqual({ version: 1, host: 'web' });
    expect(stateOf(workspace)).toBeUndefined();
  });

  it('replaces a tainted host by removing and making it again', async () => {
    await deploy(site(lines(5)));
    await workspace.terraform('taint', 'citadel_host.host');
    const apply = await workspace.terraform('apply', '-auto-approve');
    expect(apply.output).toContain('1 added, 0 changed, 1 destroyed');
    expect(readRecord(workspace.root)?.generation).toBe(3);
    expect(readFileSync(onHost('/etc/a.conf'), 'utf8')).toBe(lines(5));
  });

  it('imports a host by name with the command, and then has nothing to do', async () => {
    await deploy(site(lines(5)));
    rmSync(join(workspace.folder, 'terraform.tfstate'));
    const wrong = await workspace.terraform('import', 'citadel_host.host', 'db');
    expect(wrong.output).toContain('[db] name: is "db", and the provider block has no host of that name');
    const imported = await workspace.terraform('import', 'citadel_host.host', 'web');
    expect(imported.output).toContain('Import successful!');
    const plan = await workspace.terraform('plan', '-detailed-exitcode');
    expect(plan.output).toContain('No changes');
    expect(plan.status).toBe(0);
  });

  it('imports a host by an import block, and then has nothing to do', async () => {
    await deploy(site(lines(5)));
    rmSync(join(workspace.folder, 'terraform.tfstate'));
    workspace.writeJson('import.tf.json', { import: { to: 'citadel_host.host', id: 'web' } });
    const apply = await workspace.terraform('apply', '-auto-approve');
    expect(apply.output).toContain('1 imported, 0 added, 0 changed, 0 destroyed');
    expect((await workspace.terraform('plan', '-detailed-exitcode')).status).toBe(0);
  });

  it('says that there is nothing to import', async () => {
    const imported = await workspace.terraform('import', 'citadel_host.host', 'web');
    expect(imported.output).toContain('[web] The host has no generation');
    expect(imported.output).toContain('Deploy it');
  });

  it('takes up a host whose state was lost without changing anything', async () => {
    await deploy(site(lines(5)));
    rmSync(join(workspace.folder, 'terraform.tfstate'));
    const apply = await workspace.terraform('apply', '-auto-approve');
    expect(apply.output).toContain('1 added');
    expect(readRecord(workspace.root)?.generation).toBe(1);
  });

  it('takes over a state of version 1, which held the document and all lines', async () => {
    const path = join(workspace.folder, 'terraform.tfstate');
    const a = {
      lines: ['line 1'],
      no_newline_at_end: null,
      owner: 'root',
      group: 'root',
      mode: '0644',
      found: null,
    };
    await deploy(site(lines(1)));
    const state = JSON.parse(readFileSync(path, 'utf8')) as {
      resources: { instances: { schema_version: number; attributes: Record<string, unknown> }[] }[];
    };
    const [instance] = state.resources[0]?.instances ?? [];
    if (instance === undefined) throw new Error('no state');
    const { name, digest, generation } = instance.attributes;
    const document = encodeDocument(site(lines(1)));
    instance.schema_version = 1;
    instance.attributes = {
      ...{ name, digest, generation, document, files: { '/etc/a.conf': a } },
      ...{ actions: ['restart a.service'], replaces: { '/etc/a.conf': ['-b'] } },
    };
    writeFileSync(path, JSON.stringify(state));
    const plan = await workspace.terraform('plan', '-detailed-exitcode');
    expect(plan.output).toContain('No changes');
    expect(plan.status, plan.output).toBe(0);
    const next = site(lines(2));
    workspace.write(next);
    const update = await workspace.terraform('apply', '-auto-approve');
    expect(update.output).toMatch(/\+ "\+line 2"/);
    expect(update.output).toContain('1 changed');
    expect(readFileSync(path, 'utf8')).not.toContain('"document"');
    expect(stateOf(workspace)).toMatchObject({ generation: 2, digest: manifestDigest(next) });
  });

  it('reports every problem of a document with its construct', async () => {
    const broken = {
      ...site('a\n'),
      files: {
        'etc/a.conf': { content: 'a', owner: 'root', group: 'root', mode: '0644' },
        '/etc/b.conf': { content: 'b', owner: 'root', group: 'root', mode: '644' },
      },
    };
    workspace.write(broken);
    const plan = await workspace.terraform('plan');
    expect(plan.status).toBe(1);
    expect(plan.output).toContain('is not absolute');
    expect(plan.output).toContain('is not four octal digits');
    workspace.writeDocument('no json', 'web');
    expect((await workspace.terraform('plan')).output).toContain(
      '[web] hosts["web"].document: documents/web.json is not JSON',
    );
  });

  it('refuses a provider block that says too little, too much or something wrong', async () => {
    const validate = async (host: object): Promise<string> => {
      workspace.writeStack({ web: host }, { name: 'web' });
      return (await workspace.terraform('validate')).output;
    };
    expect(await validate({ address: '10.0.0.9', user: 'root' })).toContain('[web] host_keys:');
    expect(await validate({ root: '/x', address: '10.0.0.9' })).toContain(
      '[web] address: does not go with the others',
    );
    expect(await validate({ root: '/x', secrets: { db: { env: '1bad' } } })).toContain('[web] secrets.db');
    workspace.write(site('a\n'), {}, 'db');
    const other = await workspace.terraform('plan');
    expect(other.output).toContain('[db] hosts["db"].document: documents/db.json is for "web"');
  });

  it('waits with everything that is known only after another apply', async () => {
    workspace.write(site('a\n'));
    workspace.writeStack(
      { web: workspace.entry('web', { root: '${terraform_data.root.output}' }) },
      { name: 'web' },
      {
        resource: {
          citadel_host: { host: { name: 'web' } },
          terraform_data: { root: { input: workspace.root } },
        },
      },
    );
    const plan = await workspace.terraform('plan');
    expect(plan.output).toContain('(known after apply)');
    const apply = await workspace.terraform('apply', '-auto-approve');
    expect(apply.output).toContain('2 added');
    expect(readFileSync(onHost('/etc/a.conf'), 'utf8')).toBe('a\n');
  });

  it('finishes an apply that is interrupted, and keeps its state', async () => {
    await deploy(site(lines(5)));
    workspace.write(site(lines(6)));
    fault('slow 3');
    const child = spawn('terraform', ['apply', '-auto-approve'], {
      cwd: workspace.folder,
      env: cleanEnv(),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const interrupt = (chunk: Buffer): void => {
      const before = output;
      output += chunk.toString();
      // As Ctrl-C on a terminal does: the signal reaches the whole process group, the provider too.
      if (!before.includes('Modifying...') && output.includes('Modifying...')) {
        setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGINT'), 500);
      }
    };
    child.stdout.on('data', interrupt);
    child.stderr.on('data', interrupt);
    await new Promise((resolve) => child.on('exit', resolve));
    expect(output).toContain('Interrupt received');
    expect(readFileSync(onHost('/etc/a.conf'), 'utf8')).toBe(lines(6));
    expect(stateOf(workspace)).toMatchObject({ generation: 2, status: undefined });
    rmSync(faultPath(workspace.root));
    expect((await workspace.terraform('plan', '-detailed-exitcode')).status).toBe(0);
  });
});
