import { describe, expect, it } from 'vitest';
import { Follower, type FollowEnd } from '../../../lib/engine/apply/follow.js';
import type { ProgressLine } from '../../../lib/engine/apply/progress.js';
import { asCitadelError } from '../../../lib/engine/targets/errors.js';
import type { ProgramResult, Transport } from '../../../lib/engine/transport.js';
import { SshError } from '../../../lib/ssh/index.js';

const US = '\x1f';
const STEP = `step${US}switch${US}1\n`;
const CONFIRM = `confirm${US}12:00:00${US}60\n`;
const END = `end${US}committed${US}1\n`;
const OK: ProgramResult = { exitCode: 0, stdout: Buffer.alloc(0), stderr: '' };

/** One connection of the double below: what it says when it is asked to attach, or why it cannot be made. */
type Connection =
  | { readonly says: readonly string[]; readonly breaks?: boolean; readonly status?: number }
  | { readonly refuses: string }
  /** A log-in that no one answers, until it is called off. */
  | { readonly waitsFor: string };

/** A double of a host: connections in the order in which they are made; remembers what was asked of them. */
class FakeHost {
  readonly asked: string[] = [];
  private next = 0;

  constructor(private readonly connections: readonly Connection[]) {}

  readonly reconnect = (signal?: AbortSignal): Promise<Transport> => {
    const connection = this.connections[Math.min(this.next, this.connections.length - 1)];
    this.next += 1;
    if (connection !== undefined && 'waitsFor' in connection) return calledOff(connection.waitsFor, signal);
    if (connection === undefined || 'refuses' in connection) {
      return Promise.reject(new Error(connection?.refuses ?? 'no such connection'));
    }
    return Promise.resolve(this.transport(connection));
  };

  transport(connection: Extract<Connection, { says: readonly string[] }>): Transport {
    return {
      kind: 'ssh',
      description: 'a double',
      read: (program, _input, options) => {
        this.asked.push(program.name);
        for (const piece of connection.says) options.onStdout?.(Buffer.from(piece));
        return connection.breaks === true
          ? Promise.reject(new Error('connection lost'))
          : Promise.resolve(OK);
      },
      run: (program, input) => {
        this.asked.push(
          `${program.name} ${Buffer.isBuffer(input) ? input.toString().trim().replaceAll('\n', ' ') : ''}`,
        );
        return Promise.resolve({ ...OK, exitCode: connection.status ?? 0 });
      },
      reconnect: this.reconnect,
      close: () => Promise.resolve(),
    };
  }
}

function calledOff(waitedFor: string, signal: AbortSignal | undefined): Promise<never> {
  const party = { host: 'web', user: 'ops', address: 'web', port: 22 };
  const fault = {
    step: 'authentication',
    kind: 'aborted',
    got: 'given up',
    fix: 'Again',
    waitedFor,
  } as const;
  return new Promise((_, reject) => {
    const error = asCitadelError(new SshError(party, fault));
    const giveUp = (): void => reject(error instanceof Error ? error : new Error(String(error)));
    if (signal?.aborted === true) giveUp();
    signal?.addEventListener('abort', giveUp);
  });
}

interface Watched {
  readonly end: FollowEnd;
  readonly heard: readonly string[];
  readonly asked: readonly string[];
}

/** Follows a transaction whose first connection says `first` and then ends as `how` says; time passes at once. */
async function follow(
  first: readonly string[],
  how: 'ends' | 'breaks' | 'hangs' | 'late',
  later: readonly Connection[] = [],
  confirm = false,
): Promise<Watched> {
  const host = new FakeHost(later);
  const heard: ProgressLine[] = [];
  let time = 0;
  const follower: Follower = new Follower(
    {
      id: 'id-1',
      nonce: 'nonce',
      confirm,
      deadlineSec: 100,
      reconnectSec: 20,
      clock: {
        now: () => time,
        sleep: (seconds) => {
          time += seconds * 1000;
          return new Promise((resolve) => setImmediate(resolve));
        },
      },
      onProgress: (line) => heard.push(line),
    },
    host.transport({ says: [] }),
    async () => {
      for (const piece of first) {
        // A minute of silence, as the double counts it.
        for (let n = 0; how === 'late' && piece === END && n < 200; n += 1) {
          time += 300;
          await new Promise((resolve) => setImmediate(resolve));
        }
        follower.onStdout(Buffer.from(piece));
      }
      if (how === 'hangs') return new Promise(() => undefined);
      return how === 'breaks' ? Promise.reject(new Error('connection lost')) : Promise.resolve(OK);
    },
  );
  const end = await follower.run();
  return { end, heard: heard.map(({ kind }) => kind), asked: host.asked };
}

