import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Become, remoteCommand } from '../../../lib/engine/targets/become.js';
import { frameOf } from '../../../lib/engine/targets/frame.js';
import { isConnectionLost, openTransport } from '../../../lib/engine/targets/index.js';
import { newKey } from '../../ssh/support/keys.js';
import { freePort, type Sshd, sshdMissing, startSshd } from '../../ssh/support/sshd.js';
import { Bench, can, locally, none, noSudo, problem, reader } from './support/bench.js';
import { LOGIN_SHELLS, startUp } from './support/login-shells.js';

const bench = new Bench();
const { closers, deps, server, target } = bench;

describe('remoteCommand', () => {
  it('holds the length of the program and nothing of its text', () => {
    const commandOf = (script: string, become: Become): string =>
      remoteCommand(reader(script), frameOf(reader(script), 'ab12'), become);
    const code = gzipSync("echo 'hi'").toString('base64');
    const begin = `exit 91 # citadel-iac begin ab12 ${String(code.length)}`;
    const text = `${begin}\n${code}_\nexit 91 # citadel-iac end ab12`;
    const digest = createHash('sha256').update(text).digest('hex');
    expect(commandOf("echo 'hi'", 'none')).toBe(
      `/bin/sh -c 'text=$(head -c ${String(text.length)}); case $text in "${begin}"*"exit 91 # citadel-iac end ab12") ;; *) exit 90 ;; esac; ` +
        `case $(printf %s "$text" | sha256sum) in ${digest}*) ;; *) exit 90 ;; esac; ` +
        `text=\${text#"${begin}"}; text=\${text%"exit 91 # citadel-iac end ab12"}; ` +
        'text=$(printf %s "$text" | base64 -di | gzip -dc) || exit 90; ' +
        `echo "# citadel-iac output ab12"; (eval "$text"); status=$?; echo "# citadel-iac exit ab12 $status"; exit $status' citadel-observe ''`,
    );
    expect(commandOf('echo "ä"', 'sudo')).toMatch(
      /^env 'LC_ALL=C' sudo -n -- \/bin\/sh -c '[^'ä]*' citadel-observe ''$/,
    );
  });
});

