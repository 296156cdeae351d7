import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LabHost } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { daemonReloads, fingerprint, Workbench } from './harness.js';
import { lines, sample } from './manifests.js';

interface DriftCase {
  readonly name: string;
  /** What someone does on the host by hand. */
  readonly byHand: string;
  /** The one change that is to be found. */
  readonly change: { readonly section: string; readonly key: string; readonly action: string };
  /** In the change, as JSON: enough to see that the attribute or line that moved is named. */
  readonly shows: readonly string[];
  /** Prints `healed` once the host is right again. */
  readonly proof: string;
}

const A = '/srv/demo/a.conf';

const CASES: readonly DriftCase[] = [
  {
    name: 'a line of a file',
    byHand: `sed -i 's/^line 7$/line seven/' ${A}`,
    change: { section: 'files', key: A, action: 'update' },
    shows: ['-line seven', '+line 7', ' line 10'],
    proof: `grep -qx 'line 7' ${A}`,
  },
  {
    name: 'a mode',
    byHand: `chmod 0666 ${A}`,
    change: { section: 'files', key: A, action: 'update' },
    shows: ['0666', '0644'],
    proof: `[ "$(stat -c %a ${A})" = 644 ]`,
  },
  {
    name: 'an owner',
    byHand: `chown agent0 ${A}`,
    change: { section: 'files', key: A, action: 'update' },
    shows: ['agent0', 'root'],
    proof: `[ "$(stat -c %U ${A})" = root ]`,
  },
  {
    name: 'a deleted file',
    byHand: `rm ${A}`,
    change: { section: 'files', key: A, action: 'create' },
    shows: ['+line 1'],
    proof: `grep -qx 'line 1' ${A}`,
  },
  {
    name: 'a file that became a directory',
    byHand: `rm ${A} && mkdir ${A} && echo mine >${A}/note`,
    change: { section: 'files', key: A, action: 'update' },
    shows: ['directory', 'file'],
    proof: `[ -f ${A} ]`,
  },
  {
    name: 'a directory’s mode',
    byHand: 'chmod 0777 /srv/demo/conf.d',
    change: { section: 'directories', key: '/srv/demo/conf.d', action: 'update' },
    shows: ['0777', '0750'],
    proof: '[ "$(stat -c %a /srv/demo/conf.d)" = 750 ]',
  },
  {
    name: 'a symlink that points elsewhere',
    byHand: 'ln -sfn b.conf /srv/demo/current',
    change: { section: 'symlinks', key: '/srv/demo/current', action: 'update' },
    shows: ['b.conf', 'a.conf'],
    proof: '[ "$(readlink /srv/demo/current)" = a.conf ]',
  },
  {
    name: 'a stopped unit',
    byHand: 'systemctl stop demo-a.service',
    change: { section: 'units', key: 'demo-a.service', action: 'update' },
    shows: ['"state":"stopped"'],
    proof: 'systemctl -q is-active demo-a.service',
  },
  {
    name: 'a disabled unit',
    byHand: 'systemctl disable -q demo-a.service',
    change: { section: 'units', key: 'demo-a.service', action: 'update' },
    shows: ['"enabled":false'],
    proof: 'systemctl -q is-enabled demo-a.service',
  },
  {
    name: 'a masked unit',
    byHand: 'systemctl mask -q --now cron.service',
    change: { section: 'units', key: 'cron.service', action: 'update' },
    shows: ['masked'],
    proof: '[ "$(systemctl is-enabled cron.service)" = enabled ] && systemctl -q is-active cron.service',
  },
  {
    name: 'a mount that is gone',
    byHand: 'umount /mnt/citadel-models',
    change: { section: 'mounts', key: '/mnt/citadel-models', action: 'create' },
    shows: ['/dev/nvme1n1p1'],
    proof: 'mountpoint -q /mnt/citadel-models',
  },
  {
    name: 'a line between our markers in fstab',
    byHand: `sed -i 's/defaults,nofail/defaults,noatime/' /etc/fstab`,
    change: { section: 'blocks', key: '/etc/fstab', action: 'update' },
    shows: ['noatime', 'nofail'],
    proof: 'grep -q defaults,nofail /etc/fstab && grep -qx "# mine, by hand" /etc/fstab',
  },
  {
    name: 'a removed package',
    byHand: 'apt-get -qq -y remove tree >/dev/null 2>&1',
    change: { section: 'packages', key: 'tree', action: 'create' },
    shows: [],
    proof: 'command -v tree >/dev/null',
  },
];

describeLab('hand-made drift', (lab) => {
  let bench: Workbench;
  let host: LabHost;

  beforeAll(async () => {
    await lab.reset('ai-node');
    bench = await Workbench.open(lab);
    host = lab.host('ai-node');
    await host.mustExec('printf "# mine, by hand\\n" >>/etc/fstab');
    await bench.apply(sample());
  });

  afterAll(() => bench.close());

  it.each(CASES)('shows and heals $name', async ({ byHand, change, shows, proof }) => {
    expect((await bench.diff(sample())).changes).toEqual([]);
    await host.mustExec(byHand);
    const found = await bench.diff(sample());
    expect(found.code).toBe(2);
    expect(found.changes.map(({ section, key, action }) => ({ section, key, action }))).toContainEqual(
      change,
    );
    expect(found.changes.every(({ cause }) => cause === 'drift')).toBe(true);
    const text = JSON.stringify(
      found.changes.find(({ section, key }) => section === change.section && key === change.key),
    );
    for (const part of shows) expect(text).toContain(part);
    await bench.apply(sample());
    expect((await host.exec(proof)).code, 'the proof on the host').toBe(0);
    expect((await bench.diff(sample())).code).toBe(0);
  });

  it('shows no more than three lines around one that changed', async () => {
    await host.mustExec(`sed -i 's/^line 10$/line ten/' ${A}`);
    const { changes } = await bench.diff(sample());
    const body = (changes[0]?.diff ?? '').split('\n').filter((line) => /^[ +-](?![+-]{2} )/.test(line));
    expect(body).toEqual([
      ' line 7',
      ' line 8',
      ' line 9',
      '-line ten',
      '+line 10',
      ' line 11',
      ' line 12',
      ' line 13',
    ]);
    await bench.apply(sample());
  });

  it('says "both" when the configuration and the host moved', async () => {
    await host.mustExec(`sed -i 's/^line 10$/line ten/' ${A}`);
    const moved = sample((draft) => {
      Object.assign(draft.files[A] ?? {}, { content: lines({ 3: 'line three' }) });
    });
    expect((await bench.diff(moved)).changes.map(({ key, cause }) => [key, cause])).toEqual([[A, 'both']]);
    await bench.apply(sample());
  });

  it('writes nothing when there is nothing to do', async () => {
    const before = await fingerprint(host, { mtimes: true, record: true });
    const since = (await host.mustExec('sleep 1; date +"%F %T"')).trim();
    await bench.apply(sample());
    expect((await bench.diff(sample())).code).toBe(0);
    expect(await fingerprint(host, { mtimes: true, record: true })).toBe(before);
    expect(await daemonReloads(host, since)).toBe(0);
    expect(
      await host.mustExec(`journalctl --since "${since}" -o cat --no-pager | grep -c 'demo-[ab]' || true`),
    ).toBe('0\n');
  });
});