describe('Follower', () => {
  it('hears a transaction to its end over one connection', async () => {
    const { end, heard, asked } = await follow([STEP, END], 'ends');
    expect([end.kind, heard, asked]).toEqual(['told', ['step', 'end'], []]);
  });

  it('puts lines together from pieces', async () => {
    const all = STEP + END;
    expect((await follow([all.slice(0, 7), all.slice(7, 20), all.slice(20)], 'ends')).heard).toEqual([
      'step',
      'end',
    ]);
  });

  it('asks a new connection how it went, and tells each line once', async () => {
    const { end, heard, asked } = await follow([STEP], 'breaks', [{ says: [STEP, END] }]);
    expect([end.kind, heard, asked]).toEqual(['told', ['step', 'end'], ['citadel-attach']]);
  });

  it('tries a lost host again until it answers', async () => {
    const later: Connection[] = [
      { refuses: 'no route' },
      { refuses: 'no route' },
      { says: [STEP], breaks: true },
      { says: [STEP, END] },
    ];
    expect((await follow([], 'breaks', later)).heard).toEqual(['step', 'end']);
  });

  it('gives up on a host that stays away, with the last reason', async () => {
    const { end } = await follow([STEP], 'breaks', [{ refuses: 'no route to host' }]);
    expect(end).toMatchObject({ kind: 'lost', error: new Error('no route to host') });
  });

  it('believes "gone" only when it is said again', async () => {
    const { end, asked } = await follow([], 'breaks', [{ says: ['gone\n'] }, { says: [STEP, END] }]);
    expect(end.kind === 'told' ? end.lines.map(({ kind }) => kind) : end).toEqual(['step', 'end']);
    expect(asked).toEqual(['citadel-attach', 'citadel-attach']);
    const never = await follow([], 'breaks', [{ says: ['gone\n'] }]);
    expect(never.end.kind === 'told' ? never.end.lines.map(({ kind }) => kind) : never.end).toEqual(['gone']);
  });

  it('calls off a log-in that waits for an answer once the host has undone the change', async () => {
    const failed = `failure${US}confirm${US}${US}${Buffer.from('none came').toString('base64')}\n`;
    const undone = `end${US}rolled-back${US}1\n`;
    const { end, heard } = await follow(
      [STEP, CONFIRM, failed, undone],
      'ends',
      [{ waitsFor: 'a touch' }],
      true,
    );
    expect(heard).toEqual(['step', 'confirm', 'failure', 'end']);
    expect(end).toMatchObject({ kind: 'told', unanswered: 'a touch' });
  });

  it('does not wait for an answer once it has given up on a host that stays away', async () => {
    const later: Connection[] = [{ waitsFor: 'a touch' }, { refuses: 'no route to host' }];
    const { end } = await follow([STEP, CONFIRM], 'breaks', later, true);
    expect(end).toMatchObject({ kind: 'lost', error: new Error('no route to host') });
  });

  it('confirms a second time when the host asks again, with another word', async () => {
    const { asked } = await follow([STEP, CONFIRM, STEP, CONFIRM, END], 'ends', [{ says: [] }], true);
    expect(asked).toContain('citadel-control confirm id-1 nonce-2');
  });

  it('stays with a connection that got through to the confirmation, however long the host is silent', async () => {
    const { asked, heard } = await follow([STEP, CONFIRM, END], 'late', [{ says: [] }], true);
    expect(heard).toEqual(['step', 'confirm', 'end']);
    expect(asked).toEqual(['citadel-control confirm id-1 nonce']);
  });

  it('confirms a change over a connection of its own, with the nonce', async () => {
    const { heard, asked } = await follow([STEP, CONFIRM, END], 'ends', [{ says: [] }], true);
    expect(heard).toEqual(['step', 'confirm', 'end']);
    expect(asked).toEqual(['citadel-control confirm id-1 nonce']);
  });

  it('confirms again when the host could not take it down', async () => {
    const confirmed = { says: [STEP, CONFIRM, END] };
    const later: Connection[] = [{ says: [], status: 1 }, { says: [STEP, CONFIRM] }, confirmed];
    const { end, asked } = await follow([STEP, CONFIRM], 'breaks', later, true);
    expect(end.kind).toBe('told');
    expect(asked.filter((each) => each.startsWith('citadel-control'))).toHaveLength(2);
  });

  it('gives up on a host that answers each time and never says how it ended', async () => {
    const { end, asked } = await follow([STEP], 'breaks', [{ says: [STEP], status: 1 }]);
    expect(end.kind).toBe('lost');
    expect(asked.length).toBeGreaterThan(20);
    expect(asked.length).toBeLessThan(60);
  });

  it('asks again when a change silences the connection', async () => {
    const { heard, asked } = await follow(
      [STEP],
      'hangs',
      [{ says: [STEP, CONFIRM, END] }, { says: [] }],
      true,
    );
    expect(heard).toEqual(['step', 'confirm', 'end']);
    expect(asked).toContain('citadel-attach');
  });
});
