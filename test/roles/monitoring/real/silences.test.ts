import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Fleet } from '../../../../lib/cli/fleet.js';
import { Silences } from '../../../../lib/cli/silence/silences.js';
import { askAlertmanager } from '../../../../lib/engine/silence/ask-alertmanager.js';
import type { RemoteProgram, Transport } from '../../../../lib/engine/transport.js';
import { describeDebian, freePort, until } from '../../../support/debian-programs.js';
import { writeTree } from '../../../stacks/scratch.js';

/** Runs the host's program here, as sshd would. */
const here = {
  description: 'here',
  run: (program: RemoteProgram, input: Buffer) =>
    new Promise((resolve) => {
      const child = spawn('sh', ['-c', program.script], { stdio: 'pipe' });
      const out: Buffer[] = [];
      let stderr = '';
      child.stdout.on('data', (data: Buffer) => out.push(data));
      child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
      child.once('close', (exitCode) => resolve({ exitCode, stdout: Buffer.concat(out), stderr }));
      child.stdin.end(input);
    }),
} as unknown as Transport;

/** As much of a fleet as silences need. */
const fleet = {
  readOptions: () => ({ signal: new AbortController().signal }),
  transport: () => Promise.resolve(here),
  engine: { askAlertmanager },
} as unknown as Fleet;

const LABELS = { host: 'ai-node', model: '"quoted" $(id) `x` \\' };

describeDebian('silences of a real Alertmanager', ['prometheus-alertmanager', 'amtool'], (debian) => {
  let folder = '';
  let url = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'citadel-silences-'));
    url = `http://127.0.0.1:${await freePort()}`;
    writeTree(folder, { 'am.yml': 'route: { receiver: a }\nreceivers: [{ name: a }]\n' });
    debian.start('prometheus-alertmanager', [
      `--config.file=${folder}/am.yml`,
      `--storage.path=${folder}/data`,
      `--web.listen-address=${url.slice('http://'.length)}`,
      '--cluster.listen-address=',
      '--log.level=error',
    ]);
    await until('Alertmanager answers', () =>
      fetch(`${url}/-/ready`).then(
        () => true,
        () => undefined,
      ),
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('are made for exactly these labels, listed, and lifted', async () => {
    const silences = new Silences(fleet, { host: 'dev-ops', url });
    const alert = async (labels: object) => {
      await fetch(`${url}/api/v2/alerts`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify([{ labels: { alertname: 'X', ...labels } }]),
      });
    };
    await alert(LABELS);
    await alert({ ...LABELS, host: 'other' });
    const shown = async (): Promise<string[]> => {
      const alerts = (await (await fetch(`${url}/api/v2/alerts?silenced=false`)).json()) as {
        labels: Record<string, string>;
      }[];
      return alerts.map(({ labels }) => labels['host'] ?? '').sort();
    };
    const now = Date.now();
    const id = await silences.add({
      labels: LABELS,
      from: now,
      until: now + 3_600_000,
      by: 'anna@laptop',
      comment: "it's $(only) a test",
    });
    expect(await silences.list()).toMatchObject([
      { id, createdBy: 'anna@laptop', comment: "it's $(only) a test", status: { state: 'active' } },
    ]);
    await until('the alert is silenced', async () => ((await shown()).join() === 'other' ? true : undefined));
    expect(
      debian.run('amtool', ['silence', 'query', `--alertmanager.url=${url}`, 'host=ai-node']).output,
    ).toContain(id.slice(0, 8));
    await silences.lift(id);
    expect(await silences.list()).toEqual([]);
    await until('it is shown again', async () =>
      (await shown()).join() === 'ai-node,other' ? true : undefined,
    );
  });

  it('that cannot be made say what Alertmanager said', async () => {
    const silences = new Silences(fleet, { host: 'dev-ops', url });
    const now = Date.now();
    const wrong = silences.add({ labels: LABELS, from: now, until: now - 1000, by: 'anna', comment: 'x' });
    await expect(wrong).rejects.toThrow(/HTTP 400/);
    const nobody = new Silences(fleet, { host: 'dev-ops', url: `http://127.0.0.1:${await freePort()}` });
    await expect(nobody.list()).rejects.toThrow(/did not do it: curl: .*[Cc]onnect/);
  });
});
