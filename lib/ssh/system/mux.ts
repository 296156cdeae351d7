import { connect, type Socket } from 'node:net';
import { EAGER_BYTES, type ExecRequest, NO_ROOM, RECEIVE_PACKET, RECEIVE_WINDOW } from '../internals.js';
import { type Carrier, MuxChannel } from './channel.js';
import { frame, Frames, MESSAGE, message, MUX, MUX_VERSION, Reader, string, uint32 } from './wire.js';

/**
 * The connection of a master, shared with it through its control socket in proxy mode (OpenSSH 7.4 and newer): the master
 * encrypts, and we speak the connection protocol. So exit statuses, signals and standard error are the command's own, a
 * refused channel is a refusal (`ssh -S` would open a connection of its own), and there is no process per command.
 */
export class Mux implements Carrier {
  /** Resolves when the control socket has closed: the master has ended, or was told to. */
  readonly closed: Promise<void>;
  readonly #channels = new Map<number, MuxChannel>();
  readonly #opening = new Map<number, Opening>();
  #nextId = 0;
  readonly #resume = new Set<() => void>();

  private constructor(
    private readonly socket: Socket,
    /** Process of the master. */
    readonly pid: number,
    frames: Frames,
  ) {
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('drain', () => {
      const waiting = [...this.#resume];
      this.#resume.clear();
      for (const resume of waiting) resume();
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const body of frames.push(chunk)) this.#take(body);
      } catch (error) {
        // Nothing of OpenSSH's is like that; whoever waits learns that the connection has ended.
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  /**
   * Connects to a master that has logged in.
   *
   * @param until rejects when the answer is not needed any more
   * @throws Error when nothing listens there, or what does knows no proxy mode; what `until` rejects with
   */
  static open(path: string, until: Promise<never>): Promise<Mux> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      let ready = false;
      until.catch((error: unknown) => {
        if (ready) return;
        reject(error instanceof Error ? error : new Error(String(error)));
        socket.destroy();
      });
      const frames = new Frames();
      let pid = 0;
      socket.on('error', reject);
      socket.once('close', () => reject(new Error('the master closed its control socket')));
      socket.write(frame(uint32(MUX.hello), uint32(MUX_VERSION)));
      socket.write(frame(uint32(MUX.aliveCheck), uint32(0)));
      socket.write(frame(uint32(MUX.proxy), uint32(1)));
      const onData = (chunk: Buffer): void => {
        try {
          for (const body of frames.push(chunk)) {
            const reader = new Reader(body);
            const type = reader.uint32();
            if (type === MUX.alive) {
              reader.uint32();
              pid = reader.uint32();
            } else if (type === MUX.proxyReady) {
              socket.off('data', onData);
              ready = true;
              resolve(new Mux(socket, pid, frames));
              return;
            } else if (type !== MUX.hello) throw new Error('the master knows no proxy mode');
          }
        } catch (error) {
          socket.destroy();
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      socket.on('data', onData);
    });
  }

  /** @param eager whether the host is an OpenSSH, which takes input before it said so; see `internals.ts` */
  run(request: ExecRequest, eager: boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId;
      this.#nextId += 1;
      this.#opening.set(id, { request, eager, resolve, reject });
      this.send(
        message(MESSAGE.open, string('session'), uint32(id), uint32(RECEIVE_WINDOW), uint32(RECEIVE_PACKET)),
      );
    });
  }

  send(bytes: Buffer): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  busy(resume: () => void): boolean {
    if (!this.socket.writableNeedDrain) return false;
    this.#resume.add(resume);
    return true;
  }

  forget(id: number): void {
    this.#channels.delete(id);
  }

  close(): void {
    this.socket.destroy();
  }

  #take(body: Buffer): void {
    const reader = new Reader(body);
    reader.byte();
    const type = reader.byte();
    if (type < MESSAGE.openConfirmation || type > MESSAGE.failure) return;
    const id = reader.uint32();
    const opening = this.#opening.get(id);
    if (opening === undefined) {
      this.#channels.get(id)?.deliver(type, reader);
      return;
    }
    this.#opening.delete(id);
    if (type === MESSAGE.openFailure) {
      const reason = reader.uint32();
      const words = reader.string().toString('utf8');
      // As ssh2 says it: what looks at a refusal need not know which client it is from.
      opening.reject(Object.assign(new Error(`(SSH) Channel open failure: ${words}`), { reason }));
      return;
    }
    this.#opened(id, reader, opening);
  }

  #opened(id: number, reader: Reader, { request, eager, resolve, reject }: Opening): void {
    const remoteId = reader.uint32();
    const channel = new MuxChannel(this, id, remoteId, reader.uint32(), reader.uint32());
    this.#channels.set(id, channel);
    if (!request.onChannel(channel)) {
      channel.close();
      resolve(0);
      return;
    }
    if (channel.packetSize === 0) {
      channel.close();
      reject(new Error(NO_ROOM));
      return;
    }
    const allowance = Math.max(channel.window, eager ? EAGER_BYTES : 0);
    const sent = Math.min(request.first.length, allowance);
    channel.answers.push((accepted) => {
      const fault = !accepted
        ? 'the host refused to run a command'
        : channel.window < 0
          ? 'the host granted less room for input than OpenSSH does'
          : undefined;
      if (fault === undefined) {
        resolve(sent);
        return;
      }
      channel.close();
      reject(new Error(fault));
    });
    channel.exec(request.command, request.first.subarray(0, sent));
    if (request.last && sent === request.first.length) channel.end();
  }
}

interface Opening {
  readonly request: ExecRequest;
  readonly eager: boolean;
  readonly resolve: (sent: number) => void;
  readonly reject: (error: Error) => void;
}
