import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseInventory } from 'citadel-iac/testing';
import type { HostManifest, Site } from 'citadel-iac';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CitadelError, formatProblem } from '../../../lib/manifest/index.js';
import { makeOfflineRoot } from '../../../scripts/offline-root.mjs';
import { aiInventory, aiSite } from './ai-alone.js';
import { containerInventory, containerSite } from './containers.js';
import { shopInventory, shopSite } from './shop.js';

let scratch: string;
let certificate: string;
let key: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'citadel-foreign-'));
  const words = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=shop -days 9 -keyout shop.key -out shop.pem';
  execFileSync('openssl', ['req', ...words.split(' ')], { cwd: scratch, stdio: 'pipe' });
  certificate = readFileSync(join(scratch, 'shop.pem'), 'utf8');
  key = readFileSync(join(scratch, 'shop.key'), 'utf8');
}); // prettier-ignore
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function hostOf(site: Site, text: string): HostManifest {
  const [manifest] = site.buildHosts(parseInventory(site.roles, text, 'inventory.yaml'));
  if (manifest === undefined) throw new Error('the site has no host');
  return manifest;
}

const problemsOf = (work: () => unknown): string[] => {
  try {
    work();
  } catch (error) {
    if (error instanceof CitadelError) return error.problems.map(formatProblem);
    throw error;
  }
  return [];
};

/** `citadel-iac VERB` about a document and a root of this machine. */
function cli(verb: readonly string[], manifest: HostManifest, os = 'debian-13') {
  const root = join(scratch, manifest.host);
  if (!existsSync(root)) {
    makeOfflineRoot(root);
    const accounts = { passwd: 'postgres:x:160:160::/:/bin/sh\nwww-data:x:33:33::/:/bin/sh\n', group: 'postgres:x:160:\nwww-data:x:33:\n' };
    for (const [name, lines] of Object.entries(accounts)) {
      writeFileSync(join(root, 'etc', name), readFileSync(join(root, 'etc', name), 'utf8') + lines);
    }
    const [id = '', version = ''] = os.split('-');
    writeFileSync(join(root, 'etc/os-release'), `PRETTY_NAME="x"\nID=${id}\nVERSION_ID="${version}"\n`);
    mkdirSync(join(root, 'var/lib'), { recursive: true });
    // What packages would bring.
    for (const name of ['chrony', 'cron', 'nginx', 'postgresql@', 'unattended-upgrades', 'haproxy']) {
      const text = '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n';
      writeFileSync(join(root, 'usr/lib/systemd/system', `${name}.service`), text);
    }
  }
  writeFileSync(join(scratch, 'host.json'), JSON.stringify(manifest));
  writeFileSync(
    join(scratch, 'inventory.yaml'),
    `hosts:\n  ${manifest.host}: { root: ${root} }\nsecrets: { shop_db: { env: SHOP_DB }, shop_key: { env: SHOP_KEY }, board_key: { env: SHOP_DB } }\n`,
  );
  const { NODE_OPTIONS: _options, ...env } = process.env;
  const words = [...verb, '--manifest', join(scratch, 'host.json'), '--inventory', join(scratch, 'inventory.yaml')];
  const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/citadel-iac.mjs', ...words], {
    encoding: 'utf8',
    env: { ...env, SHOP_DB: 'x9', SHOP_KEY: key },
  });
  return { status, output: stdout + stderr, root };
} // prettier-ignore

it('is written without a raw file by any of the teams', () => {
  const written = ['shop', 'containers', 'ai-alone'].map((name) =>
    readFileSync(new URL(`${name}.ts`, import.meta.url), 'utf8'),
  );
  expect(written.join('')).not.toMatch(/HostFile|ManagedBlock|new SystemdUnit|DropIn|override\(/);
});

describe('the site of a team with nginx and PostgreSQL', () => {
  const build = () =>
    hostOf(shopSite(certificate), shopInventory('shop', 'debian-13', 'LABEL=citadel-backup'));

  it('is said by constructs alone, with its firewall and its disk', () => {
    const manifest = build();
    expect(Object.keys(manifest.packages ?? {})).toEqual(
      expect.arrayContaining(['nginx', 'openssl', 'postgresql-17', 'chrony', 'unattended-upgrades']),
    );
    expect(manifest.mounts).toHaveProperty('/var/lib/postgresql');
    const firewall = manifest.files?.['/etc/nftables.conf']?.content ?? '';
    expect(firewall).toContain('tcp dport 443 accept');
    expect(firewall).not.toContain('dport 5432 accept');
    expect(manifest.files?.['/etc/cron.d/shop-dump']?.content).toContain('$(date +\\%u)');
    expect(manifest.files?.['/etc/nginx/sites-available/shop']?.content).toContain(
      'ssl_certificate /etc/ssl/citadel/shop-tls/fullchain.pem;',
    );
  });

  it.skipIf(process.getuid?.() !== 0)('goes onto a host, which then has nothing to do, and onto none of another release', () => {
    const manifest = build();
    const applied = cli(['apply', '--yes'], manifest);
    expect([applied.output, applied.status]).toEqual([expect.stringContaining('done'), 0]);
    expect(readFileSync(join(applied.root, 'etc/ssl/citadel/shop-tls/privkey.pem'), 'utf8')).toBe(key);
    expect(cli(['diff'], manifest)).toMatchObject({ status: 0 });
    const other = cli(['diff'], { ...manifest, os: 'debian-12' });
    expect([other.status, other.output]).toEqual([
      1,
      expect.stringContaining('[shop] the host has debian-13, and its configuration is made for debian-12'),
    ]);
  }); // prettier-ignore
});

describe('the site of a team with containers', () => {
  it('takes its image from a file of the host, and lets in whom it says', () => {
    const manifest = hostOf(containerSite, containerInventory('board', 'debian-13'));
    expect(manifest.os).toBe('debian-13');
    expect(manifest.files?.['/etc/containers/systemd/board.container']?.content).toContain('Pull=never');
    expect(manifest.files?.['/etc/containers/systemd/board.container']?.content).toContain(
      'Volume=/srv/board:/data\n',
    );
    expect(manifest.files?.['/etc/nftables.conf']?.content).toContain('chain forwarded');
    if (process.getuid?.() !== 0) return;
    expect(cli(['apply', '--yes'], manifest)).toMatchObject({ status: 0 });
  });

  it('is refused on Debian 12, with the reason and what to do', () => {
    expect(problemsOf(() => hostOf(containerSite, containerInventory('board', 'debian-12')))).toEqual([
      expect.stringMatching(/board\/board\] the host has Debian 12 .* its podman is 4\.3, which has no quadlets\. Upgrade/),
    ]);
    expect(problemsOf(() => hostOf(containerSite, containerInventory('board', 'debian-11')))[0]).toMatch(
      /^\[inventory\.yaml:3:\d+\].*debian-12/,
    );
  }); // prettier-ignore
});

describe('the site of a team with one AI node', () => {
  it('needs nothing that watches it', () => {
    const manifest = hostOf(aiSite, aiInventory('mind'));
    expect(manifest.units).toHaveProperty('citadel-phi3.service');
    expect(Object.keys(manifest.packages ?? {})).not.toContain('prometheus');
    expect(problemsOf(() => aiSite.notes(parseInventory(aiSite.roles, aiInventory('mind'), 'x')))).toEqual([]);
    if (process.getuid?.() !== 0) return;
    expect(cli(['apply', '--yes'], manifest)).toMatchObject({ status: 0 });
  }); // prettier-ignore
});
