/** What a server says in the clear before a connection is encrypted: its version, or something else; then its algorithms. */

/** The algorithms of a server (RFC 4253, section 7.1), in its own order. */
export interface ServerOffer {
  readonly kex: readonly string[];
  readonly hostKey: readonly string[];
  /** From us to the server; OpenSSH has the same in both directions. */
  readonly cipher: readonly string[];
  readonly mac: readonly string[];
}

const KEXINIT = 20;
const COOKIE_BYTES = 16;
/** More than any server says before it is encrypted. */
const MOST_BYTES = 64 * 1024;
const SHOWN_BYTES = 60;

/** Collects the first bytes of a server until they say what is wanted of them. */
export class FirstBytes {
  private bytes = Buffer.alloc(0);
  private known: ServerOffer | undefined;

  /** False when no more are wanted. */
  push(chunk: Buffer): boolean {
    if (this.known !== undefined || this.bytes.length > MOST_BYTES) return false;
    this.bytes = Buffer.concat([this.bytes, chunk]);
    this.known = offerIn(this.bytes);
    return this.known === undefined;
  }

  /** Whether it has said anything. */
  get any(): boolean {
    return this.bytes.length > 0;
  }

  /** `undefined` until the server has sent them all. */
  get offer(): ServerOffer | undefined {
    return this.known;
  }

  /** The first line in quotes where it is not an SSH version, with what cannot be printed left out; empty when there is none. */
  get strange(): string {
    if (versionEnd(this.bytes) !== undefined || this.bytes.length === 0) return '';
    if (this.bytes.subarray(0, 4).equals(Buffer.from('SSH-'))) return '';
    const [line = ''] = this.bytes
      .subarray(0, SHOWN_BYTES)
      .toString('latin1')
      .split(/[\r\n]/);
    return JSON.stringify(line.replace(/[^ -~]/g, '.'));
  }
}

/** Where the line of the version ends; there may be others before it (RFC 4253, section 4.2). */
function versionEnd(bytes: Buffer): number | undefined {
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf('\n', start);
    if (end < 0) return undefined;
    if (bytes.subarray(start, start + 4).toString('latin1') === 'SSH-') return end + 1;
    start = end + 1;
  }
  return undefined;
}

/** Reads the first packet: its length, the length of its padding, and the name lists. */
function offerIn(bytes: Buffer): ServerOffer | undefined {
  const start = versionEnd(bytes);
  if (start === undefined || bytes.length < start + 6) return undefined;
  const end = start + 4 + bytes.readUInt32BE(start);
  if (bytes.length < end || bytes[start + 5] !== KEXINIT) return undefined;
  const lists: string[][] = [];
  for (let at = start + 6 + COOKIE_BYTES; lists.length < 6;) {
    if (at + 4 > end) return undefined;
    const next = at + 4 + bytes.readUInt32BE(at);
    if (next > end) return undefined;
    lists.push(
      bytes
        .subarray(at + 4, next)
        .toString('latin1')
        .split(','),
    );
    at = next;
  }
  const [kex = [], hostKey = [], cipher = [], , mac = []] = lists;
  return { kex, hostKey, cipher, mac };
}