/** What prints after the program; tcsh has nothing for it. */
const AT_EXIT = {
  sh: "trap 'echo bye' EXIT",
  bash: "trap 'echo bye' EXIT",
  zsh: "trap 'echo bye' EXIT",
  fish: 'function bye --on-event fish_exit; echo bye; end',
  tcsh: 'echo hello',
};
const SHELLS = LOGIN_SHELLS.filter((shell) => can(`command -v ${shell}`));
describe.each(SHELLS)('start-up files of the login shell (%s)', (shell) => {
  const connected = async (file: string) => {
    const { port } = await server({ onExec: startUp(bench.scratch.path, file, shell) });
    const transport = await openTransport(target(port), deps());
    closers.push(() => transport.close());
    return transport;
  };
  const program = reader('# a comment\nprintf "%s|" "$0" "$#" "$1"; cat');
  const { length } = frameOf(program, 'a'.repeat(16)).text;

  it.each([
    ['a line', 'echo Welcome'],
    ['no newline, and on both', `sh -c 'printf Hello; printf oops >&2'`],
    ['much', 'head -c 300000 /dev/zero; echo; echo "# citadel-iac output of someone else"'],
    ['at its end', AT_EXIT[shell]],
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
    ['all but the data', `head -c ${String(length)} >/dev/null`],
    ['everything', 'cat >/dev/null'],
  ])('that read %s are named, and nothing of the data runs', async (_, file) => {
    const proof = join(bench.scratch.path, 'ran');
    const transport = await connected(file);
    const data = Buffer.from(`touch '${proof}'\n`.repeat(400));
    const refused = await problem(transport.read(program, data, { deadlineSec: 30 }));
    expect(refused.code).toBe('ssh.start-up');
    expect(refused.got).toContain('a start-up file of the login shell of "agent0" reads standard input');
    expect(existsSync(proof)).toBe(false);
  });

  it.each([
    ['all of it', 'exec sh'],
    ['all but its first line', shell === 'tcsh' ? 'set x = "$<"; exec sh' : 'read x; exec sh'],
    ['all but a part of a line', 'head -c 60 >/dev/null; exec sh'],
  ])('that let another shell take %s are named, and nothing of program or data runs', async (_, file) => {
    const proof = join(bench.scratch.path, 'ran-too');
    const touch = `touch '${proof}'\n`.repeat(40);
    const transport = await connected(file);
    const refused = await problem(transport.read(reader(touch), Buffer.from(touch), { deadlineSec: 30 }));
    expect(refused.code).toBe('ssh.start-up');
    expect(refused.got).toContain(
      'another shell was started for "agent0" in the place of the command, and took citadel-observe for commands',
    );
    expect(refused.fix).toContain('ForceCommand');
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

  it('tells a program that was ended before its end from one that failed', async () => {
    const { port } = await server({ onExec: locally(), account: 'root' });
    const transport = await openTransport(target(port, { user: 'root' }), deps());
    closers.push(() => transport.close());
    const failed = await transport.read(reader('echo some; exit 137'), none, { deadlineSec: 10 });
    expect([failed.exitCode, failed.stdout.toString()]).toEqual([137, 'some\n']);
    const cut = await problem(transport.read(reader('echo some; kill -9 $$'), none, { deadlineSec: 10 }));
    expect(cut.got).toMatch(/citadel-observe was ended before its end \(status (1|137)\)$/);
    expect(isConnectionLost(cut.error)).toBe(true);
  });

  it('does not take a program’s own failure for a refusal of sudo', async () => {
    const { port } = await server({
      onExec: (channel, command) => {
        const nonce = /# citadel-iac output (\w+)/.exec(command)?.[1] ?? '';
        channel.write(`# citadel-iac output ${nonce}\n# citadel-iac exit ${nonce} 1\n`);
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
    ['ssh.shell', 'internal-sftp', 1, 'This service allows sftp connections only.', ''],
    ['ssh.shell', 'usermod --shell', 1, 'This account is currently not available.', ''],
    ['ssh.shell', 'passwd agent0', 1, '', 'WARNING: Your password has expired.'],
    ['ssh.shell', 'chage', 1, '', 'Password change required but no TTY available.'],
    ['ssh.start-up', 'secure_path', 90, '', '/bin/sh: 1: head: not found\n/bin/sh: 1: sha256sum: not found'],
    ['ssh.start-up', 'gzip of gzip', 90, '', '/bin/sh: 1: gzip: not found'],
    ['ssh.start-up', 'ForceCommand', 0, 'no commands here', ''],
    ['ssh.shell', 'usermod --shell /bin/bash', 1, '', ''],
    ['ssh.shell', 'ChrootDirectory', 1, '', '/bin/bash: No such file or directory'],
    ['ssh.start-up', 'the login shell of the account', 2, '', ''],
  ])('says why an account runs nothing: %s, %s', async (code, fix, status, stdout, stderr) => {
    const { port } = await server({
      onExec: (channel) => {
        channel.write(`${stdout}\n`);
        channel.stderr.write(`${stderr}\n`);
        channel.exit(status);
        channel.end();
      },
    });
    const transport = await openTransport(target(port), deps());
    closers.push(() => transport.close());
    const refused = await problem(transport.read(reader('x'), none, { deadlineSec: 10 }));
    expect([refused.code, refused.path]).toEqual([code, 'ai-node']);
    expect(refused.fix).toContain(fix);
    expect(refused.got).toContain((stdout || stderr).split('\n')[0]);
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

  it('takes the passphrase of a key from a secret, and asks no one then', async () => {
    const locked = newKey('ed25519', 'open sesame');
    await bench.scratch.file('locked', locked.privateText);
    const { port } = await server({ user: locked });
    const way = target(port, { identityFile: '~/locked', identityPassphrase: 'key_word' });
    const asked: string[] = [];
    const named = (value: string) => ({
      ...deps(),
      passphrase: () => Promise.resolve('asked').finally(() => asked.push('a person')),
      secret: (name: string) => Promise.resolve(Buffer.from(value)).finally(() => asked.push(name)),
    });
    const transport = await openTransport(way, named('open sesame'));
    closers.push(() => transport.close());
    const jump = { ...way, user: 'agent0' };
    const behind = await server({ user: bench.user });
    const viaJump = await problem(openTransport(target(behind.port, { jump: [jump] }), named('wrong')));
    expect(viaJump.got).toContain(
      `the passphrase that was given for the key ${join(bench.scratch.path, 'locked')}`,
    );
    const wrong = await problem(openTransport(way, named('wrong')));
    expect([wrong.code, wrong.path]).toEqual(['ssh.identity', 'ai-node']);
    expect(asked).toEqual(['key_word', 'key_word', 'key_word']);
    const nowhere = await problem(openTransport(way, deps()));
    expect(nowhere.got).toContain('is protected by a passphrase, and the SSH agent does not hold it');
  });

  it('tells a deadline from a lost connection, and connects again', async () => {
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
      sshd = await startSshd(bench.scratch);
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
