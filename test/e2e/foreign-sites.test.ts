import { execFileSync } from 'node:child_process';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Construct, RootConstruct } from 'constructs';
import { Container, Host, type HostManifest } from 'citadel-iac';
import { parseInventory } from 'citadel-iac/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LabHost } from '../lab/api.js';
import { describeLab } from '../lab/suite.js';
import { shopInventory, shopSite } from '../site/foreign/shop.js';
import { Workbench } from './harness.js';

describeLab('sites of other teams, written from the docs alone', (lab) => {
  let bench: Workbench;
  let shop: HostManifest;
  let host: LabHost;

  beforeAll(async () => {
    await Promise.all([lab.reset('ai-node'), lab.reset('dev-ops')]);
    bench = await Workbench.open(lab);
    host = lab.host('ai-node');
    const words = `-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=shop -days 9 -keyout shop.key -out shop.pem`;
    execFileSync('openssl', ['req', ...words.split(' ')], { cwd: bench.folder, stdio: 'pipe' });
    await writeFile(join(bench.folder, 'db'), `it's "x" \\ 9\n`);
    const source = (name: string) => ({ file: join(bench.folder, name) });
    await appendFile(
      bench.inventory,
      `secrets: ${JSON.stringify({ shop_db: source('db'), shop_key: source('shop.key') })}\n`,
    );
    const site = shopSite(await readFile(join(bench.folder, 'shop.pem'), 'utf8'));
    const inventory = shopInventory('ai-node', 'debian-13', 'LABEL=citadel-backup');
    const [manifest] = site.buildHosts(parseInventory(site.roles, inventory, 'inventory.yaml'));
    if (manifest === undefined) throw new Error('the site has no host');
    shop = manifest;
    await Promise.all(
      [host, lab.host('dev-ops')].map((each) =>
        each.mustExec('apt-get -qq update >/dev/null 2>&1 || true', { timeoutMs: 120_000 }),
      ),
    );
  });
  afterAll(() => bench.close());

  it('a shop with its cluster on a disk of its own is made in one apply, and works', async () => {
    const run = await bench.cli(['apply', '--yes', '--manifest', await bench.writeManifest(shop)], {
      timeoutMs: 240_000,
    });
    // The end of it alone: a plan of many files hides what went wrong.
    expect([run.code, (run.stdout + run.stderr).slice(-1500)]).toEqual([0, expect.any(String)]);
    const facts = await host.mustExec(`
      findmnt -no SOURCE /var/lib/postgresql; ls /var/lib/postgresql/17
      curl -sk https://127.0.0.1/ | grep -c '<title>Welcome to nginx'; curl -s -o /dev/null -w '%{http_code} %{redirect_url}\\n' http://127.0.0.1/
      runuser -u postgres -- psql -XtAc "SELECT datname || ' ' || pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop'"
      PGPASSWORD="it's \\"x\\" \\\\ 9" psql -h 127.0.0.1 -U shop -XtAc 'SHOW max_connections' shop
      runuser -u postgres -- sh -c "$(sed -n 's/^30 2 .* postgres //p' /etc/cron.d/shop-dump | sed 's/\\\\%/%/g')" && ls /var/backups/shop | grep -c '^shop\\.[1-7]$'
      nft list table inet citadel | grep -c 'dport 443 accept'; nft list table inet citadel | grep -c 'dport 5432' || true
      apt-config dump Unattended-Upgrade::Package-Blacklist | grep -c 'Blacklist:: "^postgresql"'`);
    expect(facts).toMatch(/^\/dev\/\S+\nmain\n1\n301 https:\/\/127\.0\.0\.1\/\nshop shop\n20\n1\n1\n0\n1\n$/);
    const { changes } = await bench.diff(shop);
    expect(changes).toEqual([]);
  }, 300_000);

  it('a host of another release is refused before anything is planned', async () => {
    const run = await bench.cli(['diff', '--manifest', await bench.writeManifest({ ...shop, os: 'debian-12' })]);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('the host has debian-13')]);
  }, 60_000); // prettier-ignore

  it('a container is refused on Debian 12 by the host itself, and nothing of it stays', async () => {
    const plain = new Host(new Construct(new RootConstruct(), 'board'), 'dev-ops');
    new Container(plain, 'board', { image: 'localhost/board:2.1' });
    const run = await bench.cli(
      ['apply', '--yes', '--manifest', await bench.writeManifest(plain.manifest())],
      { timeoutMs: 240_000 },
    );
    expect([run.code, run.stdout + run.stderr]).toEqual([
      expect.toBeOneOf([1, 3]),
      expect.stringContaining('podman of this host is older than 4.4 and has no quadlets'),
    ]);
    expect(await lab.host('dev-ops').mustExec('ls /etc/containers/systemd 2>&1; dpkg -l podman | grep -c ^ii || true')).toMatch(/0\n$/);
  }, 300_000); // prettier-ignore
});
