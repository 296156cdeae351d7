/**
 * Protocol buffers, as far as this provider needs them: tables say which field has which number and kind, and
 * two functions turn values into bytes and back. A table costs nothing at start-up, where a general library
 * would parse descriptors or compile functions in each of the two to five processes of a Terraform command.
 * Encoding: protobuf.dev, "Encoding"; a test compares it with @grpc/proto-loader on `tfplugin6.proto`.
 */
type Scalar = 'string' | 'bytes' | 'bool' | 'int';

export interface Field {
  readonly number: number;
  readonly kind: Scalar | (() => Message<never>);
  readonly label: 'one' | 'repeated' | 'map' | 'oneof';
}

/** The fields of a message by name; `T` is the shape of its values. */
export interface Message<T> {
  readonly name: string;
  readonly fields: Readonly<Record<string, Field>>;
  /** Only for the type checker: ties the table to its shape. */
  readonly shape?: (value: T) => void;
}

export function message<T>(name: string, fields: { readonly [K in keyof T]-?: Field }): Message<T> {
  return { name, fields };
}

type FieldType = Scalar | (() => Message<never>);

/** A field that has its type's zero when absent; a message is `undefined` then. */
export const field = (number: number, kind: FieldType): Field => ({ number, kind, label: 'one' });
/** A list, empty when absent. */
export const repeated = (number: number, kind: FieldType): Field => ({ number, kind, label: 'repeated' });
/** `map<string, …>`, empty when absent. */
export const mapOf = (number: number, kind: FieldType): Field => ({ number, kind, label: 'map' });
/** A member of a oneof: `undefined` when absent, written even when zero. */
export const choice = (number: number, kind: FieldType): Field => ({ number, kind, label: 'oneof' });

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

export function encode<T>(type: Message<T>, value: Partial<T>): Buffer {
  return Buffer.concat(encodeMessage(type, value));
}

function encodeMessage(type: Message<never>, value: Readonly<Record<string, unknown>>): Buffer[] {
  const out: Buffer[] = [];
  for (const [name, spec] of Object.entries(type.fields)) {
    const member = value[name];
    if (member === undefined || member === null) continue;
    if (spec.label === 'repeated') {
      for (const item of member as readonly unknown[]) out.push(...encodeField(spec, item));
    } else if (spec.label === 'map') {
      for (const [key, item] of Object.entries(member as Readonly<Record<string, unknown>>)) {
        const entry = [...encodeField(keyField, key), ...encodeField({ ...spec, number: 2 }, item)];
        out.push(...lengthDelimited(spec.number, entry));
      }
    } else if (spec.label === 'oneof' || !isZero(member)) {
      out.push(...encodeField(spec, member));
    }
  }
  return out;
}

const keyField: Field = { number: 1, kind: 'string', label: 'one' };

function isZero(value: unknown): boolean {
  return (
    value === '' || value === 0 || value === false || (value instanceof Uint8Array && value.length === 0)
  );
}

function encodeField(spec: Field, value: unknown): Buffer[] {
  switch (spec.kind) {
    case 'string':
      return lengthDelimited(spec.number, [Buffer.from(value as string, 'utf8')]);
    case 'bytes': {
      const bytes = value as Uint8Array;
      return lengthDelimited(spec.number, [Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)]);
    }
    case 'bool':
      return [varint((spec.number << 3) | WIRE.varint), varint(value === true ? 1 : 0)];
    case 'int':
      return [varint((spec.number << 3) | WIRE.varint), varint(value as number)];
    default:
      return lengthDelimited(
        spec.number,
        encodeMessage(spec.kind(), value as Readonly<Record<string, unknown>>),
      );
  }
}

function lengthDelimited(number: number, body: readonly Buffer[]): Buffer[] {
  const size = body.reduce((sum, part) => sum + part.length, 0);
  return [varint((number << 3) | WIRE.bytes), varint(size), ...body];
}

