import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserAccount } from '../../../lib/constructs/index.js';
import { LogRotation } from '../../../lib/roles/ai/operations/index.js';
import { loadTemplate } from '../../../lib/render/index.js';
import { scratch, writeTree } from '../../stacks/scratch.js';
import { hasTool, tool } from '../../stacks/tools.js';
import { manifestOf } from '../../constructs/host/support.js';

/** Of Debian: who owns nothing else. */
const NOBODY = 65_534;
const root = process.getuid?.() === 0;

function configuration(directory: string): string {
  const manifest = manifestOf((host) => {
    new UserAccount(host, 'account', { name: 'nobody' });
    new LogRotation(host, 'logs', { account: 'nobody', directory });
  });
  return manifest.files?.['/etc/logrotate.d/citadel-ai']?.content ?? '';
}

describe('the rotation of logs', () => {
  /** Skipped where logrotate is missing or we are not root: it changes to the account that the logs belong to. */
  it.skipIf(!root || !hasTool('logrotate'))(
    'works as root on directories of an account, and leaves services logging and JSON alone',
    () => {
      const place = scratch();
      const logs = join(place, 'logs');
      mkdirSync(join(logs, 'monitoring'), { recursive: true });
      const open = ['app.log', 'monitoring/monitor.log'].map((name) => openSync(join(logs, name), 'a'));
      writeFileSync(join(logs, 'monitoring/alerts.json'), '[]\n');
      for (const file of open) writeSync(file, 'before\n');
      chmodSync(place, 0o755);
      for (const name of ['', 'app.log', 'monitoring', 'monitoring/monitor.log', 'monitoring/alerts.json'])
        chownSync(join(logs, name), NOBODY, NOBODY);
      // The group of "nobody" is called otherwise in Debian than the account.
      const text = configuration(logs).replace('su nobody nobody', 'su nobody nogroup');
      writeTree(place, { 'citadel-ai': text });
      chmodSync(join(place, 'citadel-ai'), 0o644);

      const rotate = () =>
        tool('logrotate', ['--state', join(place, 'state'), '-f', join(place, 'citadel-ai')]);
      expect(rotate()).toEqual({ status: 0, output: '' });
      for (const file of open) writeSync(file, 'after\n');
      expect(readdirSync(logs).sort()).toEqual(['app.log', 'app.log.1', 'monitoring']);
      expect(readFileSync(join(logs, 'app.log'), 'utf8')).toBe('after\n');
      expect(readFileSync(join(logs, 'monitoring/monitor.log'), 'utf8')).toBe('after\n');
      expect(readFileSync(join(logs, 'monitoring/monitor.log.1'), 'utf8')).toBe('before\n');
      expect(readFileSync(join(logs, 'monitoring/alerts.json'), 'utf8')).toBe('[]\n');
      expect(rotate()).toEqual({ status: 0, output: '' });
      expect(readdirSync(logs).sort()).toEqual(['app.log', 'app.log.1', 'app.log.2.gz', 'monitoring']);
      for (const file of open) closeSync(file);
    },
  );

  it('asks for root only where it is not root', () => {
    const place = scratch();
    const text = loadTemplate('ai-node/usr/local/bin/logrotate').text.replaceAll('/usr/sbin/', `${place}/`);
    writeTree(place, {
      run: text,
      logrotate: '#!/bin/sh\necho "as it is: $*"\n',
      'bin/sudo': '#!/bin/sh\necho "sudo $*"\n',
      'bin/id': '#!/bin/sh\necho "$FAKE_UID"\n',
    });
    for (const name of ['logrotate', 'bin/sudo', 'bin/id']) chmodSync(join(place, name), 0o755);
    const run = (uid: string) =>
      tool('sh', [join(place, 'run'), '-f', '/etc/logrotate.d/citadel-ai'], {
        env: { FAKE_UID: uid, PATH: `${join(place, 'bin')}:${process.env['PATH'] ?? ''}` },
      }).output;
    expect(run('0')).toBe('as it is: -f /etc/logrotate.d/citadel-ai\n');
    expect(run('1000')).toBe(`sudo -n -- ${place}/logrotate -f /etc/logrotate.d/citadel-ai\n`);
  });
});
