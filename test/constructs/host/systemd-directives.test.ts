import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DIRECTIVES, SYSTEMD_VERSION } from '../../../lib/constructs/host/generated/systemd-directives.js';

const project = join(import.meta.dirname, '../../..');
const version = spawnSync('systemctl', ['--version'], { encoding: 'utf8' }).stdout as string | null;
const sameSystemd = version?.startsWith(`systemd ${SYSTEMD_VERSION} `) === true;
const manual = existsSync('/usr/share/man/man5/systemd.service.5.gz');

describe('the list of directives', () => {
  it('has what the manual documents and not what systemd keeps for old files', () => {
    expect(DIRECTIVES.Service).toMatchObject({
      ExecStart: 'PATH [ARGUMENT [...]]',
      LoadCredential: 'OTHER',
      MemoryMax: 'LIMIT',
    });
    expect(DIRECTIVES.Timer).toHaveProperty('OnCalendar');
    expect(DIRECTIVES.Install).toHaveProperty('WantedBy');
    for (const old of [
      'MemoryLimit',
      'CPUShares',
      'ReadWriteDirectories',
      'BindTo',
      'PermissionsStartOnly',
    ]) {
      expect(DIRECTIVES.Service).not.toHaveProperty(old);
    }
  });

  it.skipIf(!sameSystemd || !manual)(
    `is what the generator makes of this machine${sameSystemd && manual ? '' : ` (needs systemd ${SYSTEMD_VERSION} and its manual)`}`,
    () => {
      const printed = execFileSync(
        'node',
        [join(project, 'scripts/generate-systemd-directives.mjs'), '--print'],
        {
          encoding: 'utf8',
          timeout: 30_000,
        },
      );
      expect(printed).toBe(
        readFileSync(join(project, 'lib/constructs/host/generated/systemd-directives.ts'), 'utf8'),
      );
    },
  );
});
