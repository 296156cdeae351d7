import { expect, it } from 'vitest';
import type { ManifestCheck, ManifestPackage } from '../../lib/manifest/index.js';
import type { HostName, LabHost } from '../lab/api.js';
import type { EngineProcess } from './engine-process.js';
import { repositoryOf, REPOSITORY } from './package-repository.js';
import { expectOutcome } from './transaction-scenario.js';

const PACKAGES = [
  { name: 'e2e-base', version: '1.0' },
  { name: 'e2e-base', version: '2.0' },
  { name: 'e2e-needs', version: '1.0', fields: ['Depends: e2e-base'] },
  { name: 'e2e-needs', version: '2.0' },
  { name: 'e2e-prov', version: '1.0', fields: ['Provides: e2e-virtual, e2e-both'] },
  { name: 'e2e-more', version: '1.0', fields: ['Provides: e2e-both'] },
  { name: 'e2e-vital', version: '1.0', fields: ['Essential: yes'] },
  { name: 'e2e-broken', version: '1.0', postinst: 'exit 1' },
  { name: 'e2e-lost', version: '1.0' },
];
type Packages = Readonly<Record<string, ManifestPackage>>;

/** A case: what a person did on the host, what is wanted, and what the refusal says. */
interface Refusal {
  readonly title: string;
  readonly before?: string;
  readonly wanted: Packages;
  readonly item?: string;
  readonly says: readonly string[];
  readonly after?: string;
}

const absent = { state: 'absent' as const };
const REFUSALS: readonly Refusal[] = [
  {
    title: 'another version of a package that is held',
    before: 'apt-mark hold e2e-base',
    wanted: { 'e2e-base': { version: '2.0' } },
    item: 'packages/e2e-base',
    says: ['held on this host', 'apt-mark unhold e2e-base'],
  },
  {
    title: 'that a package goes which is held',
    wanted: {},
    item: 'packages/e2e-base',
    says: ['held on this host', 'apt-mark unhold e2e-base'],
    after: 'apt-mark unhold e2e-base',
  },
  {
    title: 'the absence of what others need',
    wanted: { 'e2e-base': absent },
    item: 'packages/e2e-base',
    says: ['e2e-base is to be absent, and what stays on this host needs it: e2e-needs'],
  },
  {
    title: 'the absence of what others need that are held',
    before: 'apt-mark hold e2e-needs',
    wanted: { 'e2e-base': absent },
    item: 'packages/e2e-base',
    says: ['needs it: e2e-needs'],
    after: 'apt-mark unhold e2e-needs',
  },
  {
    title: 'the absence of what is essential',
    before: 'apt-get -q -y install e2e-vital',
    wanted: { 'e2e-base': {}, 'e2e-vital': absent },
    item: 'packages/e2e-vital',
    says: ['essential', 'by hand'],
    after: 'apt-get -q -y remove --allow-remove-essential e2e-vital',
  },
  {
    title: 'work next to a package that is half-configured',
    before: `! dpkg -i ${REPOSITORY}/e2e-broken_1.0.deb`,
    wanted: { 'e2e-base': {}, 'e2e-prov': {} },
    says: ['dpkg has not finished e2e-broken (half-configured)', 'dpkg --configure -a'],
    after: 'dpkg --purge e2e-broken',
  },
  {
    title: 'work after a dpkg that was interrupted',
    before: 'true >/var/lib/dpkg/updates/0000',
    wanted: { 'e2e-base': {}, 'e2e-prov': {} },
    says: ['dpkg --configure -a'],
    after: 'rm /var/lib/dpkg/updates/0000',
  },
  {
    title: 'a virtual package that one provides',
    wanted: { 'e2e-base': {}, 'e2e-virtual': {} },
    item: 'packages/e2e-virtual',
    says: ['e2e-virtual is a virtual package', 'Name the one that is meant instead: e2e-prov\n'],
  },
  {
    title: 'a virtual package that several provide',
    wanted: { 'e2e-base': {}, 'e2e-both': {} },
    item: 'packages/e2e-both',
    says: ['e2e-both is a virtual package', /* in apt's order */ 'e2e-prov', ', ', 'e2e-more'],
  },
  {
    title: 'a virtual package whose provider is there',
    before: 'apt-get -q -y install e2e-prov',
    wanted: { 'e2e-base': {}, 'e2e-virtual': {} },
    item: 'packages/e2e-virtual',
    says: ['Name the one that is meant instead: e2e-prov\n'],
    after: 'apt-get -q -y remove e2e-prov',
  },
  {
    title: 'a file that holds a package of another name',
    wanted: { 'e2e-base': {}, 'e2e-else': { source: `${REPOSITORY}/e2e-prov_1.0.deb` } },
    item: 'packages/e2e-else',
    says: [`${REPOSITORY}/e2e-prov_1.0.deb holds the package e2e-prov`],
  },
  {
    title: 'a version that is not to be had',
    wanted: { 'e2e-base': {}, 'e2e-prov': { version: '9' } },
    says: ["Version '9' for 'e2e-prov' was not found"],
  },
  {
    title: 'what the repository lists and does not have',
    before: `mv ${REPOSITORY}/e2e-lost_1.0.deb /root/`,
    wanted: { 'e2e-base': {}, 'e2e-lost': {} },
    says: ['e2e-lost_1.0.deb'],
  },
];

