import { Duplex, Readable } from 'node:stream';
import type { ExecChannel } from '../channel.js';
import { RECEIVE_WINDOW } from '../internals.js';
import type { Reader } from './wire.js';
import { MESSAGE, message, string, uint32 } from './wire.js';

/** What a channel needs of the connection that carries it. */
export interface Carrier {
  send(bytes: Buffer): void;
  /** Calls back once the carrier takes more; `false` when it takes more at once. */
  busy(resume: () => void): boolean;
  /** The channel has been closed by both sides. */
  forget(id: number): void;
}

/** A channel of the connection protocol as a stream; see RFC 4254, section 5. */
export class MuxChannel extends Duplex implements ExecChannel {
  readonly stderr: Readable;
  /** Bytes that the host still takes. Negative: more was sent early than it granted. */
  window: number;
  /** Answers to requests that wait for one, oldest first. */
  readonly answers: ((accepted: boolean) => void)[] = [];
  #unread = 0;
  #waiting: { bytes: Buffer; done: () => void } | undefined;
  #sentClose = false;
  #gotClose = false;
  #status: { code: number | null; signal?: string } | undefined;

  constructor(
    private readonly carrier: Carrier,
    private readonly id: number,
    private readonly remoteId: number,
    window: number,
    readonly packetSize: number,
  ) {
    // "close" is emitted with the exit status, by us.
    super({ allowHalfOpen: true, emitClose: false, autoDestroy: false });
    this.window = window;
    this.stderr = new Readable({ read: () => this.#grant(), emitClose: false, autoDestroy: false });
  }

  /** Sends a command, then as much of its input as is said, before the host's answer. */
  exec(command: string, first: Buffer): void {
    this.#send(MESSAGE.request, string('exec'), Buffer.from([1]), string(command));
    for (let start = 0; start < first.length; start += this.packetSize)
      this.#send(MESSAGE.data, string(first.subarray(start, start + this.packetSize)));
    this.window -= first.length;
  }

  override _read(): void {
    this.#grant();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#waiting = { bytes: chunk, done };
    this.#pump();
  }

  override _final(done: () => void): void {
    if (!this.#sentClose) this.#send(MESSAGE.eof);
    done();
  }

  close(): void {
    if (this.#sentClose) return;
    this.#send(MESSAGE.close);
    this.#sentClose = true;
    if (this.#gotClose) this.carrier.forget(this.id);
  }

  /** Takes a message of the host that is for this channel. */
  deliver(type: number, reader: Reader): void {
    switch (type) {
      case MESSAGE.windowAdjust:
        this.window += reader.uint32();
        this.#pump();
        return;
      case MESSAGE.data:
        this.#arrived(this, reader.string());
        return;
      case MESSAGE.extendedData: {
        const kind = reader.uint32();
        const bytes = reader.string();
        // 1 is standard error, and there is no other.
        if (kind === 1) this.#arrived(this.stderr, bytes);
        return;
      }
      case MESSAGE.eof:
        this.#endOutput();
        return;
      case MESSAGE.request:
        this.#exit(reader);
        return;
      case MESSAGE.success:
      case MESSAGE.failure:
        this.answers.shift()?.(type === MESSAGE.success);
        return;
      case MESSAGE.close:
        this.#closed();
        return;
      default:
    }
  }

  #send(type: number, ...parts: readonly Uint8Array[]): void {
    this.carrier.send(message(type, uint32(this.remoteId), ...parts));
  }

  #pump(): void {
    for (let { window } = this; this.#waiting !== undefined; window = this.window) {
      const { bytes, done } = this.#waiting;
      if (this.#sentClose || bytes.length === 0) {
        this.#waiting = undefined;
        done();
        continue;
      }
      if (window <= 0 || this.carrier.busy(() => this.#pump())) return;
      const size = Math.min(bytes.length, window, this.packetSize);
      this.#send(MESSAGE.data, string(bytes.subarray(0, size)));
      this.window -= size;
      this.#waiting = { bytes: bytes.subarray(size), done };
    }
  }

  #arrived(stream: Readable, bytes: Buffer): void {
    if (this.#outputEnded || this.#gotClose) return;
    this.#unread += bytes.length;
    // A copy: the chunk is a piece of the socket's buffer, and may be kept for long.
    if (stream.push(Buffer.from(bytes))) this.#grant();
  }

  #grant(): void {
    if (this.#unread < RECEIVE_WINDOW / 4 || this.#sentClose || this.#gotClose) return;
    this.#send(MESSAGE.windowAdjust, uint32(this.#unread));
    this.#unread = 0;
  }

  #exit(reader: Reader): void {
    const name = reader.string().toString('latin1');
    reader.byte();
    if (name === 'exit-status') this.#status = { code: reader.uint32() };
    else if (name === 'exit-signal')
      this.#status = { code: null, signal: `SIG${reader.string().toString('latin1')}` };
  }

  #outputEnded = false;
  #endOutput(): void {
    if (this.#outputEnded) return;
    this.#outputEnded = true;
    this.push(null);
    this.stderr.push(null);
  }

  #closed(): void {
    if (this.#gotClose) return;
    this.#gotClose = true;
    let open = 2;
    const ended = (): void => {
      open -= 1;
      if (open === 0) this.emit('close', this.#status?.code, this.#status?.signal);
    };
    for (const stream of [this, this.stderr]) {
      if (stream.readableEnded) ended();
      else stream.once('end', ended);
    }
    this.#endOutput();
    if (this.#sentClose) this.carrier.forget(this.id);
    else this.close();
    this.#pump();
  }
}
