import { Construct, RootConstruct } from 'constructs';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DebconfAnswers, HealthCheck, Host, secret } from '../../lib/constructs/index.js';
import type { HostManifest } from '../../lib/manifest/index.js';
import type { LabHost } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { Workbench } from './harness.js';

const PACKAGE = 'prometheus-blackbox-exporter';
const QUESTION = `${PACKAGE}/want_cap_net_raw`;
const PASSWORD = 'the-password-of-the-lab';

/** Debian's package asks whether its program may send pings: a capability of the file, and no by default. */
function pinging(check?: string): HostManifest {
  const host = new Host(new Construct(new RootConstruct(), 'web'), 'dev-ops');
  new DebconfAnswers(host, 'blackbox', {
    package: PACKAGE,
    answers: {
      [QUESTION]: { boolean: true },
      // No question of this package, and as such no one takes it away again.
      'citadel-lab/password': { password: secret('lab_password') },
    },
  });
  if (check !== undefined) new HealthCheck(host, 'check', { probe: { command: [check] } });
  return host.manifest();
}

describeLab('answers to the questions of packages', (lab) => {
  let bench: Workbench;
  let host: LabHost;
  const answer = async (question: string): Promise<string> =>
    (await host.mustExec(`echo GET ${question} | debconf-communicate`)).trim();

  beforeAll(async () => {
    await lab.reset('dev-ops');
    bench = await Workbench.open(lab);
    host = lab.host('dev-ops');
    const text = `secrets: { lab_password: { command: [echo, ${PASSWORD}] } }\n`;
    await writeFile(bench.inventory, (await readFile(bench.inventory, 'utf8')) + text);
  });
  afterAll(() => bench.close());

  it('go with an apply that fails', async () => {
    const run = await bench.cli([
      'apply',
      '--yes',
      '--manifest',
      await bench.writeManifest(pinging('/bin/false')),
    ]);
    expect(run.code, run.stdout + run.stderr).toBe(3);
    expect(
      await host.mustExec(`ls /etc/apt/debconf-answers /etc/apt/apt.conf.d/60citadel-debconf 2>&1 || true`),
    ).toMatch(/No such file.*\n.*No such file/);
    expect((await host.exec(['dpkg-query', '-W', PACKAGE])).code).not.toBe(0);
  });

  it('are given before the package is installed, and do what a person’s answer does', async () => {
    await bench.apply(pinging());
    expect(await host.mustExec(['getcap', '/usr/bin/prometheus-blackbox-exporter'])).toContain(
      'cap_net_raw=ep',
    );
    expect(await answer(QUESTION)).toBe('0 true');
    expect(await answer('citadel-lab/password')).toBe(`0 ${PASSWORD}`);
    expect((await bench.diff(pinging())).changes).toEqual([]);
  });

  it('are read by no one but root, where they are secret', async () => {
    const found = await host.exec(
      ['bash', '-c', 'runuser -u nobody -- grep -rlsF -f - /etc /var /run /usr/local'],
      {
        input: `${PASSWORD}\n`,
      },
    );
    expect(found.stdout).toBe('');
    expect(await host.mustExec(['stat', '-c', '%a %U', `/etc/apt/debconf-answers/${PACKAGE}`])).toBe(
      '600 root\n',
    );
    expect(await host.mustExec('journalctl -q --no-pager')).not.toContain(PASSWORD);
  });

  it('hold when a person installs the package again', async () => {
    await host.mustExec(
      `apt-get -qq -y purge ${PACKAGE} && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install ${PACKAGE}`,
      { timeoutMs: 300_000 },
    );
    expect(await host.mustExec(['getcap', '/usr/bin/prometheus-blackbox-exporter'])).toContain(
      'cap_net_raw=ep',
    );
  });
});
