import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { realEngine } from '../../lib/cli/engine.js';
import { run } from '../../lib/cli/run.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { down } from './call.js';
import { PIN, shellDouble, type ShellDouble, type ShellScript } from './doubles.js';

async function call(words: readonly string[], script: ShellScript): Promise<ShellDouble & { code: number }> {
  const shell = shellDouble(script);
  return { ...shell, code: await run(words, shell, '1.2.3') };
}

function fleet(
  count: number,
  command: NonNullable<ShellScript['engine']>['command'],
  more = {},
): ShellScript {
  const hosts = Array.from({ length: count }, (_, index) => `h${String(index + 1).padStart(3, '0')}`);
  const lines = hosts.map(
    (host, at) =>
      `  ${host}: { address: 10.0.0.${String(at + 1)}, ssh: { user: root, hostKeys: [${PIN}] } }\n`,
  );
  return {
    inventory: `hosts:\n${lines.join('')}secrets: { password: { env: PASSWORD } }\n`,
    engine: { ...(command !== undefined && { command }), ...more },
  };
}

describe('run', () => {
  it('shows equal answers once, those that failed last and by name, and lets nothing steer the terminal', async () => {
    const { code, printed } = await call(
      ['run', '--on', '*', '--', 'cat', '/etc/issue'],
      fleet(
        20,
        (host) =>
          host === 'h003'
            ? { exitCode: 4, stderr: '\u001b]0;mine\u0007no\n' }
            : { stdout: 'one\ntwo\n', leftOut: { stdout: 7, stderr: 0 } },
        { open: { h005: down } },
      ),
    );
    expect(code).toBe(1);
    expect(printed.out).toBe(
      'h001, h002, h004 … h020 (18 hosts): done\n  one\n  two\n  … and 7 bytes more\n' +
        'h003: exit status 4\n! \\u001b]0;mine\\u0007no\n',
    );
    expect(printed.err).toContain('nothing answers');
    expect(printed.err).toContain('Failed on h003, h005.');
  });

  it('hands over arguments as they are, as whom, and for how long; as JSON it is by host', async () => {
    const asked: unknown[] = [];
    const words = [
      'run',
      '--json',
      '--on',
      'h001',
      '--user',
      'svc',
      '--timeout',
      '7',
      '--',
      'echo',
      '',
      "a 'b\n",
      '--yes',
    ];
    const { code, printed } = await call(
      words,
      fleet(2, (host, request) => {
        asked.push([host, request]);
        return { stdout: 'x' };
      }),
    );
    expect(code).toBe(0);
    expect(asked).toEqual([
      ['h001', { words: ['echo', '', "a 'b\n", '--yes'], who: 'anna@laptop', user: 'svc', seconds: 7 }],
    ]);
    expect(JSON.parse(printed.out)).toEqual({
      hosts: {
        h001: { exitCode: 0, timedOut: false, stdout: 'x', stderr: '', leftOut: { stdout: 0, stderr: 0 } },
      },
    });
  });

  it('works on as many at a time as --parallel says, and in waves that stop at a failure', async () => {
    let now = 0;
    let seen = 0;
    const busy = fleet(12, async () => {
      seen = Math.max(seen, ++now);
      await sleep(2);
      now -= 1;
      return {};
    });
    expect((await call(['run', '--parallel', '3', '--on', '*', '--', 'true'], busy)).code).toBe(0);
    expect(seen).toBe(3);
    const failing = fleet(4, () => ({ exitCode: 1 }));
    const { code, printed, engineDouble } = await call(
      ['run', '--canary', '1', '--on', '*', '--', 'false'],
      failing,
    );
    expect(code).toBe(1);
    expect(engineDouble.calls.filter((each) => each.startsWith('run '))).toEqual(['run h001: false']);
    expect(printed.err).toContain('Not begun: h002, h003, h004.');
  });

  it('refuses a secret in an argument, in another form too, and shows none that a host prints', async () => {
    const secrets = { values: [Buffer.from('hunter2-and-more')], unknown: [] };
    for (const word of ['--password=hunter2-and-more', Buffer.from('hunter2-and-more').toString('base64')]) {
      const { code, printed, engineDouble } = await call(
        ['run', '--on', '*', '--', 'login', word],
        fleet(2, undefined, { secrets }),
      );
      expect(code).toBe(1);
      expect(printed.err).toContain(
        'argument 1 of the command holds a secret of the inventory; nothing was run',
      );
      expect(printed.err).not.toContain('hunter2');
      expect(engineDouble.calls.filter((each) => each.startsWith('run '))).toEqual([]);
    }
    const shown = await call(
      ['run', '--on', '*', '--', 'cat', '/etc/x'],
      fleet(1, () => ({ stdout: 'pw=hunter2-and-more\n' }), { secrets }),
    );
    expect(shown.printed.out).toContain('pw=<secret>\n');
  });

  it('is about no host until it is told about which', async () => {
    const { code, printed, engineDouble } = await call(['run', '--', 'reboot'], fleet(2, undefined));
    expect(code).toBe(1);
    expect(printed.err).toContain("for all of them: --on '*'");
    expect(engineDouble.calls).toEqual([]);
  });
});

