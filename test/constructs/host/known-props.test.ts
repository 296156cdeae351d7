import { expect, it } from 'vitest';
import type { Host } from '../../../lib/constructs/index.js';
import {
  AptPackage,
  AptRepository,
  CronFile,
  Directory,
  FirewallRules,
  HealthCheck,
  HostFile,
  IpProtocol,
  LogrotateFile,
  ManagedBlock,
  Mount,
  Port,
  Symlink,
  SystemdDropIn,
  SystemdUnit,
  UserAccount,
  UserGroup,
} from '../../../lib/constructs/index.js';
import { hostWith, problemsOf } from './support.js';

/** As a stack written in JavaScript passes it: no compiler has seen it. */
const untyped = (props: object): never => props as never;
const KEY = '-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n-----END PGP PUBLIC KEY BLOCK-----\n';
const unit = { name: 'x.service' };

it.each<[string, (host: Host) => unknown, string]>([
  ['HostFile', (host) => new HostFile(host, 'f', untyped({ path: '/a', content: '', modee: '0600' })), 'modee: is not a property of this construct. Did you mean mode?'],
  ['Directory', (host) => new Directory(host, 'f', untyped({ path: '/a', ownr: 'root' })), 'ownr: is not a property of this construct. Did you mean owner?'],
  ['Symlink', (host) => new Symlink(host, 'f', untyped({ path: '/a', target: 'b', mode: '0777' })), 'mode: is not a property of this construct. It has path, state, target'],
  ['ManagedBlock', (host) => new ManagedBlock(host, 'f', untyped({ path: '/a', lines: [], position: 1 })), 'position:'],
  ['AptPackage', (host) => new AptPackage(host, 'f', untyped({ name: 'x1', verison: '1' })), 'verison: is not a property of this construct. Did you mean version?'],
  ['AptRepository', (host) => new AptRepository(host, 'f', untyped({ url: 'https://x', suite: 's', key: KEY, components_: [] })), 'components_:'],
  ['UserAccount', (host) => new UserAccount(host, 'f', untyped({ authorisedKeys: [] })), 'authorisedKeys: is not a property of this construct. Did you mean authorizedKeys?'],
  ['UserGroup', (host) => new UserGroup(host, 'f', untyped({ id: 7 })), 'id:'],
  ['Mount', (host) => new Mount(host, 'f', untyped({ mountPoint: '/a', source: { device: '/dev/a' }, type: 'ext4', option: [] })), 'option: is not a property of this construct. Did you mean options?'],
  ['Port', (host) => new Port(host, 'f', untyped({ number: 80, listener: 'x', reach: 'any', portocol: 'udp' })), 'portocol: is not a property of this construct. Did you mean protocol?'],
  ['IpProtocol', (host) => new IpProtocol(host, 'f', untyped({ number: 112, listener: 'x', from: [], reach: 'any' })), 'reach:'],
  ['FirewallRules', (host) => new FirewallRules(host, 'f', untyped({ ssh: { from: 'any', prot: 2 } })), 'ssh.prot: is not a property of this construct. Did you mean port?'],
  ['HealthCheck', (host) => new HealthCheck(host, 'f', untyped({ probe: { http: 'http://x', stauts: 200 } })), 'probe.stauts: is not a property of this construct. Did you mean status?'],
  ['HealthCheck.probe.tcp', (host) => new HealthCheck(host, 'f', untyped({ probe: { tcp: { port: 1, adress: 'x' } } })), 'probe.tcp.adress:'],
  ['CronFile.jobs', (host) => new CronFile(host, 'f', untyped({ jobs: [{ schedule: '@daily', user: 'root', command: 'true', env: 1 }] })), 'jobs[0].env:'],
  ['LogrotateFile.entries', (host) => new LogrotateFile(host, 'f', untyped({ entries: [{ paths: ['/a'], roatate: 4 }] })), 'entries[0].roatate: is not a property of this construct. Did you mean rotate?'],
  ['SystemdUnit', (host) => new SystemdUnit(host, 'f', untyped({ ...unit, servcie: {} })), 'servcie: is not a property of this construct. Did you mean service?'],
  ['PackageUnit', (host) => SystemdUnit.fromPackage(host, 'f', untyped({ ...unit, enable: true })), 'enable: is not a property of this construct. Did you mean enabled?'],
  ['SystemdDropIn', (host) => [SystemdUnit.fromPackage(host, 'u', unit), new SystemdDropIn(host, 'f', untyped({ unit: 'x.service', sections: { servce: {} } }))], 'sections.servce:'],
])('%s refuses a property that it does not have, with the one that was meant', (_name, build, expected) => {
  expect(problemsOf(build)).toEqual([expect.stringContaining(expected)]);
}); // prettier-ignore

it('names the construct, and Host refuses unknown properties too', () => {
  expect(problemsOf((host) => new Directory(host, 'f', untyped({ path: '/a', mod: '0700' })))).toEqual([
    '[ai-node/host/f] mod: is not a property of this construct. Did you mean mode?',
  ]);
  expect(() => hostWith(() => undefined, untyped({ adresses: [] })).manifest()).toThrow(/addresses/);
});

it('refuses a check that says nothing to ask, and one that says two things', () => {
  const check = (probe: object) => problemsOf((host) => new HealthCheck(host, 'c', untyped({ probe })));
  expect(check({ url: 'http://x' })).toEqual([expect.stringContaining('Give exactly one of unit, http')]);
  expect(check({ http: 'http://x', unit: 'x.service' })).toEqual([
    expect.stringContaining('has unit and http'),
  ]);
});
