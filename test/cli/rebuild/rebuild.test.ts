import { describe, expect, it } from 'vitest';
import { bootstrapTarget } from '../../../lib/cli/rebuild/doors.js';
import type { RecoveryPort } from '../../../lib/cli/rebuild/recovery-port.js';
import type { HostPlan } from '../../../lib/engine/model.js';
import type { DiskFound } from '../../../lib/engine/recovery/disks.js';
import { CitadelError, type HostManifest, sshTargetSchema } from '../../../lib/manifest/index.js';
import { call, differing } from '../call.js';
import { observed, PIN, planOf } from '../doubles.js';
import { error, model, NODE, UNIT, weights, world } from './world.js';

const OTHER = { type: 'ssh-ed25519', fingerprint: `SHA256:${'B'.repeat(43)}` };

describe('the way in', () => {
  it('shows the key of a machine that was reinstalled, and sends it nothing', async () => {
    const { code, printed, engineDouble } = await call('rebuild alpha --yes', world({}, { keys: [OTHER] }));
    expect(code).toBe(1);
    expect(printed.err).toBe(
      `[alpha] the machine at 10.0.0.1 offers ssh-ed25519 ${OTHER.fingerprint}; none of the pinned host keys (${PIN}) is among them. ` +
        'A machine that was reinstalled has a new host key. On its own console (not over this network) run ' +
        '"for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done" and compare; when they are equal: ' +
        `citadel-iac rebuild alpha --host-key ${OTHER.fingerprint} (for this run), or put it into hosts.alpha.ssh.hostKeys of inv.yaml first.\n`,
    );
    expect(engineDouble.calls).toEqual([]);
  });

  it('takes a given key for this run only, and says where it belongs', async () => {
    const line = `rebuild alpha --yes --host-key ${OTHER.fingerprint}`;
    const { code, printed } = await call(
      line,
      world({ planWeights: () => Promise.resolve(weights(model('whole'))) }, { keys: [OTHER] }),
    );
    expect(code).toBe(0);
    expect(printed.out).toContain(`to the host key ${OTHER.fingerprint}, given for this run`);
    expect(printed.out).toContain(
      `Put ${OTHER.fingerprint} into hosts.alpha.ssh.hostKeys of inv.yaml, in place of the old host’s.`,
    );
    const wrong = await call(line, world());
    expect(wrong.code).toBe(1);
    expect(wrong.printed.err).toContain(
      `does not have the key that was given (${OTHER.fingerprint}); it offers ssh-ed25519 ${PIN}`,
    );
    expect(wrong.engineDouble.calls).toEqual([]);
  });

  it('refuses a fingerprint that is none, and an offline root', async () => {
    expect((await call('rebuild alpha --host-key MD5:aa', world())).printed.err).toContain(
      'Give it as "ssh-keygen -lf" prints it',
    );
    const root = await call('rebuild alpha', { ...world(), inventory: 'hosts: { alpha: { root: /srv } }\n' });
    expect(root.printed.err).toBe(
      '[alpha] is a directory (/srv), and not a machine. Write it with "citadel-iac apply alpha".\n',
    );
  });

  it('bootstraps through root where the account is not let in, with the keys of manifest and inventory', async () => {
    let made = false;
    const doors: unknown[] = [];
    const recovery = {
      planWeights: () => Promise.resolve(weights(model('whole'))),
      bootstrap: (_transport: unknown, door: unknown) => {
        made = true;
        doors.push(door);
        return Promise.resolve(['made the account agent0']);
      },
    };
    const user = { home: '/home/agent0', shell: '/bin/bash', groups: [], system: false };
    const manifest = { ...NODE, users: { agent0: { ...user, uid: 1000, authorizedKeys: ['ssh-rsa BBBB'] } } };
    const openAs = { agent0: () => (made ? undefined : error('ssh.auth')) };
    const { code, printed, engineDouble } = await call(
      'rebuild alpha --yes',
      world(recovery, { openAs }, manifest),
    );
    expect(printed.err).not.toContain('internal');
    expect(code).toBe(0);
    expect(doors).toEqual([{ user: 'agent0', uid: 1000, keys: ['ssh-rsa BBBB', 'ssh-ed25519 AAAA'] }]);
    expect(printed.out).toContain('as root@10.0.0.1: make the account, keys and sudo of agent0@10.0.0.1');
    expect(printed.out).toMatch(/bootstrap +0 s +30 s +made the account agent0/);
    expect(engineDouble.calls.filter((each) => each.startsWith('open'))).toHaveLength(3);
  });

  it('enters as another account without what is the usual one’s', () => {
    const target = sshTargetSchema.parse({
      address: 'alpha.example',
      user: 'agent0',
      hostKeys: [PIN],
      identityFile: '~/.ssh/agent0',
      identityPassphrase: 'key_word',
      become: 'sudo',
      sudoPassword: 'ops_sudo',
    });
    const { become: _become, sudoPassword: _password, ...rest } = target;
    expect(bootstrapTarget(target, {})).toEqual({ ...rest, user: 'root' });
    expect(bootstrapTarget(target, { bootstrapUser: 'agent0' })).toEqual(target);
    const other = { bootstrapUser: 'debian', bootstrapIdentity: '/keys/new' };
    const { identityPassphrase: _passphrase, ...plain } = rest;
    expect(bootstrapTarget(target, other)).toEqual({ ...plain, user: 'debian', identityFile: '/keys/new' });
  });

  it('says of both doors why they are shut', async () => {
    const openAs = { agent0: () => error('ssh.auth', 'no agent0'), root: () => error('ssh.auth', 'no root') };
    const { code, printed } = await call('rebuild alpha --yes', world({}, { openAs }));
    expect(code).toBe(1);
    expect(printed.err).toContain(
      'neither "agent0" (no agent0) nor the account for the first log-in is let in: no root.',
    );
    expect(printed.err).toContain('--bootstrap-user NAME --bootstrap-identity KEY-FILE');
    const down = await call(
      'rebuild alpha --yes',
      world({}, { openAs: { agent0: () => error('ssh.unreachable', 'down') } }),
    );
    expect(down.printed.err).toBe('[alpha] down. Do.\n');
  });
});

