import { decode, encode, ExtData } from '@msgpack/msgpack';
import type { DynamicValue } from '../wire/messages.js';
import { isList, isObject, UNKNOWN, type CtyValue } from './value.js';

/**
 * Terraform's encoding of values: msgpack, with an extension for "known after apply" (written with code 0; any
 * code is read as unknown, since later versions of Terraform use others to say what is known of the unknown).
 */
export function toMsgpack(value: CtyValue): Uint8Array {
  return encode(toWire(value));
}

/** @throws RangeError when the bytes are not msgpack */
export function fromMsgpack(bytes: Uint8Array): CtyValue {
  return fromWire(decode(bytes));
}

/** `null` for a message that is absent or empty, as for a resource that does not exist. */
export function fromDynamic(value: DynamicValue | undefined): CtyValue {
  if (value === undefined) return null;
  if (value.msgpack.length > 0) return fromMsgpack(value.msgpack);
  if (value.json.length > 0) return JSON.parse(Buffer.from(value.json).toString('utf8')) as CtyValue;
  return null;
}

export function toDynamic(value: CtyValue): DynamicValue {
  return { msgpack: toMsgpack(value), json: new Uint8Array() };
}

const UNKNOWN_ON_WIRE = new ExtData(0, Uint8Array.of(0));

function toWire(value: CtyValue): unknown {
  if (value === UNKNOWN) return UNKNOWN_ON_WIRE;
  if (isList(value)) return value.map(toWire);
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toWire(member)]));
  }
  return value;
}

function fromWire(value: unknown): CtyValue {
  switch (typeof value) {
    case 'boolean':
    case 'number':
    case 'string':
      return value;
    case 'bigint':
      return Number(value);
    case 'object':
      break;
    default:
      return null;
  }
  if (value === null) return null;
  if (Array.isArray(value)) return value.map(fromWire);
  if (Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fromWire(member)]));
  }
  // Whatever else the decoder makes (ExtData, Date for the time stamp's code) came from an extension.
  return UNKNOWN;
}
