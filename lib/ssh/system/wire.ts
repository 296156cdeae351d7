/**
 * The bytes of OpenSSH's control socket. Before proxy mode: PROTOCOL.mux of OpenSSH. In proxy mode: messages of the SSH
 * connection protocol (RFC 4254), unencrypted, each with its length and one byte of padding length.
 */
export const MUX = {
  hello: 1,
  aliveCheck: 0x10000004,
  alive: 0x80000005,
  proxy: 0x1000000f,
  proxyReady: 0x8000000f,
  failure: 0x80000003,
} as const;
/** Version of the control socket's protocol: the same since OpenSSH 5.4. */
export const MUX_VERSION = 4;

export const MESSAGE = {
  open: 90,
  openConfirmation: 91,
  openFailure: 92,
  windowAdjust: 93,
  data: 94,
  extendedData: 95,
  eof: 96,
  close: 97,
  request: 98,
  success: 99,
  failure: 100,
} as const;

export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function string(value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

export function frame(...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([uint32(body.length), body]);
}

/** A message of proxy mode. */
export function message(type: number, ...parts: readonly Uint8Array[]): Buffer {
  return frame(Buffer.from([0, type]), ...parts);
}

/** Reads values off the front of a message. @throws RangeError where it is too short */
export class Reader {
  #at = 0;
  constructor(private readonly bytes: Buffer) {}

  byte(): number {
    this.#at += 1;
    return this.bytes.readUInt8(this.#at - 1);
  }

  uint32(): number {
    this.#at += 4;
    return this.bytes.readUInt32BE(this.#at - 4);
  }

  string(): Buffer {
    const length = this.uint32();
    const end = this.#at + length;
    if (end > this.bytes.length) throw new RangeError('a string that is longer than its message');
    const value = this.bytes.subarray(this.#at, end);
    this.#at = end;
    return value;
  }
}

/** Far more than a message of either protocol holds. */
const MOST_BYTES = 1024 * 1024;

/** Cuts a stream into frames. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0);

  /** @throws RangeError for a length that nothing has */
  *push(chunk: Buffer): Generator<Buffer> {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (bytes.length >= 4) {
      const length = bytes.readUInt32BE(0);
      if (length > MOST_BYTES) throw new RangeError(`a message of ${String(length)} bytes`);
      if (bytes.length < 4 + length) break;
      const body = bytes.subarray(4, 4 + length);
      bytes = bytes.subarray(4 + length);
      // Before the frame is handed out: whoever takes it may stop there.
      this.#rest = bytes;
      yield body;
    }
    this.#rest = bytes;
  }
}