describe('before anything is touched', () => {
  const disk = (mountPoint: string, state: DiskFound['state']): DiskFound => ({
    mountPoint,
    source: 'LABEL=models',
    wanted: 'ext4',
    state,
    detail: '',
    device: '/dev/sdb1',
    places: [],
    ours: [],
    subvolume: false,
  });

  it('names every disk that a person must see to', async () => {
    const disks = () => Promise.resolve([disk('/a', 'empty'), disk('/b', 'absent')]);
    const { code, printed, engineDouble } = await call('rebuild alpha --yes', world({ disks }));
    expect(code).toBe(1);
    expect(printed.err).toContain('mounts./a: LABEL=models has no file system.');
    expect(printed.err).toContain('sudo mkfs.ext4 -L models /dev/sdb1');
    expect(printed.err).toContain('mounts./b: there is no LABEL=models.');
    expect(engineDouble.applied).toEqual([]);
  });

  it('names every secret that cannot be read together with the disks, and opens no door', async () => {
    const missing = ['db', 'mail'].map((name) => ({
      code: 'secret.env',
      path: `secrets/${name}`,
      got: `Secret ${name} is not there: the environment variable ${name.toUpperCase()} is not set`,
      fix: `Set ${name.toUpperCase()} and run again`,
    }));
    let bootstrapped = 0;
    const recovery = {
      disks: () => Promise.resolve([disk('/a', 'empty')]),
      bootstrap: () => {
        bootstrapped += 1;
        return Promise.resolve([]);
      },
    };
    const engine = {
      missingSecrets: new CitadelError(missing),
      openAs: { agent0: () => error('ssh.auth') },
    };
    const { code, printed, engineDouble } = await call('rebuild alpha --yes', world(recovery, engine));
    expect(code).toBe(1);
    expect(printed.err).toContain('mounts./a: LABEL=models has no file system.');
    expect(printed.err).toContain('the environment variable DB is not set. Set DB and run again.');
    expect(printed.err).toContain('the environment variable MAIL is not set. Set MAIL and run again.');
    expect([bootstrapped, engineDouble.applied, printed.out]).toEqual([0, [], '']);
  });

  it('shows the plan and asks; without anybody to ask it stops', async () => {
    const nobody = await call('rebuild alpha', world());
    expect(nobody.code).toBe(1);
    expect(nobody.printed.out).toContain('alpha: rebuild, in about');
    expect(nobody.printed.err).toContain('no one to ask: this is not a terminal; nothing was changed');
    const no = await call('rebuild alpha', { ...world(), answer: false });
    expect(no.questions).toEqual(['Rebuild alpha?']);
    expect([no.code, no.engineDouble.applied]).toEqual([1, []]);
  });
});

