import { describe, expect, it } from 'vitest';
import { changeLines, planText } from '../../lib/cli/text/plan.js';
import { makeStyle, PLAIN, visible } from '../../lib/cli/text/style.js';
import { resultText } from '../../lib/cli/text/result.js';
import { progressText } from '../../lib/cli/text/progress.js';
import { historyText } from '../../lib/cli/text/history.js';
import { CHANGE, observed, planOf } from './doubles.js';

const WHERE = { where: 'agent0@10.0.0.1:22' };

describe('planText', () => {
  it('of nothing to do', () => {
    expect(planText(planOf('alpha'), WHERE, PLAIN)).toBe(
      'alpha  agent0@10.0.0.1:22, generation 4\n\n  Nothing to do.\n',
    );
  });

  it('of something to write down only', () => {
    const plan = planOf('alpha', {
      record: true,
      observed: observed({ generation: null }),
      digest: 'abcdef0123456789',
    });
    expect(planText(plan, WHERE, PLAIN)).toBe(
      'alpha  agent0@10.0.0.1:22, never applied\n\n  Nothing differs; an apply records it as a generation (digest abcdef012345).\n',
    );
  });

  it('of a unit that leaves, which stops and does not start again', () => {
    const restarts = ['old.service'];
    const change = {
      section: 'units',
      key: 'old.service',
      action: 'delete',
      cause: 'config',
      restarts,
    } as const;
    expect(changeLines(change, PLAIN)).toContain('      stops old.service');
    expect(changeLines({ ...change, action: 'update' }, PLAIN)).toContain('      restarts old.service');
  });

  it('of changes of every kind', () => {
    const plan = planOf('ai-node', {
      manifest: { version: 1, host: 'ai-node', packages: { htop: {} } },
      risky: true,
      notes: ['owed by an earlier run: reload nginx.service'],
      observed: observed({ debts: ['reload nginx.service'] }),
      unitActions: [
        { unit: 'old.service', verb: 'stop', wave: 0 },
        { unit: 'prometheus.service', verb: 'restart', wave: 1 },
      ],
      changes: [
        { section: 'packages', key: 'htop', action: 'create', cause: 'config' },
        {
          section: 'users',
          key: 'agent0',
          action: 'update',
          cause: 'both',
          before: { groups: ['adm'], shell: '/bin/sh', home: '/home/agent0' },
          after: { groups: ['adm', 'sudo'], shell: '/bin/bash', home: '/home/agent0' },
        },
        {
          section: 'directories',
          key: '/srv/app',
          action: 'create',
          cause: 'config',
          after: { type: 'directory', owner: 'root', group: 'root', mode: '0750' },
        },
        {
          section: 'files',
          key: '/etc/prometheus/prometheus.yml',
          action: 'update',
          cause: 'drift',
          before: { type: 'file', owner: 'root', group: 'root', mode: '0600', size: 31 },
          after: { type: 'file', owner: 'root', group: 'root', mode: '0644', size: 25 },
          diff: '--- /etc/p\n+++ /etc/p\n@@ -1,3 +1,3 @@\n global:\n-  interval: 99s\n+  interval: 15s\n \n',
          restarts: ['prometheus.service'],
          reloads: ['alertmanager.service', 'x.service'],
          origin: 'dev-ops/prometheus/config',
        },
        {
          section: 'symlinks',
          key: '/opt/citadel/models',
          action: 'update',
          cause: 'drift',
          before: { type: 'directory' },
          after: { type: 'symlink', target: '/mnt/citadel-models/active' },
          note: 'not empty: 3 entries are kept in generation 5',
        },
        {
          section: 'units',
          key: 'old.service',
          action: 'delete',
          cause: 'config',
          before: { enabled: true, state: 'running' },
        },
      ],
    });
    expect(planText(plan, WHERE, PLAIN)).toBe(`ai-node  agent0@10.0.0.1:22, generation 4

  + packages htop  (config)

  ~ users agent0  (both)
      groups [adm] → [adm, sudo]
      shell /bin/sh → /bin/bash

  + directories /srv/app  (config)
      group root, mode 0750, owner root

  ~ files /etc/prometheus/prometheus.yml  (drift)
      mode 0600 → 0644
      @@ -1,3 +1,3 @@
       global:
      -  interval: 99s
      +  interval: 15s
       
      restarts prometheus.service
      reloads alertmanager.service, x.service
      from dev-ops/prometheus/config

  ~ symlinks /opt/citadel/models  (drift)
      target none → /mnt/citadel-models/active
      type directory → symlink
      note not empty: 3 entries are kept in generation 5

  - units old.service  (config)
      enabled yes, state running

  ! this can cut the operator off: the host undoes it by itself unless a new connection can be made afterwards
  ! owed by an earlier run: reload nginx.service

  6 changes: 2 to create, 3 to update, 1 to delete; 3 changed on the host by hand.
  Units, in this order: stop old.service, restart prometheus.service.
`);
  });

  it('of what an earlier run left', () => {
    const plan = planOf('alpha', {
      observed: observed({ debts: ['restart a.service'] }),
      notes: ['owed by an earlier run: restart a.service'],
    });
    expect(planText(plan, WHERE, PLAIN)).toBe(
      `alpha  agent0@10.0.0.1:22, generation 4

  ! owed by an earlier run: restart a.service

  No item differs; an apply finishes what an earlier run left.
`,
    );
  });

  it('never passes a terminal command on', () => {
    const hostile = {
      ...CHANGE,
      key: '/etc/\u001b[2J',
      origin: 'a\u0007b',
      diff: '@@ -1 +1 @@\n-\u001b]0;x\u0007\n+\u202ereversed\r\n',
    };
    const text = changeLines(hostile, PLAIN).join('\n');
    // eslint-disable-next-line no-control-regex -- the rule is about control characters
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(text).toContain('/etc/\\u001b[2J');
    expect(text).toContain('+\\u202ereversed\\u000d');
    expect(visible('a\nb\tc')).toBe('a\\nb\tc');
  });

  it('is coloured by what happens to each line', () => {
    const [heading, , hunk, context, removed, added] = changeLines(CHANGE, makeStyle(true));
    expect(heading).toBe(
      '  \u001b[33m~ files\u001b[39m \u001b[1m/etc/motd\u001b[22m  \u001b[31m(drift)\u001b[39m',
    );
    expect(hunk).toBe('      \u001b[36m@@ -1,2 +1,2 @@\u001b[39m');
    expect(context).toBe('       hello');
    expect(removed).toBe('      \u001b[31m-there\u001b[39m');
    expect(added).toBe('      \u001b[32m+world\u001b[39m');
  });
});

