import { describe, expect, it } from 'vitest';
import { parseInventory } from '../../lib/inventory/index.js';
import { CitadelError } from '../../lib/manifest/index.js';
import { ai } from '../../lib/roles/ai/role.js';
import { base } from '../../lib/roles/base/role.js';
import { monitoring } from '../../lib/roles/monitoring/role.js';
import { defineSite, type Role, type Site } from '../../lib/site/index.js';
import { web } from './web-role.js';
import { scrapedBy } from '../support/scraped.js';

const SHOP = `hosts:
  shop:
    address: 10.0.0.5
    web: { name: shop.example.org }
`;
const WATCHED = `${SHOP}  watch:
    address: 10.0.0.6
    monitoring: {}
operator: { addresses: [10.0.0.1] }
`;
const ALONE = `${SHOP}operator: { addresses: [10.0.0.1] }\n`;

const inventoryFor = ({ roles }: Site, text: string) => parseInventory(roles, text, 'site.yaml');
const problemsOf = (work: () => unknown): string[] => {
  try {
    work();
  } catch (error) {
    if (error instanceof CitadelError) return error.problems.map(({ path, got }) => `${path}: ${got}`);
    throw error;
  }
  return [];
};

describe('a role that is not this project’s', () => {
  const site = defineSite({ roles: [base, monitoring, web] });

  it('makes its hosts from its own key', () => {
    const [shop] = site.buildHosts(inventoryFor(site, WATCHED));
    expect(shop?.packages).toHaveProperty('nginx');
    expect(shop?.files?.['/var/www/html/name']?.content).toBe('shop.example.org\n');
    // Nothing of an AI node: no account, no Python.
    expect(Object.keys(shop?.packages ?? {})).not.toContain('python3');
    expect(Object.keys(shop?.files ?? {}).filter((path) => path.endsWith('.py'))).toEqual([]);
  });

  it('is scraped and probed by a role that does not know it, and lets that in', () => {
    const [shop, watch] = site.buildHosts(inventoryFor(site, WATCHED));
    const asked = scrapedBy(watch!);
    expect(asked['web']).toEqual([{ targets: ['10.0.0.5:9113'], labels: { host: 'shop' } }]);
    expect(asked['probe']).toContainEqual({
      targets: ['http://10.0.0.5/'],
      labels: { host: 'shop', service: 'web' },
    });
    expect(shop?.files?.['/etc/nftables.conf']?.content).toMatch(
      /10\.0\.0\.6[^\n]*9113|9113[^\n]*10\.0\.0\.6/,
    );
  });

  it('has its alerts among the others, about metrics that it says its targets give', () => {
    const [, watch] = site.buildHosts(inventoryFor(site, WATCHED));
    expect(watch?.files?.['/etc/prometheus/rules/web.yml']?.content).toContain('alert: WebDown');
    const silent: Role = {
      ...web,
      contribute: (fleet) => (web.contribute?.(fleet) ?? []).filter(({ kind }) => kind !== 'metrics'),
    };
    const without = defineSite({ roles: [base, monitoring, silent] });
    expect(problemsOf(() => without.buildHosts(inventoryFor(without, WATCHED)))[0]).toContain(
      'nothing exposes or records "nginx_up"',
    );
  });

  it('has its key checked by its own schema and its own rules, with the line', () => {
    const wrong = (text: string) => problemsOf(() => inventoryFor(site, text));
    expect(wrong(ALONE.replace('name: shop', 'nmae: shop'))).toEqual([
      'site.yaml:4:10: is missing',
      'site.yaml:4:12: unknown key "nmae"',
    ]);
    expect(wrong(ALONE.replace('shop.example.org', 'localhost'))).toEqual([
      'site.yaml:4:18: "localhost" is the name of every machine',
    ]);
    // It serves others, so it needs an address.
    expect(wrong(ALONE.replace('    address: 10.0.0.5\n', ''))).toEqual([
      'site.yaml:2:3: is missing, and "web" needs it',
    ]);
  });

  it('leaves no key behind in a site without it', () => {
    const without = defineSite({ roles: [base, monitoring] });
    expect(problemsOf(() => inventoryFor(without, ALONE))).toEqual(['site.yaml:4:5: unknown key "web"']);
  });

  it('is told in a note what no role reads, and refused nothing', () => {
    const lines = (text: string) => site.notes(inventoryFor(site, text));
    expect(lines(WATCHED)).toEqual([
      'the role "web" contributes 1 log file, which no host of this inventory reads',
    ]);
    expect(lines(ALONE)).toEqual([
      'the role "base" contributes 1 scrape target, which no host of this inventory reads',
      'the role "base" contributes 5 groups of alerts, which no host of this inventory reads',
      'the role "web" contributes 1 group of alerts, which no host of this inventory reads',
      'the role "web" contributes 1 scrape target, which no host of this inventory reads',
      'the role "web" contributes 1 probe, which no host of this inventory reads',
      'the role "web" contributes 1 log file, which no host of this inventory reads',
    ]);
    expect(site.buildHosts(inventoryFor(site, ALONE)).map(({ host }) => host)).toEqual(['shop']);
  });
});

describe('a site', () => {
  const other = (role: Partial<Role>): Role => ({ ...web, name: 'other', ...role });

  it('refuses two roles that claim one key, and names both', () => {
    expect(problemsOf(() => defineSite({ roles: [web, other({})] }))).toEqual([
      'citadel.config.ts: the key "hosts.*.web" belongs to the role "web", and the role "other" claims it as well',
    ]);
    const { schema } = ai;
    expect(
      problemsOf(() => defineSite({ roles: [ai, other({ schema: { site: schema?.site ?? {} } })] })),
    ).toEqual([
      'citadel.config.ts: the key "slo" belongs to the role "ai", and the role "other" claims it as well',
    ]);
  });

  it('refuses a role that claims a key of the tool', () => {
    const { web: given } = web.schema?.host ?? {};
    expect(
      problemsOf(() => defineSite({ roles: [other({ schema: { host: { mounts: given! } } })] })),
    ).toEqual([
      'citadel.config.ts: the key "hosts.*.mounts" belongs to citadel-iac itself, and the role "other" claims it as well',
    ]);
  });

  it('refuses a role of another version, and two of one name', () => {
    expect(problemsOf(() => defineSite({ roles: [other({ apiVersion: 2 })] }))).toEqual([
      'citadel.config.ts: it was written for version 2 of the interface of roles, and this is version 1',
    ]);
    expect(problemsOf(() => defineSite({ roles: [web, { ...web, schema: {} }] }))).toEqual([
      'citadel.config.ts: two roles have this name',
    ]);
  });

  it('makes the same hosts whatever the order of its roles', () => {
    const [one, two] = [
      [base, monitoring, web],
      [web, monitoring, base],
    ].map((roles) => {
      const site = defineSite({ roles });
      return site.buildHosts(inventoryFor(site, WATCHED));
    });
    expect(one).toEqual(two);
  });

  it('has nothing of the base role where it is not named', () => {
    const bare = defineSite({ roles: [web] });
    const [shop] = bare.buildHosts(inventoryFor(bare, ALONE));
    expect(Object.keys(shop?.packages ?? {}).sort()).toEqual(['nginx', 'prometheus-nginx-exporter']);
  });

  it('builds what belongs to no role as well', () => {
    const seen: string[] = [];
    const site = defineSite({
      roles: [web],
      build: ({ members }) => seen.push(...members.map(({ name }) => name)),
    });
    site.buildHosts(inventoryFor(site, ALONE));
    expect(seen).toEqual(['shop']);
  });
});
