import type { AddressInfo } from 'node:net';
import { connect as connectTcp } from 'node:net';
import ssh2, { type Connection, type ServerChannel } from 'ssh2';
import type { TestKey } from './keys.js';

export interface FakeServerOptions {
  readonly hostKeys: readonly TestKey[];
  /** The one key that may log in. */
  readonly user: TestKey;
  /** The one account. @default agent0 */
  readonly account?: string;
  /** What to do with a command; default: echo the input, exit 0. */
  readonly onExec?: (channel: ServerChannel, command: string) => void;
  /** `silent`: never answers a request to log in; `hangs-up`: ends the connection there. */
  readonly auth?: 'silent' | 'hangs-up';
  /** `silent`: never answers a request to open a session. */
  readonly session?: 'silent' | 'refused';
  /** `refused`: answers a command with a failure. */
  readonly exec?: 'refused' | 'silent';
  readonly forward?: boolean;
  readonly ident?: string;
}

/** An SSH server in this process, for what a real one cannot be asked to do: hang, refuse, break off. */
export interface FakeServer {
  readonly port: number;
  readonly connections: Connection[];
  readonly sessions: number;
  close(): Promise<void>;
}

export async function startFakeServer(options: FakeServerOptions): Promise<FakeServer> {
  const connections: Connection[] = [];
  let sessions = 0;
  const server = new ssh2.Server(
    {
      hostKeys: options.hostKeys.map((key) => key.privateText),
      ...(options.ident === undefined ? {} : { ident: options.ident }),
    },
    (connection) => {
      connections.push(connection);
      connection.on('error', () => undefined);
      connection.on('authentication', (context) => {
        if (options.auth === 'silent') return;
        if (options.auth === 'hangs-up') return void connection.end();
        const allowed = ssh2.utils.parseKey(options.user.publicText);
        if (context.method !== 'publickey' || allowed instanceof Error) {
          context.reject(['publickey']);
          return;
        }
        const known =
          context.username === (options.account ?? 'agent0') &&
          context.key.data.equals(allowed.getPublicSSH());
        const signed =
          context.signature === undefined || context.blob === undefined
            ? true
            : allowed.verify(context.blob, context.signature, context.hashAlgo);
        if (known && signed) context.accept();
        else context.reject(['publickey']);
      });
      connection.on('session', (accept, reject) => {
        sessions += 1;
        if (options.session === 'silent') return;
        if (options.session === 'refused') {
          reject();
          return;
        }
        accept().on('exec', (acceptExec, rejectExec, info) => {
          if (options.exec === 'silent') return;
          if (options.exec === 'refused') {
            rejectExec();
            return;
          }
          const channel = acceptExec();
          channel.on('error', () => undefined);
          (options.onExec ?? echo)(channel, info.command);
        });
      });
      connection.on('tcpip', (accept, reject, info) => {
        if (options.forward !== true) {
          reject();
          return;
        }
        const socket = connectTcp(info.destPort, info.destIP);
        socket.on('error', () => reject());
        socket.on('connect', () => {
          const channel = accept();
          channel.on('error', () => undefined);
          channel.pipe(socket).pipe(channel);
        });
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    get sessions() {
      return sessions;
    },
    close: () =>
      new Promise((resolve) => {
        for (const connection of connections) connection.end();
        server.close(() => resolve());
        setTimeout(resolve, 500).unref();
      }),
  };
}

export function echo(channel: ServerChannel): void {
  channel.on('data', (chunk: Buffer) => channel.write(chunk));
  channel.on('end', () => {
    channel.exit(0);
    channel.end();
  });
}
