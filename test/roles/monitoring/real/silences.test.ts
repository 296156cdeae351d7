import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeDebian, freePort, until } from '../../../support/debian-programs.js';
import { localSilences } from '../../../support/local-silences.js';
import { writeTree } from '../../../stacks/scratch.js';

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
    const silences = localSilences(url);
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
    const silences = localSilences(url);
    const now = Date.now();
    const wrong = silences.add({ labels: LABELS, from: now, until: now - 1000, by: 'anna', comment: 'x' });
    await expect(wrong).rejects.toThrow(/HTTP 400/);
    const nobody = localSilences(`http://127.0.0.1:${await freePort()}`);
    await expect(nobody.list()).rejects.toThrow(/did not do it: curl: .*[Cc]onnect/);
  });
});
