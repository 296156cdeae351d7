import { describe, expect, it } from 'vitest';
import { run } from '../../lib/cli/run.js';
import type { HostStatus } from '../../lib/engine/model.js';
import { CitadelError, type HostManifest } from '../../lib/manifest/index.js';
import { CHANGE, planOf, shellDouble, type EngineScript, type ShellScript } from './doubles.js';

const manifest = (host: string): HostManifest => ({ version: 1, host });
const care = {
  drain: ['models.target'],
  proofs: [{ name: 'the GPUs', command: ['nvidia-smi', '-L'] }],
};
const app: NonNullable<ShellScript['app']> = {
  roles: [{ name: 'test', apiVersion: 1, reboot: () => care }],
  buildHosts: ({ hosts }) => Object.keys(hosts).map(manifest),
};

/** Hosts whose boot is another one once `systemctl reboot` was said; `answers` of their commands by first word. */
async function call(
  words: readonly string[],
  answers: (
    host: string,
    line: string,
  ) => Partial<{ exitCode: number; stdout: string; stderr: string }> = () => ({}),
  more: {
    readonly status?: Partial<HostStatus>;
    readonly engine?: EngineScript;
    readonly script?: ShellScript;
  } = {},
) {
  const booted = new Set<string>();
  const shell = shellDouble({
    app,
    ...more.script,
    engine: {
      ...more.engine,
      status: (host) => ({ boot: booted.has(host) ? 'second' : 'first', ...more.status }),
      command: (host, { words: asked }) => {
        const line = asked.join(' ');
        if (line.endsWith('systemctl reboot')) booted.add(host);
        return answers(host, line);
      },
    },
  });
  const code = await run(words, shell, '1.2.3');
  const { calls } = shell.engineDouble;
  const ran = calls
    .filter((each) => each.startsWith('run '))
    .map((each) => each.replace(/^run (\w+): (?:sh -c .* sh )?/, '$1: '));
  return { code, ...shell.printed, questions: shell.questions, calls, ran };
}

describe('reboot', () => {
  it('drains, reboots, waits for another boot over a new connection, and proves, one host after another', async () => {
    const { code, out, err, ran, calls } = await call(['reboot', 'alpha', 'beta', '--yes']);
    expect(out, err).toBe('alpha: rebooted, and proved\nbeta: rebooted, and proved\n');
    expect(code).toBe(0);
    const one = (host: string) => [
      `${host}: systemctl list-units --failed --plain --no-legend --full`,
      `${host}: models.target`,
      `${host}: systemd-run --quiet --on-active=1 --timer-property=AccuracySec=100ms systemctl reboot`,
      `${host}: systemctl is-system-running --wait`,
      `${host}: systemctl list-units --failed --plain --no-legend --full`,
      `${host}: nvidia-smi -L`,
    ];
    expect(ran).toEqual([...one('alpha'), ...one('beta')]);
    expect(calls.filter((each) => each === 'open alpha')).toHaveLength(2);
  });

  it('asks, and needs hosts that are named', async () => {
    const no = await call(['reboot', 'alpha'], undefined, { script: { answer: false } });
    expect(no).toMatchObject({ code: 1, questions: ['Reboot alpha?'], ran: [] });
    expect((await call(['reboot', '--yes'])).err).toContain('nothing says which hosts');
    expect((await call(['reboot', 'alpha'])).err).toContain('no one is there to be asked');
  });

  it.each<[string, RegExp | undefined, string, Partial<HostStatus>]>([
    ['a transaction is open', undefined, 'a transaction on it has not ended', { open: { id: 'x', running: false, who: 'bob', since: '', left: 0 } }], // prettier-ignore
    ['a unit does not stop', /models\.target$/, 'models.target does not stop: busy; it was not rebooted', {}],
    ['GPUs are gone', /nvidia-smi/, 'it has booted, and the GPUs fails: busy', {}],
  ])('stops where %s, and begins no other host', async (_, fails, text, status) => {
    const { code, err, ran } = await call(
      ['reboot', 'alpha', 'beta', '--yes'],
      (_host, line) => (fails?.test(line) === true ? { exitCode: 1, stderr: 'busy\n' } : {}),
      { status },
    );
    expect(code).toBe(1);
    expect(err).toContain(text);
    expect(err).toContain('beta: not begun');
    expect(ran.some((line) => line.startsWith('beta'))).toBe(false);
  });

  it('names a unit that failed at this boot, and not one that had before', async () => {
    let asked = 0;
    const { code, err } = await call(['reboot', 'alpha', '--yes'], (_host, line) =>
      line.includes('--failed')
        ? {
            stdout: `old.service loaded failed failed Old\n${asked++ === 0 ? '' : 'new.service loaded failed failed New\n'}`,
          }
        : {},
    );
    expect(code).toBe(1);
    expect(err).toContain('it has booted, and new.service failed');
  });
});

describe('apply --reboot', () => {
  const plans = {
    alpha: planOf('alpha', { changes: [CHANGE] }),
    beta: planOf('beta', { changes: [CHANGE] }),
  };

  it('reboots what owes it once it is applied, and nothing else', async () => {
    const status = { reboot: ['asked for by nvidia-driver'] };
    const owing = await call(['apply', 'alpha', '--yes', '--reboot'], undefined, {
      engine: { plans },
      status,
    });
    expect(owing.err).toContain('alpha owes a reboot: asked for by nvidia-driver\n');
    expect(owing.ran.some((line) => line.endsWith('systemctl reboot'))).toBe(true);
    expect(owing.calls.indexOf('apply alpha')).toBeLessThan(
      owing.calls.findIndex((each) => each.startsWith('run ')),
    );
    // What still owes one afterwards is no success.
    expect(owing.code).toBe(1);
    expect(owing.out).toContain('alpha: rebooted, and still owes a reboot: asked for by nvidia-driver\n');
    expect((await call(['apply', 'alpha', '--yes'], undefined, { engine: { plans }, status })).ran).toEqual(
      [],
    );
    expect(
      (await call(['apply', 'alpha', '--yes', '--reboot'], undefined, { engine: { plans } })).ran,
    ).toEqual([]);
  });

  it('leaves hosts alone whose apply failed', async () => {
    const failed = new CitadelError({ code: 'x', path: 'alpha', got: 'no', fix: 'Do.' });
    const { ran } = await call(['apply', 'alpha', '--yes', '--reboot'], undefined, {
      engine: { plans, results: { alpha: failed } },
      status: { reboot: ['a package'] },
    });
    expect(ran).toEqual([]);
  });
});