describe('resultText', () => {
  it('says the outcome and what comes next', () => {
    const result = {
      host: 'alpha',
      outcome: 'committed',
      generation: 5,
      next: 'The host is at generation 5.',
      notes: [],
    } as const;
    expect(resultText(result, PLAIN)).toBe('alpha: done. The host is at generation 5.\n');
  });

  it("gives a failure in the tool's own words", () => {
    expect(
      resultText(
        {
          host: 'dev-ops',
          outcome: 'rolled-back',
          generation: 4,
          next: 'The host undid everything and is at generation 4.',
          notes: ['left alone: /srv/x'],
          failure: {
            step: 'checks',
            item: 'checks/prometheus',
            origin: 'dev-ops/prometheus/ready',
            output: 'curl: (7) Failed to connect\nConnection refused\n',
          },
        },
        PLAIN,
      ),
    ).toBe(`dev-ops: rolled back. The host undid everything and is at generation 4.
  failed step: checks of checks/prometheus (dev-ops/prometheus/ready)
  | curl: (7) Failed to connect
  | Connection refused
  ! left alone: /srv/x
`);
  });
});

describe('progressText', () => {
  it.each([
    [{ kind: 'step', step: 'switch', detail: '12' } as const, 'switch 12'],
    [{ kind: 'step', step: 'compare', detail: '' } as const, 'compare'],
    [{ kind: 'note', text: 'kept /srv/x' } as const, 'kept /srv/x'],
    [{ kind: 'failure', step: 'units', item: 'a.service', output: 'x' } as const, 'failed: units a.service'],
    [
      { kind: 'confirm', at: '12:00:30', seconds: 60 } as const,
      'connecting again; without it the host undoes the change at 12:00:30 (in 60 s)',
    ],
    [
      { kind: 'locked', who: 'bob@x', since: '2026-01-01T00:00:00Z' } as const,
      'locked by bob@x since 2026-01-01T00:00:00Z',
    ],
    [{ kind: 'end', outcome: 'committed', generation: 1 } as const, undefined],
  ])('%j → %s', (line, text) => {
    expect(progressText(line)).toBe(text);
  });
});

describe('historyText', () => {
  it('of a host without generations', () => {
    expect(historyText('alpha', [], PLAIN)).toBe('alpha: no generation yet; nothing was ever applied.\n');
  });

  it('is newest first, with a star at the current one', () => {
    const record = {
      digest: '0123456789abcdef',
      time: '2026-01-02T03:04:05Z',
      who: 'anna@laptop',
      current: false,
      pinned: false,
    };
    expect(
      historyText(
        'alpha',
        [
          { ...record, generation: 9, summary: '12 changes: files 12', pinned: true },
          { ...record, generation: 10, summary: '1 change: units 1', current: true },
        ],
        PLAIN,
      ),
    ).toBe(`alpha
  generation  time                  digest        who          changes
* 10          2026-01-02T03:04:05Z  0123456789ab  anna@laptop  1 change: units 1
  9 pinned    2026-01-02T03:04:05Z  0123456789ab  anna@laptop  12 changes: files 12
`);
    const applied = { commit: `${'ab'.repeat(20)}-dirty`, tool: '1.2.3' };
    expect(historyText('alpha', [{ ...record, ...applied, generation: 9, summary: 'no change' }], PLAIN))
      .toBe(`alpha
  generation  time                  digest        who          commit              version  changes
  9           2026-01-02T03:04:05Z  0123456789ab  anna@laptop  abababababab-dirty  1.2.3    no change
`);
  });
});