/** Two's complement in 64 bits, as int64 and int32 both are; numbers beyond 2^53 do not occur in this protocol. */
function varint(value: number): Buffer {
  if (value >= 0 && value < 0x80) return Buffer.of(value);
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** @throws RangeError when the bytes end inside a field */
export function decode<T>(type: Message<T>, bytes: Uint8Array): T {
  return decodeMessage(type, new Cursor(bytes)) as T;
}

function decodeMessage(type: Message<never>, cursor: Cursor): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  const byNumber = new Map<number, [string, Field]>();
  for (const [name, spec] of Object.entries(type.fields)) {
    byNumber.set(spec.number, [name, spec]);
    value[name] = zeroOf(spec);
  }
  while (!cursor.atEnd) {
    const tag = cursor.varint();
    const wire = tag & 7;
    const known = byNumber.get(tag >>> 3);
    if (known === undefined || wire !== (isVarint(known[1]) ? WIRE.varint : WIRE.bytes)) {
      cursor.skip(wire);
      continue;
    }
    const [name, spec] = known;
    if (spec.label === 'map') {
      const [key, item] = decodeEntry(spec, cursor.nested());
      (value[name] as Record<string, unknown>)[key] = item;
    } else if (spec.label === 'repeated') {
      (value[name] as unknown[]).push(decodeField(spec, cursor));
    } else {
      value[name] = decodeField(spec, cursor);
    }
  }
  return value;
}

function isVarint(spec: Field): boolean {
  return spec.label !== 'map' && (spec.kind === 'bool' || spec.kind === 'int');
}

function zeroOf(spec: Field): unknown {
  if (spec.label === 'repeated') return [];
  if (spec.label === 'map') return {};
  if (spec.label === 'oneof') return undefined;
  switch (spec.kind) {
    case 'string':
      return '';
    case 'bytes':
      return Buffer.alloc(0);
    case 'bool':
      return false;
    case 'int':
      return 0;
    default:
      return undefined;
  }
}

function decodeEntry(spec: Field, cursor: Cursor): [string, unknown] {
  const item: Field = { number: 2, kind: spec.kind, label: 'one' };
  let key = '';
  let value = zeroOf(item) ?? {};
  while (!cursor.atEnd) {
    const tag = cursor.varint();
    if (tag >>> 3 === 1 && (tag & 7) === WIRE.bytes) key = decodeField(keyField, cursor) as string;
    else if (tag >>> 3 === 2 && (tag & 7) === (isVarint(item) ? WIRE.varint : WIRE.bytes))
      value = decodeField(item, cursor) as typeof value;
    else cursor.skip(tag & 7);
  }
  return [key, value];
}

function decodeField(spec: Field, cursor: Cursor): unknown {
  switch (spec.kind) {
    case 'string':
      return cursor.bytes().toString('utf8');
    case 'bytes':
      return cursor.bytes();
    case 'bool':
      return cursor.varint() !== 0;
    case 'int':
      return cursor.varint();
    default:
      return decodeMessage(spec.kind(), cursor.nested());
  }
}

class Cursor {
  private position = 0;
  private readonly buffer: Buffer;

  constructor(bytes: Uint8Array) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.position >= this.buffer.length;
  }

  varint(): number {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.buffer[this.position++];
      if (byte === undefined || shift > 63n) throw new RangeError('a protocol message ends inside a number');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
  }

  bytes(): Buffer {
    const size = this.varint();
    const end = this.position + size;
    if (size < 0 || end > this.buffer.length) throw new RangeError('a protocol message ends inside a field');
    const slice = this.buffer.subarray(this.position, end);
    this.position = end;
    return slice;
  }

  nested(): Cursor {
    return new Cursor(this.bytes());
  }

  skip(wire: number): void {
    if (wire === WIRE.varint) this.varint();
    else if (wire === WIRE.bytes) this.bytes();
    else if (wire === WIRE.fixed64) this.position += 8;
    else if (wire === WIRE.fixed32) this.position += 4;
    else throw new RangeError(`a protocol message has a field of unknown wire type ${wire}`);
  }
}
