import { createHash } from 'node:crypto';

/**
 * The vLLM double as a wheel that pip installs, the same bytes every time for the same source: stored without
 * compression, in a fixed order, without a date. Nothing here does I/O.
 */

export interface Wheel {
  readonly fileName: string;
  readonly bytes: Buffer;
  /** As a requirements file names it: `vllm==… --hash=sha256:…`. */
  readonly requirement: string;
}

const NOTE = 'This is a double: it stands in for vLLM on a lab host, which has no GPU.';

/** @param source - text of `test/doubles/vllm`, whose `VERSION = "…"` is the wheel's */
export function vllmWheel(source: string): Wheel {
  const version = /^VERSION = "([^"]+)"$/m.exec(source)?.[1] ?? '0';
  const packages = [
    'vllm',
    'vllm/engine',
    'vllm/engine/arg_utils',
    'vllm/entrypoints',
    'vllm/entrypoints/openai',
  ];
  return packWheel(
    'vllm',
    version,
    NOTE,
    [
      ...packages.map((folder): [string, string] => [`${folder}/__init__.py`, `# ${NOTE}\n`]),
      ['vllm/entrypoints/openai/api_server.py', source],
    ],
    '[console_scripts]\nvllm = vllm.entrypoints.openai.api_server:main\n',
  );
}

/** A pure Python wheel of these files, by path, and of these entry points. */
export function packWheel(
  name: string,
  version: string,
  summary: string,
  files: readonly (readonly [path: string, text: string])[],
  entryPoints?: string,
): Wheel {
  const info = `${name}-${version}.dist-info`;
  const members: (readonly [string, string])[] = [
    ...files,
    [`${info}/METADATA`, `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\nSummary: ${summary}\n`],
    [
      `${info}/WHEEL`,
      'Wheel-Version: 1.0\nGenerator: citadel-lab\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    ],
  ];
  if (entryPoints !== undefined) members.push([`${info}/entry_points.txt`, entryPoints]);
  const record = members.map(
    ([path, text]) => `${path},sha256=${digest(text, 'base64url')},${Buffer.byteLength(text)}\n`,
  );
  members.push([`${info}/RECORD`, `${record.join('')}${info}/RECORD,,\n`]);
  const bytes = zip(members, summary);
  return {
    fileName: `${name}-${version}-py3-none-any.whl`,
    bytes,
    requirement: `${name}==${version} --hash=sha256:${digest(bytes, 'hex')}`,
  };
}

/** The requirements file of the lab's inventory. */
export function requirementsText(wheel: Wheel): string {
  return [
    `# ${NOTE} Lab only.`,
    '# Written by "npx tsx test/doubles/write-requirements.ts" from test/doubles/vllm.',
    wheel.requirement,
    '',
  ].join('\n');
}

function digest(data: string | Buffer, encoding: 'hex' | 'base64url'): string {
  return createHash('sha256').update(data).digest(encoding);
}

/** 1 January 1980, the first day that a zip file can name. */
const DATE = 0x21;

function zip(members: readonly (readonly [string, string])[], comment: string): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of members) {
    const data = Buffer.from(text);
    // Version, flags, method (stored), time, date, checksum, twice the size, length of the name, no extra field.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(DATE, 8);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const place = Buffer.alloc(14);
    // A regular file with mode 0644, as Unix numbers it.
    place.writeUInt32LE((0o100644 << 16) >>> 0, 6);
    place.writeUInt32LE(offset, 10);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), data]);
    // Made by: Unix (3), version 2.0.
    directory.push(
      Buffer.concat([Buffer.from('PK\x01\x02\x14\x03', 'latin1'), common, place, Buffer.from(name)]),
    );
    parts.push(local);
    offset += local.length;
  }
  const size = directory.reduce((sum, entry) => sum + entry.length, 0);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(Buffer.byteLength(comment), 20);
  return Buffer.concat([...parts, ...directory, end, Buffer.from(comment)]);
}

/** The checksum of zip files (polynomial 0xEDB88320); Node has one of its own only since 22.2. */
function crc32(data: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
