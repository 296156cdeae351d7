import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerChannel } from 'ssh2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isConnectionLost, openTransport } from '../../../lib/engine/targets/index.js';
import { frameOf } from '../../../lib/engine/targets/frame.js';
import { remoteCommand } from '../../../lib/engine/targets/ssh.js';
import type { ReadProgram } from '../../../lib/engine/transport.js';
import { CitadelError, sshTargetSchema, type SshTarget } from '../../../lib/manifest/index.js';
import { newKey, Scratch, type TestKey } from '../../ssh/support/keys.js';
import { type FakeServer, type FakeServerOptions, startFakeServer } from '../../ssh/support/server.js';
import { LOGIN_SHELLS, startUp } from './support/login-shells.js';
import { freePort, type Sshd, sshdMissing, startSshd } from '../../ssh/support/sshd.js';

let scratch: Scratch;
let hostKey: TestKey;
let user: TestKey;
const closers: (() => Promise<void>)[] = [];
const none = Buffer.alloc(0);

beforeAll(async () => {
  scratch = await Scratch.make();
  hostKey = newKey();
  user = newKey();
  await scratch.file('id', user.privateText);
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(() => scratch.remove());

const reader = (script: string): ReadProgram => ({ name: 'citadel-observe', effect: 'read', script });
const deps = () => ({ host: 'ai-node', home: scratch.path, agentSocket: undefined });

async function server(options: Partial<FakeServerOptions> = {}): Promise<FakeServer> {
  const started = await startFakeServer({ hostKeys: [hostKey], user, ...options });
  closers.push(() => started.close());
  return started;
}

function target(port: number, changes: Partial<SshTarget> = {}): SshTarget {
  const base = sshTargetSchema.parse({
    address: '127.0.0.1',
    port,
    user: 'agent0',
    hostKeys: [hostKey.fingerprint],
    identityFile: '~/id',
    connectTimeoutSec: 5,
  });
  return { ...base, ...changes };
}

async function problem(attempt: Promise<unknown>) {
  const error: unknown = await attempt.then(String, (reason: unknown) => reason);
  if (!(error instanceof CitadelError)) throw new Error(`not a CitadelError: ${String(error)}`);
  return { ...error.problems[0]!, error };
}

/** Runs the command line with a real shell of this machine, as another user where the test may do so. */
function locally(uid?: number): (channel: ServerChannel, command: string) => void {
  return (channel, command) => {
    const identityOf = uid === undefined ? {} : { uid, gid: uid };
    const child = spawn('/bin/sh', ['-c', command], {
      ...identityOf,
      cwd: '/',
      env: { PATH: process.env['PATH'] },
    });
    channel.pipe(child.stdin);
    child.stdin.on('error', () => undefined);
    child.stdout.pipe(channel, { end: false });
    child.stderr.pipe(channel.stderr, { end: false });
    child.on('close', (code) => {
      channel.exit(code ?? 1);
      channel.end();
    });
  };
}

function can(command: string): boolean {
  try {
    execFileSync('sh', ['-c', command], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
const noSudo = !can('[ "$(id -u)" = 0 ] && sudo -n true') ? 'needs root and sudo' : undefined;

describe('remoteCommand', () => {
  it('holds the length of the program and nothing of its text', () => {
    const commandOf = (script: string, account: string): string =>
      remoteCommand(reader(script), frameOf(reader(script), 'ab12'), account);
    expect(commandOf("echo 'hi'", 'root')).toBe(
      `/bin/sh -c 'text=$(head -c 59); case $text in "# citadel-iac begin ab12 9"*"# citadel-iac end ab12") ` +
        `echo "# citadel-iac output ab12"; eval "$text" ;; *) exit 90 ;; esac' citadel-observe ''`,
    );
    expect(commandOf('echo "ä"', 'agent0')).toMatch(
      /^env 'LC_ALL=C' sudo -n -- \/bin\/sh -c '[^'ä]*' citadel-observe ''$/,
    );
  });
});

const SHELLS = LOGIN_SHELLS.filter((shell) => can(`command -v ${shell}`));
describe.each(SHELLS)('start-up files of the login shell (%s)', (shell) => {
  const connected = async (file: string) => {
    const { port } = await server({ onExec: startUp(scratch.path, file, shell) });
    const transport = await openTransport(target(port), deps());
    closers.push(() => transport.close());
    return transport;
  };
  const program = reader('# a comment\nprintf "%s|" "$0" "$#" "$1"; cat');

  it.each([
    ['a line', 'echo Welcome'],
    ['no newline, and on both', `sh -c 'printf Hello; printf oops >&2'`],
    ['much', 'head -c 300000 /dev/zero; echo; echo "# citadel-iac output of somebody else"'],
  ])('may print %s', async (_, file) => {
    const seen: Buffer[] = [];
    const transport = await connected(file);
    const result = await transport.read(program, Buffer.from('data\n'), {
      deadlineSec: 30,
      onStdout: (chunk) => seen.push(chunk),
    });
    expect(result.stdout.toString()).toBe('citadel-observe|1||data\n');
    expect(Buffer.concat(seen).toString()).toBe('citadel-observe|1||data\n');
  });

  it.each([
    ['a line', shell === 'tcsh' ? 'set x = "$<"' : 'read x'],
    ['a byte', 'head -c 1 >/dev/null'],
    ['what fits a pipe', 'head -c 4096 >/dev/null'],
    ['all but the data', 'head -c 130 >/dev/null'],
    ['everything', 'cat >/dev/null'],
  ])('that read %s are named, and nothing of the data runs', async (_, file) => {
    const proof = join(scratch.path, 'ran');
    const transport = await connected(file);
    const data = Buffer.from(`touch '${proof}'\n`.repeat(400));
    const refused = await problem(transport.read(program, data, { deadlineSec: 30 }));
    expect(refused.code).toBe('ssh.start-up');
    expect(refused.got).toContain('a start-up file of the login shell of "agent0" reads standard input');
    expect(existsSync(proof)).toBe(false);
  });

  it('that end the shell are named, with what was said', async () => {
    const transport = await connected('exec sh -c \'echo "no shell for you" >&2; exit 4\'');
    const refused = await problem(transport.read(program, none, { deadlineSec: 30 }));
    expect(refused.code).toBe('ssh.start-up');
    expect(refused.got).toContain('ended with status 4 (no shell for you)');
  });
});

it('a host that sends without end is not listened to for long', async () => {
  // 80 MiB, and then silence.
  const piece = Buffer.alloc(1024 * 1024);
  const { port } = await server({
    onExec: (channel) => {
      let sent = 0;
      const send = (): void => {
        while (sent < 80 && !channel.destroyed) {
          sent += 1;
          if (!channel.write(piece)) return void channel.once('drain', send);
        }
      };
      send();
    },
  });
  const transport = await openTransport(target(port), deps());
  closers.push(() => transport.close());
  const refused = await problem(transport.read(reader('cat'), none, { deadlineSec: 100 }));
  expect(refused.code).toBe('ssh.too-much');
  expect(refused.got).toContain('the host sent more than 64 MiB');
}, 120_000);

describe('an ssh target', () => {
  it.skipIf(noSudo !== undefined)(
    'runs programs as root through sudo (skipped without root and sudo)',
    async () => {
      const { port } = await server({ onExec: locally() });
      const transport = await openTransport(target(port), deps());
      closers.push(() => transport.close());
      expect([transport.kind, transport.description]).toEqual(['ssh', `agent0@127.0.0.1:${String(port)}`]);
      const script = 'printf "%s|" "$0" "$#" "$1" "$(id -u)" "${SUDO_USER-none}"; cat';
      const result = await transport.read(reader(script), Buffer.from("it's $HOME"), { deadlineSec: 10 });
      expect(result.stdout.toString()).toBe("citadel-observe|1||0|root|it's $HOME");
    },
  );

  it.skipIf(noSudo !== undefined)(
    'says how to allow sudo where it wants a password (skipped without sudo)',
    async () => {
      const { port } = await server({ onExec: locally(65534) });
      const transport = await openTransport(target(port), deps());
      closers.push(() => transport.close());
      const refused = await problem(transport.read(reader('cat'), Buffer.from('x'), { deadlineSec: 10 }));
      expect(refused.code).toBe('ssh.sudo');
      expect(refused.path).toBe('ai-node');
      expect(refused.got).toBe(
        `agent0@127.0.0.1:${String(port)}: "agent0" cannot become root without a password (sudo: a password is required)`,
      );
      expect(refused.fix).toContain('agent0 ALL=(ALL) NOPASSWD: ALL');
    },
  );

  it('does not take a program’s own failure for a refusal of sudo', async () => {
    const { port } = await server({
      onExec: (channel, command) => {
        channel.write(`${/# citadel-iac output \w+/.exec(command)?.[0] ?? ''}\n`);
        channel.stderr.write('sudo: unable to resolve host ai-node: Name or service not known\nfailed\n');
        channel.exit(1);
        channel.end();
      },
    });
    const transport = await openTransport(target(port), deps());
    closers.push(() => transport.close());
    const result = await transport.read(reader('x'), none, { deadlineSec: 10 });
    expect([result.exitCode, result.stderr.endsWith('failed\n')]).toEqual([1, true]);
  });

  it.each([
    [1, 'agent0 is not in the sudoers file.'],
    [1, 'sudo: interactive authentication is required'],
    [1, "sudo: I'm sorry agent0. I'm afraid I can't do that"],
    [1, 'sudo: sorry, you must have a tty to run sudo'],
    [1, "Sorry, user agent0 is not allowed to execute '/bin/sh -c x' as root on ai-node."],
    [127, 'env: ‘sudo’: No such file or directory'],
    [127, "env: 'sudo': No such file or directory"],
  ])('knows other refusals: %i %s', async (status, words) => {
    const { port } = await server({
      onExec: (channel) => {
        channel.stderr.write(`${words}\n`);
        channel.exit(status);
        channel.end();
      },
    });
    const transport = await openTransport(target(port), deps());
    closers.push(() => transport.close());
    const refused = await problem(transport.read(reader('x'), none, { deadlineSec: 10 }));
    expect(refused.code).toBe('ssh.sudo');
    expect(refused.got).toContain(words);
    expect(refused.fix).toContain(words.includes('tty') ? 'Defaults:agent0 !requiretty' : 'NOPASSWD: ALL');
  });

  it('names a file that sudo reads, and an account as sudo wants it', async () => {
    const { port } = await server({
      onExec: (channel) => {
        channel.stderr.write('sudo: a password is required\n');
        channel.exit(1);
        channel.end();
      },
      user,
      account: 'DOMAIN\\first.last@realm',
    });
    const transport = await openTransport(target(port, { user: 'DOMAIN\\first.last@realm' }), deps());
    closers.push(() => transport.close());
    const refused = await problem(transport.read(reader('x'), none, { deadlineSec: 10 }));
    expect(refused.fix).toContain(
      "printf '%s\\n' 'DOMAIN\\\\first.last\\@realm ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/DOMAIN_first_last_realm",
    );
  });

  it('says when sshd allows the account no commands', async () => {
    const { port } = await server({
      onExec: (channel) => {
        channel.write('This service allows sftp connections only.\n');
        channel.exit(1);
        channel.end();
      },
    });
    const transport = await openTransport(target(port), deps());
    closers.push(() => transport.close());
    const refused = await problem(transport.read(reader('x'), none, { deadlineSec: 10 }));
    expect([refused.code, refused.fix.includes('internal-sftp')]).toEqual(['ssh.shell', true]);
  });

  it('says when the account has no login shell', async () => {
    const { port } = await server({
      onExec: (channel) => {
        channel.write('This account is currently not available.\n');
        channel.exit(1);
        channel.end();
      },
    });
    const transport = await openTransport(target(port), deps());
    closers.push(() => transport.close());
    expect((await problem(transport.read(reader('x'), none, { deadlineSec: 10 }))).code).toBe('ssh.shell');
  });

  it('names host, address, step and fix of what fails on the way', async () => {
    const closed = await freePort();
    const down = await problem(openTransport(target(closed), deps()));
    expect(down.error.message).toBe(
      `[ai-node] agent0@127.0.0.1:${String(closed)}: tcp connect: connection refused: nothing listens on this port. ` +
        'Start sshd there, or correct address and port.',
    );
    expect(down.code).toBe('ssh.unreachable');
    const running = await server();
    const pin = newKey().fingerprint;
    expect((await problem(openTransport(target(running.port, { hostKeys: [pin] }), deps()))).code).toBe(
      'ssh.host-key',
    );
    expect((await problem(openTransport(target(running.port, { user: 'mallory' }), deps()))).code).toBe(
      'ssh.auth',
    );
    const { identityFile: _none, ...agentOnly } = target(running.port);
    expect((await problem(openTransport(agentOnly, deps()))).code).toBe('ssh.identity');
    const hanging = await server({ auth: 'silent' });
    const hung = await problem(openTransport(target(hanging.port, { connectTimeoutSec: 0.5 }), deps()));
    expect([hung.code, hung.got]).toEqual([
      'ssh.unreachable',
      `agent0@127.0.0.1:${String(hanging.port)}: authentication: no answer within 0.5 s`,
    ]);
    const signal = AbortSignal.timeout(100);
    const aborted = await problem(openTransport(target(hanging.port), { ...deps(), signal }));
    expect(aborted.code).toBe('ssh.aborted');
  });

  it('tells a deadline from a lost connection, and connects anew', async () => {
    const running = await server({ onExec: () => undefined });
    const abort = new AbortController();
    const transport = await openTransport(target(running.port), { ...deps(), signal: abort.signal });
    closers.push(() => transport.close());
    abort.abort();
    const late = await problem(transport.read(reader('x'), none, { deadlineSec: 0.2 }));
    expect([late.code, isConnectionLost(late.error)]).toEqual(['ssh.timeout', false]);
    const pending = problem(transport.read(reader('x'), none, { deadlineSec: 10 }));
    setTimeout(() => running.connections[0]?.end(), 100);
    const lost = await pending;
    expect([lost.code, isConnectionLost(lost.error)]).toEqual(['ssh.lost', true]);
    const again = await transport.reconnect();
    closers.push(() => again.close());
    expect(running.connections).toHaveLength(2);
  });
});

describe.skipIf(sshdMissing !== undefined)(
  `an ssh target at OpenSSH${sshdMissing === undefined ? '' : ` (skipped: ${sshdMissing})`}`,
  () => {
    let sshd: Sshd;
    beforeAll(async () => {
      sshd = await startSshd(scratch);
    });
    afterAll(() => sshd.stop());

    it('runs a program of many lines with hostile input, and streams its progress', async () => {
      const transport = await openTransport(
        target(sshd.port, {
          user: 'root',
          hostKeys: [sshd.hostKey.fingerprint],
          identityFile: sshd.identity,
        }),
        deps(),
      );
      closers.push(() => transport.close());
      const script = [
        '# it\'s a comment with "quotes", `ticks` and $(things)',
        'set -u',
        'total=0',
        'while IFS= read -r line; do',
        '  printf \'saw %s\\n\' "$line"',
        '  total=$((total + 1))',
        'done',
        'printf "%s lines, root=%s\\n" "$total" "${1:-none}"',
      ].join('\n');
      const lines = ["'", '"', '$(id)', '`id`', '\\', '-n', '%s', 'ünï 🙂', '~', '*'];
      const seen: Buffer[] = [];
      const result = await transport.read(reader(script), Buffer.from(`${lines.join('\n')}\n`), {
        deadlineSec: 10,
        onStdout: (chunk) => seen.push(chunk),
      });
      const expected = [...lines.map((line) => `saw ${line}`), `${String(lines.length)} lines, root=none\n`];
      expect(result.stdout.toString()).toBe(expected.join('\n'));
      expect(Buffer.concat(seen).equals(result.stdout)).toBe(true);
    });
  },
);
