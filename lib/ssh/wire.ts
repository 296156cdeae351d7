/** Reads the strings of SSH's binary formats (RFC 4251, section 5), one after the other. */
export class WireReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  /** @throws RangeError when there is less than was asked for */
  take(length: number): Buffer {
    if (this.at + length > this.bytes.length) throw new RangeError('it ends too early');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  byte(): number {
    return this.take(1).readUInt8();
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  uint64(): bigint {
    return this.take(8).readBigUInt64BE();
  }

  string(): Buffer {
    return this.take(this.uint32());
  }

  text(): string {
    return this.string().toString('utf8');
  }

  get atEnd(): boolean {
    return this.at === this.bytes.length;
  }
}

/** A string with its length before it. */
export function wireString(value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
