import { afterAll, beforeAll, expect, it } from 'vitest';
import type { HostManifest } from '../../lib/manifest/index.js';
import { before, killing, withFault } from '../engine/support/faults.js';
import type { Finished } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { EngineProcess } from './engine-process.js';
import { installNodePrograms } from './node-programs.js';
import { expectOutcome, leftovers, settled } from './transaction-scenario.js';

/** A host that could not undo everything, ended by whoever is logged in there. */
describeLab('an undo that could not be finished, at the host’s console', (lab) => {
  const name = 'dev-ops';
  const host = lab.host(name);
  let engine: EngineProcess;

  const version = (text: string): HostManifest => ({
    version: 1,
    host: name,
    files: Object.fromEntries(
      ['a', 'b'].map((letter) => [
        `/etc/exp-${letter}`,
        { content: `${text}\n`, owner: 'root', group: 'root', mode: '0644' },
      ]),
    ),
  });
  const contents = (): Promise<string> => host.mustExec('cat /etc/exp-a /etc/exp-b');
  const resolve = (words = ''): Promise<Finished> =>
    host.exec(`citadel-rollback resolve ${words}`, { user: 'agent0', timeoutMs: 120_000 });

  async function leaveSomething(): Promise<void> {
    const transactionScript = withFault(
      before('run_checks', 'chattr +i /etc/exp-b; echo planted >"$DIR/words"; return 1'),
    );
    const waves: HostManifest = {
      ...version('new'),
      checks: { sick: { kind: 'command', command: ['/bin/false'], timeoutSec: 1, wave: 0 } },
    };
    const result = await engine.apply(name, waves, { transactionScript });
    expect(result).toMatchObject({ outcome: 'undo-failed' });
  }

  beforeAll(async () => {
    await host.reset();
    await installNodePrograms(host);
    engine = new EngineProcess(lab);
    expectOutcome(await engine.apply(name, version('old')), 'committed');
  }, 300_000);
  afterAll(async () => {
    await engine.end();
  });

  it('is shown and tried again there, without root’s password', async () => {
    await leaveSomething();
    const shown = await resolve();
    expect([shown.code, shown.stderr]).toEqual([1, '']);
    expect(shown.stdout).toContain('/etc/exp-b: Operation not permitted (/etc/exp-b is immutable.');
    const again = await host.exec('sh /var/lib/citadel-iac/recover.sh - recover');
    expect([again.code, again.stdout]).toEqual([1, expect.stringContaining('NOT ended') as string]);
    await host.mustExec('chattr -i /etc/exp-b');
    const done = await resolve('--retry --yes');
    expect([done.code, done.stderr], done.stdout).toEqual([0, '']);
    expect(done.stdout).toContain('Done: it is undone. The host is at generation 1.');
    await settled(host);
    expect([await contents(), await leftovers(host)]).toEqual(['old\nold\n', '']);
    expect((await resolve()).code).toBe(0);
  });

  it('is accepted there, and the host can be applied to again', async () => {
    await leaveSomething();
    const done = await resolve('--accept --yes');
    expect([done.code, done.stderr], done.stdout).toEqual([0, '']);
    const kept = /kept in (\S+)\.\n/.exec(done.stdout)?.[1] ?? '';
    expect(await host.mustExec(`chattr -i /etc/exp-b; cat ${kept}/etc/exp-b`)).toBe('old\n');
    expect([await contents(), await leftovers(host)]).toEqual(['old\nnew\n', '']);
    expectOutcome(await engine.apply(name, version('newer')), 'committed');
  });

  it('leaves no way back for a boot when it died before it had begun', async () => {
    const transactionScript = withFault(killing('open_transaction'));
    expectOutcome(await engine.apply(name, version('dead'), { transactionScript }), 'refused');
    await settled(host);
    expect(await leftovers(host)).toBe('');
    // Power was cut at that moment: nothing of this boot was there to end it.
    await host.mustExec(`cd /etc/systemd/system && mkdir -p sysinit.target.wants && ln -s ../citadel-iac-recover.service sysinit.target.wants/
      sed -n "/<<'UNIT'/,/^UNIT/p" /var/lib/citadel-iac/recover.sh | sed '1d;$d' >citadel-iac-recover.service; test -s citadel-iac-recover.service`);
    await host.reboot();
    await settled(host);
    expect(await leftovers(host)).toBe('');
  });
});
