import { afterAll, beforeAll, expect, it } from 'vitest';
import type { HostManifest } from '../../lib/manifest/index.js';
import { describeLab } from '../lab/suite.js';
import { EngineProcess } from './engine-process.js';
import { expectOutcome } from './transaction-scenario.js';

const own = { owner: 'root', group: 'root', mode: '0644' };
const SSHD = '/etc/ssh/sshd_config';
const unit = (more: string): string => `[Unit]\n${more}\n[Service]\nExecStart=/bin/sleep infinity\n`;

describeLab('what a host was before us', (lab) => {
  const host = lab.host('dev-ops');
  const EMPTY: HostManifest = { version: 1, host: 'dev-ops' };
  let engine: EngineProcess;
  beforeAll(async () => {
    await host.reset();
    engine = new EngineProcess(lab);
  });
  afterAll(() => engine.end());
  const sh = async (script: string): Promise<string> =>
    (await host.mustExec(['/bin/sh', '-c', script])).trim();

  it('an undone first apply leaves nothing of ours running, whatever brought it up', async () => {
    const file = (content: string) => ({ content, ...own });
    const result = await engine.apply('dev-ops', {
      ...EMPTY,
      files: {
        '/etc/systemd/system/e2e-main.service': file(
          unit('Wants=e2e-named.service e2e-pulled.service e2e-many@one.service e2e-sock.socket'),
        ),
        '/etc/systemd/system/e2e-named.service': file(unit('')),
        '/etc/systemd/system/e2e-pulled.service': file(unit('')),
        '/etc/systemd/system/e2e-many@.service': file(unit('')),
        '/etc/systemd/system/e2e-sock.service': file(unit('')),
        '/etc/systemd/system/e2e-sock.socket': file('[Socket]\nListenStream=/run/e2e.sock\n'),
      },
      units: Object.fromEntries(
        ['main', 'named'].map((name, wave) => [
          `e2e-${name}.service`,
          { enabled: null, state: 'running', restartOn: [], reloadOn: [], wave },
        ]),
      ),
      checks: { sick: { kind: 'command', command: ['/bin/false'], timeoutSec: 1, wave: 0 } },
    });
    expectOutcome(result, 'rolled-back');
    expect(await sh('systemctl list-units --all --plain --no-legend "e2e-*" --state=active,failed')).toBe('');
  });

  it('sshd has its own configuration again when ours leaves, and is asked whether it takes it', async () => {
    const before = await sh(`sha256sum ${SSHD}; stat -c "%a %U %G" ${SSHD}`);
    const content = `${await sh(`cat ${SSHD}`)}\n# ours\n`;
    expectOutcome(
      await engine.apply('dev-ops', { ...EMPTY, files: { [SSHD]: { content, ...own } } }),
      'committed',
    );
    const copy = `/var/lib/citadel-iac/originals/$(printf %s ${SSHD} | sha256sum | cut -d " " -f 1)/copy`;
    await sh(`cp -a ${copy} /root/kept; echo "NoSuchWord yes" >>${copy}`);
    const refused = await engine.apply('dev-ops', EMPTY);
    expect(refused).toMatchObject({ outcome: 'refused', failure: { step: 'validate' } });
    await sh(`cp -a /root/kept ${copy}`);
    expectOutcome(await engine.apply('dev-ops', EMPTY), 'committed');
    expect(await sh(`sha256sum ${SSHD}; stat -c "%a %U %G" ${SSHD}`)).toBe(before);
    await sh('sshd -t');
  });
});
