/**
 * A zip archive of one executable file, uncompressed and with no time in it: the same content gives the same bytes.
 * Terraform unpacks it, where it would link to a plain folder.
 */
export function zipOfExecutable(name: string, content: Uint8Array): Buffer {
  const file = Buffer.from(name);
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0); // needs version 2.0 to unpack; no flags, stored
  common.writeUInt16LE(DAY_ONE, 8);
  common.writeUInt32LE(crc32(content), 10);
  common.writeUInt32LE(content.length, 14);
  common.writeUInt32LE(content.length, 18);
  common.writeUInt16LE(file.length, 22);
  const local = Buffer.concat([signature(0x04034b50), common, file, content]);

  const rest = Buffer.alloc(14);
  rest.writeUInt32LE(MODE, 6); // bytes 10 to 13 stay 0: the file's own header is the first thing in the archive
  const central = Buffer.concat([signature(0x02014b50), MADE_ON_UNIX, common, rest, file]);

  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(local.length, 12);
  return Buffer.concat([local, central, signature(0x06054b50), end]);
}

/** 1 January 1980, the first day that a zip can say. */
const DAY_ONE = (1 << 5) | 1;
/** A regular file, 0755, where Unix systems look for it. */
const MODE = 0o100755 * 0x10000;
const MADE_ON_UNIX = Buffer.of(20, 3);

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** `zlib.crc32` is in later versions of node only. */
function crc32(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ 0xffffffff) >>> 0;
}
