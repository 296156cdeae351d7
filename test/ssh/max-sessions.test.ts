import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../lib/ssh/index.js';
import { CLIENTS } from './support/clients.js';
import { labSshd } from './support/lab-sshd.js';
import { Scratch } from './support/keys.js';
import { sshdMissing, startSshd } from './support/sshd.js';

/** Commands in a row, and whose sshd; `npm run check:long ssh` sets them. */
const IN_A_ROW = Number(process.env['CITADEL_SSH_COMMANDS'] ?? '15');
const suite = process.env['CITADEL_SSHD'];
const VERSIONS: Readonly<Record<string, RegExp>> = { bookworm: /^OpenSSH_9\./, trixie: /^OpenSSH_10\./ };

let scratch: Scratch;
beforeAll(async () => {
  scratch = await Scratch.make();
});
afterAll(() => scratch.remove());

const cases = CLIENTS.flatMap(({ name, client }) =>
  [1, 2, 4, 10].map((sessions) => ({ sessions, name, client })),
);

describe.skipIf(sshdMissing !== undefined)('MaxSessions', { timeout: 600_000 }, () => {
  it.each(cases)(
    '$sessions is enough for commands in a row and for eight at once, by the $name client',
    async ({ sessions, client }) => {
      const sshd = await startSshd(scratch, {
        lines: [`MaxSessions ${String(sessions)}`],
        ...(suite !== undefined && { command: labSshd(suite) }),
      });
      const connection = await connect({
        host: 'web',
        address: '127.0.0.1',
        port: sshd.port,
        user: 'root',
        hostKeys: [sshd.hostKey.fingerprint],
        auth: { kind: 'identity', path: sshd.identity },
        deadlineSec: 60,
        ...(client !== undefined && { client }),
      });
      try {
        expect(connection.serverVersion).toMatch(VERSIONS[suite ?? ''] ?? /^OpenSSH_/);
        const echo = async (text: string): Promise<string> => {
          const stdin = Buffer.from(text);
          return (await connection.exec('cat', { stdin, deadlineSec: 200 })).stdout.toString();
        };
        const texts = (count: number): string[] =>
          Array.from({ length: count }, (_, index) => `text ${String(index)}`);
        const atOnce = texts(8);
        expect(await Promise.all(atOnce.map(echo))).toEqual(atOnce);
        for (const text of texts(IN_A_ROW)) expect(await echo(text)).toBe(text);
        expect(await Promise.all(atOnce.map(echo))).toEqual(atOnce);
      } finally {
        await connection.close();
        await sshd.stop();
      }
    },
  );
});
