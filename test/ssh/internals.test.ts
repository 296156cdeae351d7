import { PassThrough } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import ssh2 from 'ssh2';
import { describe, expect, it } from 'vitest';
import { authenticateAtOnce, openExec } from '../../lib/ssh/internals.js';
import { newKey } from './support/keys.js';

/** A channel as `ssh2` makes them, with a granted window, that notes what was written past its own `write`. */
function fakeChannel(window: number) {
  const stream = new PassThrough();
  let closed = false;
  const callbacks: ((refused: unknown) => void)[] = [];
  const channel = Object.assign(stream, {
    outgoing: { id: 7, window, packetSize: 10, state: 'open' },
    _callbacks: callbacks,
    stderr: new PassThrough(),
    close: () => (closed = true),
  });
  return { channel, callbacks, isClosed: () => closed };
}

/** A client whose channel opens at once. */
function fakeClient(window: number, version: string) {
  const fake = fakeChannel(window);
  const sent: string[] = [];
  const client = {
    _remoteVer: version,
    _chanMgr: {
      add: (opened: (error: undefined, channel: unknown) => void) => {
        queueMicrotask(() => opened(undefined, fake.channel));
        return 0;
      },
    },
    _protocol: {
      session: () => sent.push('open'),
      exec: (_id: number, command: string) => sent.push(`exec ${command}`),
      channelData: (_id: number, data: Buffer) => sent.push(`data ${data.toString()}`),
      authPK: () => undefined,
      service: () => undefined,
      _handlers: {},
    },
    exec: () => {
      throw new Error('the documented path was taken');
    },
  };
  return { ...fake, sent, client: client as unknown as Client };
}

const request = (first: string, wanted = true) => ({
  command: 'cat',
  first: Buffer.from(first),
  last: true,
  onChannel: () => wanted,
});

const tick = () => new Promise((resolve) => setImmediate(resolve));

describe('openExec', () => {
  it('sends input within the window right behind the command, in packets of the agreed size', async () => {
    const { client, sent, callbacks, channel } = fakeClient(14, 'dropbear_2022.83');
    const opened = openExec(client, request('0123456789abcdefghij'));
    await tick();
    expect(sent).toEqual(['open', 'exec cat', 'data 0123456789', 'data abcd']);
    expect(channel.outgoing.window).toBe(0);
    expect(channel.writableEnded).toBe(false);
    callbacks[0]?.(false);
    expect(await opened).toBe(14);
  });

  it('sends nothing ahead to a server that grants nothing and is not OpenSSH', async () => {
    const { client, sent, callbacks } = fakeClient(0, 'dropbear_2022.83');
    const opened = openExec(client, request('0123'));
    await tick();
    expect(sent).toEqual(['open', 'exec cat']);
    callbacks[0]?.(false);
    expect(await opened).toBe(0);
  });

  it('sends ahead to OpenSSH, closes a finished input, and accounts for it', async () => {
    const { client, sent, callbacks, channel } = fakeClient(0, 'OpenSSH_9.2p1');
    const opened = openExec(client, request('0123'));
    await tick();
    expect(sent).toEqual(['open', 'exec cat', 'data 0123']);
    expect(channel.outgoing.window).toBe(-4);
    expect(channel.writableEnded).toBe(true);
    channel.outgoing.window += 100;
    callbacks[0]?.(false);
    expect(await opened).toBe(4);
    expect(channel.outgoing.window).toBe(96);
  });

  it('fails when the window that was counted on does not come', async () => {
    const { client, callbacks, channel, isClosed } = fakeClient(0, 'OpenSSH_99');
    const opened = openExec(client, request('0123'));
    await tick();
    channel.outgoing.window += 3;
    callbacks[0]?.(false);
    await expect(opened).rejects.toThrow('the host granted less room for input than OpenSSH does');
    expect(isClosed()).toBe(true);
  });

  it('fails when the command is refused', async () => {
    const { client, callbacks, isClosed } = fakeClient(10, 'OpenSSH_9.2p1');
    const opened = openExec(client, request(''));
    await tick();
    callbacks[0]?.(true);
    await expect(opened).rejects.toThrow('the host refused to run a command');
    expect(isClosed()).toBe(true);
  });

  it('closes a channel that comes too late, and sends no command', async () => {
    const { client, sent, isClosed } = fakeClient(10, 'OpenSSH_9.2p1');
    await openExec(client, request('0123', false));
    expect([sent, isClosed()]).toEqual([['open'], true]);
  });

  it('takes the documented path where the insides are not as expected', async () => {
    const { channel } = fakeChannel(0);
    const commands: string[] = [];
    const exec = (command: string, done: (error: undefined, channel: ClientChannel) => void): void => {
      commands.push(command);
      done(undefined, channel as unknown as ClientChannel);
    };
    const { client } = fakeClient(0, 'OpenSSH_9.2p1');
    Reflect.deleteProperty(Reflect.get(client, '_protocol') as object, 'channelData');
    for (const strange of [{ exec }, Object.assign(client, { exec })]) {
      expect(await openExec(strange as unknown as Client, request('0123'))).toBe(0);
    }
    // The channel itself may be strange, too.
    const other = fakeClient(0, 'OpenSSH_9.2p1');
    Reflect.set(other.channel.outgoing, 'window', undefined);
    expect(await openExec(Object.assign(other.client, { exec }), request('0123'))).toBe(0);
    expect(other.isClosed()).toBe(true);
    expect(commands).toEqual(['cat', 'cat', 'cat']);
  });
});

describe('authenticateAtOnce', () => {
  it('leaves a client alone whose insides are not as expected', () => {
    const key = ssh2.utils.parseKey(newKey().privateText);
    if (key instanceof Error) throw key;
    expect(() => authenticateAtOnce(Object.create(null) as Client, key)).not.toThrow();
  });
});