/** A root with a shell in it, that commands can be run in. */
function rootWithShell(): string {
  const root = temporaryFolder('citadel-run-');
  const programs = ['/bin/sh', '/bin/sleep', '/usr/bin/id', '/usr/bin/head'];
  const libraries = programs.flatMap((program) =>
    [...execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/\/\S+/g)].map(([file]) => file),
  );
  for (const file of new Set([...programs, ...libraries])) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    cpSync(file, join(root, file), { dereference: true });
  }
  mkdirSync(join(root, 'etc'), { recursive: true });
  execFileSync(
    '/bin/sh',
    ['-c', 'printf "root:x:0:0::/root:/bin/sh\\nsvc:x:777:778::/srv:/bin/sh\\n" >etc/passwd'],
    {
      cwd: root,
    },
  );
  chmodSync(root, 0o755);
  return root;
}

describe.skipIf(process.getuid?.() !== 0)('run on a host (skipped without root: chroot)', () => {
  it('runs what was said and nothing else, ends it in time, and writes all of it down', async () => {
    const root = rootWithShell();
    const inventory = `hosts:\n  box: { root: ${root}, address: 10.0.0.1 }\nsecrets: { password: { env: PASSWORD } }\n`;
    const real = async (words: readonly string[]): Promise<ShellDouble & { code: number }> => {
      const shell = { ...shellDouble({ inventory, env: { PASSWORD: 'hunter2-and-more' } }) };
      shell.engine = () => Promise.resolve(realEngine({ PASSWORD: 'hunter2-and-more' }));
      return { ...shell, code: await run(words, shell, '1.2.3') };
    };
    const json = async (...words: string[]): Promise<unknown> => {
      const { printed } = await real(['run', '--json', '--on', 'box', ...words]);
      return (JSON.parse(printed.out) as { hosts: { box: unknown } }).hosts.box;
    };
    const plain = { timedOut: false, stderr: '', leftOut: { stdout: 0, stderr: 0 } };

    const script = 'printf "%s|" "$@"; echo no >&2; exit 7';
    const odd = ['', "a 'b", '$(touch /pwned)\n`x`', '-n', 'ü'];
    expect(await json('--', 'sh', '-c', script, 'sh', ...odd)).toEqual({
      ...plain,
      exitCode: 7,
      stdout: `${odd.join('|')}|`,
      stderr: 'no\n',
    });
    expect(existsSync(join(root, 'pwned'))).toBe(false);
    expect(await json('--user', 'svc', '--', 'id', '-u')).toEqual({ ...plain, exitCode: 0, stdout: '777\n' });
    // More than is handed over; a process left behind that holds the output; no such program.
    expect(await json('--', 'head', '-c', '70000', '/bin/sh')).toMatchObject({
      exitCode: 0,
      leftOut: { stdout: 70_000 - 65_536, stderr: 0 },
    });
    const began = Date.now();
    expect(await json('--', 'sh', '-c', 'sleep 30 & echo there')).toMatchObject({
      exitCode: 0,
      stdout: 'there\n',
    });
    expect(Date.now() - began).toBeLessThan(25_000);
    expect(await json('--', 'no-such-program')).toMatchObject({ exitCode: 127 });
    expect(await json('--timeout', '1', '--', 'sleep', '60')).toMatchObject({
      exitCode: 124,
      timedOut: true,
    });
    const nobody = await real(['run', '--on', 'box', '--user', 'ghost', '--', 'id']);
    expect([nobody.code, nobody.printed.err]).toEqual([
      1,
      expect.stringContaining('there is no account "ghost"; nothing was run') as string,
    ]);

    const past = await real(['history', 'box', '--json']);
    const { runs } = JSON.parse(past.printed.out) as {
      runs: { box: { command: string[]; exitCode: number }[] };
    };
    expect(runs.box[0]).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]+Z$/) as string,
      who: 'anna@laptop',
      user: 'root',
      command: ['sh', '-c', script, 'sh', ...odd],
      exitCode: 7,
    });
    expect(runs.box.map(({ exitCode }) => exitCode)).toEqual([7, 0, 0, 0, 127, 124]);
    expect((await real(['history', 'box'])).printed.out).toContain('anna@laptop  svc   0       id -u');
    const kept = readdirSync(join(root, 'var/lib/citadel-iac/runs'));
    const files = new Set(kept.flatMap((name) => readdirSync(join(root, 'var/lib/citadel-iac/runs', name))));
    expect([...files].sort()).toEqual(['account', 'command', 'status', 'time', 'who']);
  }, 60_000);
});