/** What apt would not do is refused before anything is touched, with what to do. */
export function refusedPackages(name: HostName, host: LabHost, engine: () => EngineProcess): void {
  const marker = { content: 'x\n', owner: 'root', group: 'root', mode: '0644' };
  const apply = (packages: Packages, marked = false) =>
    engine().apply(name, {
      version: 1,
      host: name,
      packages,
      ...(marked ? { files: { '/etc/e2e-marker': marker } } : {}),
    });
  const installed = async (): Promise<string> =>
    (await host.exec(`dpkg-query -W 'e2e-*'; ls /etc/e2e-marker; readlink /var/lib/citadel-iac/current`))
      .stdout;

  it(`${name}: what apt would refuse is refused before anything is touched`, async () => {
    await host.reset();
    await host.mustExec(repositoryOf(PACKAGES));
    expectOutcome(await apply({ 'e2e-base': { version: '1.0' } }), 'committed');
    await host.mustExec('apt-get -q -y install e2e-needs=1.0');
    for (const { title, before, wanted, item, says, after } of REFUSALS) {
      if (before !== undefined) await host.mustExec(before);
      const there = await installed();
      const result = await apply(wanted, true);
      expect
        .soft([result.outcome, result.failure?.step, result.failure?.item], title)
        .toEqual(['refused', 'packages', item ?? result.failure?.item]);
      for (const text of says) expect.soft(`${result.failure?.output ?? ''}\n`, title).toContain(text);
      expect.soft(await installed(), title).toBe(there);
      if (after !== undefined) await host.mustExec(after);
    }
  });

  it(`${name}: what others need goes with them, stays for them, or goes when they need it no longer`, async () => {
    await host.mustExec('apt-mark hold e2e-needs');
    const stays = await apply({});
    expectOutcome(stays, 'committed');
    expect(stays.notes).toContain('package e2e-base stays, because others need it: e2e-needs');
    await host.mustExec('apt-mark unhold e2e-needs');
    expectOutcome(await apply({ 'e2e-base': absent, 'e2e-needs': { version: '2.0' } }), 'committed');
    expect(await installed()).toMatch(/^e2e-needs\t2\.0\n/m);
    expect(await installed()).not.toContain('e2e-base\t1.0');
  });

  it(`${name}: a hold is set, lifted for our own change, and comes back; what a person holds stays held`, async () => {
    const state = async (): Promise<string> =>
      (await host.exec(`dpkg-query -W -f '\${Version} \${db:Status-Want}' e2e-base`)).stdout;
    const base = (version: string): Packages => ({ 'e2e-base': { version, hold: true } });
    const committed = async (packages: Packages, then: string): Promise<void> => {
      expectOutcome(await apply(packages), 'committed');
      expect(await state(), JSON.stringify(packages)).toBe(then);
    };
    await host.mustExec(repositoryOf(PACKAGES));
    await host.mustExec('apt-get -q -y remove e2e-needs e2e-base');
    expectOutcome(await apply({}), 'committed', 'unchanged');
    await committed(base('1.0'), '1.0 hold');
    const [, generation = ''] = /generations\/(\d+)/.exec(await installed()) ?? [];
    const toFirst = (): Promise<string> =>
      host.mustExec(`sh /var/lib/citadel-iac/current/bin/back.sh - to ${generation} --yes`);
    await host.mustExec('apt-mark unhold e2e-base');
    await committed(base('1.0'), '1.0 hold');
    const sick: ManifestCheck = { kind: 'command', command: ['/bin/false'], timeoutSec: 1, wave: 0 };
    const failed = await engine().apply(name, {
      version: 1,
      host: name,
      packages: base('2.0'),
      checks: { sick },
    });
    expectOutcome(failed, 'rolled-back');
    expect(await state()).toBe('1.0 hold');
    await committed(base('2.0'), '2.0 hold');
    await toFirst();
    expect(await state()).toBe('1.0 hold');
    await committed({ 'e2e-base': { version: '1.0' } }, '1.0 install');
    await toFirst();
    expect(await state()).toBe('1.0 hold');
    expectOutcome(await apply({}), 'committed');
    expect(await installed()).not.toContain('e2e-base\t1.0');
    for (const [by, after] of [
      ['hold', 'hold'],
      ['unhold', 'install'],
    ] as const) {
      await host.mustExec(
        `apt-get -q -y --allow-change-held-packages install e2e-base=1.0 && apt-mark ${by} e2e-base`,
      );
      await committed(base('1.0'), '1.0 hold');
      await committed({}, `1.0 ${after}`);
    }
  });
}
