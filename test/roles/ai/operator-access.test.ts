import { readdirSync, readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { Construct } from 'constructs';
import { describe, expect, it } from 'vitest';
import { Host, PackageUnit, SystemdUnit } from '../../../lib/constructs/index.js';
import { OperatorAccess } from '../../../lib/roles/ai/operations/index.js';
import { manifestOf, problemsOf } from '../../constructs/host/support.js';

const RULE = '/etc/polkit-1/rules.d/50-citadel.rules';
const MANAGE = 'org.freedesktop.systemd1.manage-units';
const EXPORTER = 'prometheus-node-exporter.service';

interface Question {
  readonly action?: string;
  readonly user?: string;
  /** What systemd says of the request: none of it for a transient unit before systemd 257. */
  readonly unit?: string;
  readonly verb?: string;
  readonly message?: string;
}

/** What the rule answers, asked as polkitd asks it. */
function asking(rule: string): (question: Question) => 'yes' | undefined {
  type Answer = (action: unknown, subject: unknown) => unknown;
  const rules: Answer[] = [];
  const polkit = { Result: { YES: 'yes', NOT_HANDLED: null }, addRule: (given: Answer) => rules.push(given) };
  runInNewContext(rule, { polkit });
  return ({ action = MANAGE, user = 'agent0', unit, verb, message = "… to start '$(unit)'." }) => {
    const details: Record<string, string | undefined> = { unit, verb, 'polkit.message': message };
    const answers = rules.map((each) =>
      each({ id: action, lookup: (key: string) => details[key] }, { user }),
    );
    return answers.includes('yes') ? 'yes' : undefined;
  };
}

function ruleOf(build: (host: Host) => void, packageUnits: readonly string[] = []): string {
  const { files } = manifestOf((host) => {
    // Before the units, as the AI node has it.
    new OperatorAccess(host, 'operators', { account: 'agent0', packageUnits });
    build(host);
  });
  return files?.[RULE]?.content ?? '';
}

const service = { ExecStart: '/bin/true' };

describe('what the account may do with units', () => {
  const ask = asking(
    ruleOf(
      (host) => {
        new SystemdUnit(host, 'phi3', { name: 'citadel-phi3.service', service });
        new SystemdUnit(host, 'template', { name: 'citadel-job@.service', service });
        new SystemdUnit(host, 'foreign', { name: 'backup.service', service });
        new PackageUnit(host, 'exporter', { name: EXPORTER });
        new PackageUnit(host, 'firewall', { name: 'nftables.service' });
        new PackageUnit(host, 'instance', { name: 'citadel-job@a.service' });
      },
      [EXPORTER, 'prometheus.service'],
    ),
  );

  it.each(['citadel-phi3.service', EXPORTER])('starts and stops %s', (unit) => {
    for (const verb of [
      'start',
      'stop',
      'restart',
      'try-restart',
      'reload',
      'reload-or-restart',
      'reload-or-try-restart',
      'reset-failed',
    ]) {
      expect(ask({ unit, verb }), verb).toBe('yes');
    }
  });

  it.each([
    ['a name that only looks like ours', 'citadel-evil.service'],
    ['another kind of unit of the same name', 'citadel-phi3.timer'],
    ['a name that begins like one of ours', 'citadel-phi3.service.service'],
    ['a template', 'citadel-job@.service'],
    ['an instance of a template', 'citadel-job@x.service'],
    ['a unit of ours by another name', 'backup.service'],
    ['a package’s unit that was not asked for', 'nftables.service'],
    ['a package’s unit that the host does not have', 'prometheus.service'],
    ['a running transaction', 'citadel-iac-0123456789abcdef.service'],
    ['the dead man’s switch', 'citadel-iac-deadman-0123456789abcdef.timer'],
    ['the way back at boot', 'citadel-iac-recover.service'],
    ['a property of every object', 'constructor'],
    ['no name, as before systemd 257', undefined],
    ['nothing at all', ''],
  ])('leaves %s alone', (_, unit) => {
    const of = unit === undefined ? {} : { unit };
    for (const verb of ['start', 'stop', 'restart', 'kill'])
      expect(ask({ ...of, verb }), verb).toBe(undefined);
    expect(ask(of)).toBe(undefined);
  });

  it.each([
    'bind-mount',
    'mount-image',
    'set-property',
    'kill',
    'clean',
    'freeze',
    'thaw',
    'ref',
    'attach',
    'cancel',
  ])('does not let it %s', (verb) => {
    expect(ask({ unit: 'citadel-phi3.service', verb })).toBe(undefined);
  });

  it('takes no unit of the caller’s own, whatever it is called', () => {
    const message = "Authentication is required to start transient unit '$(unit)'.";
    expect(ask({ unit: 'citadel-phi3.service', verb: 'start', message })).toBe(undefined);
  });

  it('answers that account and that question alone', () => {
    expect(ask({ unit: 'citadel-phi3.service', verb: 'start', user: 'agent1' })).toBe(undefined);
    expect(ask({ unit: 'citadel-phi3.service', verb: 'start', action: `${MANAGE}-files` })).toBe(undefined);
  });
});

describe('the rule', () => {
  it('is whole on a host without units', () => {
    expect(asking(ruleOf(() => undefined))({ unit: 'citadel-phi3.service', verb: 'start' })).toBe(undefined);
  });

  it('has names as data, whatever systemd lets stand in them', () => {
    const name = String.raw`citadel-\x22\u002b:a@b\n.service`;
    const rule = ruleOf((host) => new SystemdUnit(host, 'odd', { name, service }));
    expect(asking(rule)({ unit: name, verb: 'start' })).toBe('yes');
    expect(asking(rule)({ unit: 'citadel-"+:a@b.service', verb: 'start' })).toBe(undefined);
  });

  it.each(['citadel-"],x=["a.service', "citadel-'.service", 'citadel-\n.service', 'citadel-\u2028.service'])(
    'is never made with what is no name of a unit: %j',
    (name) => {
      expect(problemsOf((host) => new SystemdUnit(host, 'odd', { name, service })).join()).toContain(
        'is not a systemd unit name',
      );
    },
  );

  it('knows no unit of another host', () => {
    const rule = ruleOf((host) => {
      // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- a scope of the same tree
      const other = new Host(new Construct(host.node.root, 'elsewhere'), 'host', { name: 'other' });
      new SystemdUnit(other, 'phi3', { name: 'citadel-phi3.service', service });
    });
    expect(asking(rule)({ unit: 'citadel-phi3.service', verb: 'start' })).toBe(undefined);
  });

  it('of the example names the units that have a file there, and the exporter’s', () => {
    const ask = asking(readFileSync(`rendered/ai-node${RULE}`, 'utf8'));
    const names = readdirSync('rendered/ai-node/etc/systemd/system').filter((name) =>
      name.startsWith('citadel-'),
    );
    expect(names).toContain('citadel-lan.service');
    for (const unit of [...names, EXPORTER]) expect(ask({ unit, verb: 'start' }), unit).toBe('yes');
  });

  it('is written in the JavaScript that polkit reads', () => {
    // polkitd's engine knows ECMAScript 5 for certain, and no more.
    const rule = readFileSync(`rendered/ai-node${RULE}`, 'utf8').replace(/^\s*\/\/.*$/gm, '');
    expect(rule).not.toMatch(/=>|`|\b(?:const|let|class|includes)\b/);
  });
});