describe('the steps', () => {
  it('has nothing to do on a host that is what it should be', async () => {
    const recovery = {
      planWeights: () => Promise.resolve(weights(model('whole'))),
      health: () => Promise.resolve({ well: true, words: '' }),
    };
    const { code, printed, engineDouble } = await call('rebuild alpha --yes --json', world(recovery));
    expect(code).toBe(0);
    const report = JSON.parse(printed.out) as { outcome: string; steps: { name: string; outcome: string }[] };
    expect(report.outcome).toBe('rebuilt');
    expect(report.steps.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
      'reach done',
      'bootstrap already',
      'disks already',
      'configuration already',
      'weights already',
      'services already',
      'reboot already',
      'verification done',
    ]);
    expect(engineDouble.applied).toEqual([]);
  });

  it('leaves what is enabled as it is on a host that was rebuilt before, where a host at rest would have it disabled', async () => {
    const unit = 'citadel-phi3.service';
    const atRest = planOf('alpha', {
      manifest: NODE,
      changes: [
        {
          section: 'units',
          key: unit,
          action: 'update',
          cause: 'config',
          before: { enabled: true },
          after: { enabled: false },
        },
      ],
      unitActions: [{ unit, verb: 'disable', wave: 1 }],
    });
    let plans = 0;
    const engine = {
      plans: {
        get alpha() {
          plans += 1;
          return plans === 1 ? atRest : planOf('alpha', { manifest: NODE });
        },
      },
    };
    const recovery = { planWeights: () => Promise.resolve(weights(model('whole'))) };
    const { code, printed, engineDouble } = await call('rebuild alpha --yes', world(recovery, engine));
    expect(code, printed.err).toBe(0);
    expect(engineDouble.applied).toEqual([]);
  });

  it('ends a transaction that died with an earlier run before it goes on', async () => {
    const open = { id: 'ab-1', running: false, who: 'ben@desk', since: 'noon', state: 'switching' };
    const between = { ...differing, manifest: NODE, observed: observed({ open }) };
    const recovered = planOf('alpha', { manifest: NODE });
    const recovery = { planWeights: () => Promise.resolve(weights(model('whole'))) };
    const { code, engineDouble } = await call(
      'rebuild alpha --yes',
      world(recovery, { plans: { alpha: between }, recovered: { alpha: recovered } }),
    );
    expect(code).toBe(0);
    expect(engineDouble.calls).toContain('recover alpha');
    expect(engineDouble.applied).toEqual([]);
  });

  it('writes everything, brings models back, then starts what needs them', async () => {
    const order: string[] = [];
    const plan = { ...differing, manifest: NODE };
    const plans: Record<string, HostPlan> = { alpha: plan };
    const recovery: Partial<RecoveryPort> = {
      planWeights: () => Promise.resolve(weights(model('restore'))),
      restoreWeights: (_transport, type, say) => {
        order.push(`restore ${type ?? 'any'}`);
        say('phi3: restored');
        plans['alpha'] = plan;
        const skipped = [{ archive: 'newer', why: 'it is damaged' }];
        return Promise.resolve(weights(model('restored', { skipped })));
      },
    };
    const onApply = (): void => {
      order.push('apply');
      delete plans['alpha'];
    };
    const { code, printed } = await call(
      'rebuild alpha --yes --from weekly',
      world(recovery, { plans, onApply }),
    );
    expect(order).toEqual(['apply', 'restore weekly', 'apply']);
    expect(code).toBe(0);
    expect(printed.err).toContain('alpha: phi3: restored\n');
    expect(printed.out).toContain('! phi3: not from newer: it is damaged');
    expect(printed.out).toContain('recovery point  1 h: the age of the oldest of 1 backup (phi3)');
  });

  it('leaves out what it cannot bring back, starts the rest, and says so', async () => {
    const lost = model('missing', {
      error: 'there is no archive of it',
      fix: 'Download it.',
      source: null,
      created: null,
    });
    const recovery = {
      planWeights: () => Promise.resolve(weights(lost)),
      restoreWeights: () => Promise.resolve(weights(lost)),
    };
    const { code, printed } = await call('rebuild alpha --yes', world(recovery));
    expect(code).toBe(1);
    expect(printed.out).toContain('alpha: partly rebuilt');
    expect(printed.out).toContain('- model phi3: there is no archive of it');
    expect(printed.out).toContain('Download it. Then run the command again: it starts what is there.');
    const asked = await call(
      'rebuild alpha --yes --without-weights',
      world({ planWeights: () => Promise.resolve(weights(model('restore'))) }),
    );
    expect(asked.code).toBe(0);
    expect(asked.printed.out).toContain('1 of 1 model left out on request');
  });

  it('reports how far it came when a transaction fails, with its exit code', async () => {
    const failure = { step: 'packages', output: 'E: no such package' };
    const results = { alpha: { outcome: 'rolled-back', failure, next: 'Nothing was changed.' } as const };
    const engine = { plans: { alpha: { ...differing, manifest: NODE } }, results };
    const { code, printed } = await call('rebuild alpha --yes', world({}, engine));
    expect(code).toBe(3);
    expect(printed.out).toContain('alpha: failed');
    expect(printed.out).toMatch(/configuration .* failed/);
    expect(printed.out).toMatch(/weights .* not reached/);
    expect(printed.out).toContain('run the same command again: it goes on from there');
    expect(printed.err).toContain('E: no such package');
  });

  it('says when something still differs, or the host’s health needs a look', async () => {
    const manifest: HostManifest = { version: 1, host: 'alpha' };
    const health = () =>
      Promise.resolve({
        well: false,
        words: 'disks\n  ok    /a   fine\n  FAIL  /b   is gone\n        mount it',
      });
    const ill = await call('rebuild alpha --yes', world({ health }, {}, manifest));
    expect(ill.code).toBe(0);
    expect(ill.printed.out).toContain(
      '→ Look at its health ("citadel health" on the host says what to do): FAIL /b is gone\n',
    );
    const engine = { plans: { alpha: { ...differing, manifest } } };
    const differs = await call('rebuild alpha --yes', world({}, engine, manifest));
    expect(differs.code).toBe(1);
    expect(differs.printed.err).toContain(
      'something still differs: files /etc/motd. Look: citadel-iac diff alpha.',
    );
  });

  it('tells of a monitoring server what has no backup', async () => {
    const manifest: HostManifest = { version: 1, host: 'alpha', units: { 'prometheus.service': UNIT } };
    const { printed } = await call('rebuild alpha --yes', world({}, {}, manifest));
    expect(printed.out).toContain('- metrics from before: Prometheus’ time series have no backup');
    expect(printed.out).not.toContain('weights');
  });
});
