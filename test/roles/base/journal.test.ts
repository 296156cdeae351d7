import { expect, it } from 'vitest';
import { CitadelError, type HostManifest } from '../../../lib/manifest/index.js';
import { buildHosts } from '../../../stacks/app.js';
import { parseInventory } from '../../support/site.js';

function host(journal: string): HostManifest {
  const [built] = buildHosts(
    parseInventory(
      `hosts:\n  a:\n    address: 10.0.0.5\n${journal}operator: { addresses: [10.0.0.1] }\nsecrets: { pem: { env: A }, pem_key: { env: B } }\n`,
      'site.yaml',
    ),
  );
  if (built === undefined) throw new Error('there is no host');
  return built;
}
const limits = (journal: string): string | undefined =>
  host(journal).files?.['/etc/systemd/journald.conf.d/citadel.conf']?.content;

it('limits the journal of every host', () => {
  expect(limits('')).toBe('[Journal]\nSystemMaxUse=2G\n');
  expect(limits('    journal: { maxUseGiB: 0.5, maxAgeDays: 90 }\n')).toBe(
    '[Journal]\nSystemMaxUse=512M\nMaxRetentionSec=90d\n',
  );
  expect(Object.keys(host('').units ?? {})).not.toContain('systemd-journal-upload.service');
});

it('keeps it on another machine, with the secrets of its certificate', () => {
  const { files = {}, units = {} } = host(
    '    journal: { upload: { url: "https://logs:1234", certificate: pem, key: pem_key } }\n',
  );
  expect(files['/etc/systemd/journal-upload.conf.d/citadel.conf']?.content).toContain(
    'URL=https://logs:1234\n',
  );
  expect(units['systemd-journal-upload.service']).toMatchObject({ enabled: true, state: 'running' });
  expect(JSON.stringify(files['/etc/ssl/citadel/journal-upload/privkey.pem'])).toContain('pem_key');
});

it.each([
  ['upload: { url: "https://logs", certificate: pem }', 'certificate and key go together'],
  ['upload: { url: "logs" }', 'is not the address of a receiver'],
  ['maxUseGiB: 0', '0 is below 0.0625'],
])('refuses %s', (journal, message) => {
  try {
    host(`    journal: { ${journal} }\n`);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(CitadelError);
    expect(String(error).toLowerCase()).toContain(message.toLowerCase());
  }
});
