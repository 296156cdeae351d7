import { fileURLToPath } from 'node:url';
import { loadSync, type MessageTypeDefinition, type MethodDefinition } from '@grpc/proto-loader';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { METHODS } from '../../../../lib/terraform/provider/plugin/rpc.js';
import { decode, encode, type Field, type Message } from '../../../../lib/terraform/provider/wire/codec.js';
import { Diagnostic, PlanResourceChangeResponse } from '../../../../lib/terraform/provider/wire/messages.js';

/** The same .proto, read by the library that everybody uses. */
const definition = loadSync(
  fileURLToPath(new URL('../../../../lib/terraform/provider/wire/tfplugin6.proto', import.meta.url)),
  { keepCase: true, longs: Number, enums: Number, defaults: true, arrays: true, objects: true },
);
const service = definition['tfplugin6.Provider'] as unknown as Record<
  string,
  MethodDefinition<object, object> & { requestType: MessageTypeDefinition<object, object> }
>;

interface Descriptor {
  readonly name: string;
  readonly field?: { name: string; number: number; label: string; type: string; typeName: string }[];
  readonly nestedType?: Descriptor[];
  readonly options?: { mapEntry?: boolean };
}

function descriptor(name: string): Descriptor {
  const [first = '', ...rest] = name.split('.');
  const top = definition[`tfplugin6.${first}`] as unknown as { type: Descriptor } | undefined;
  const found = rest.reduce((outer, part) => outer?.nestedType?.find((it) => it.name === part), top?.type);
  if (found === undefined) throw new RangeError(`${name} is not in the .proto`);
  return found;
}

const KIND: Readonly<Record<string, string>> = {
  TYPE_STRING: 'string',
  TYPE_BYTES: 'bytes',
  TYPE_BOOL: 'bool',
  TYPE_INT64: 'int',
  TYPE_ENUM: 'int',
};

function reachable(
  type: Message<never>,
  seen = new Map<string, Message<never>>(),
): Map<string, Message<never>> {
  if (seen.has(type.name)) return seen;
  seen.set(type.name, type);
  for (const field of Object.values(type.fields)) {
    if (typeof field.kind === 'function') reachable(field.kind(), seen);
  }
  return seen;
}

const TABLES = new Map(
  Object.values(METHODS).flatMap(({ request, response }) => [...reachable(request), ...reachable(response)]),
);
TABLES.delete('Empty');

describe('tables', () => {
  it.each([...TABLES])('%s has the fields of the .proto', (name, table) => {
    const fields = descriptor(name).field ?? [];
    const expected = Object.fromEntries(
      fields.map((field) => {
        const message = field.typeName.split('.').at(-1) ?? '';
        const map = (descriptor(name).nestedType ?? []).some(
          (it) => it.name === message && it.options?.mapEntry,
        );
        return [field.name, { number: field.number, kind: map ? 'map' : (KIND[field.type] ?? message) }];
      }),
    );
    const actual = Object.fromEntries(
      Object.entries(table.fields).map(([field, { number, kind, label }]: [string, Field]) => {
        const own = typeof kind === 'function' ? (kind().name.split('.').at(-1) ?? '') : kind;
        return [field, { number, kind: label === 'map' ? 'map' : own }];
      }),
    );
    expect(actual).toEqual(expected);
  });

  it('serve every method of the .proto', () => {
    expect(Object.keys(METHODS).sort()).toEqual(Object.keys(service).sort());
  });
});

/** Any value of a message, as its table describes it. */
function arbitrary(type: Message<never>, depth = 0): fc.Arbitrary<Record<string, unknown>> {
  const of = (field: Field): fc.Arbitrary<unknown> => {
    switch (field.kind) {
      case 'string':
        return fc.string({ unit: 'grapheme' });
      case 'bytes':
        return fc.uint8Array().map((bytes) => Buffer.from(bytes));
      case 'bool':
        return fc.boolean();
      case 'int':
        return fc.integer({ min: 0, max: 2 ** 31 - 1 });
      default:
        return arbitrary(field.kind(), depth + 1);
    }
  };
  const members = Object.entries(type.fields).map(([name, field]): [string, fc.Arbitrary<unknown>] => {
    if (field.label === 'repeated') return [name, fc.array(of(field), { maxLength: depth > 2 ? 0 : 2 })];
    if (field.label === 'map')
      return [
        name,
        fc.dictionary(
          fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
          of(field),
          { maxKeys: 2 },
        ),
      ];
    if (typeof field.kind === 'function')
      return [name, depth > 3 ? fc.constant(undefined) : fc.option(of(field), { nil: undefined })];
    return [name, field.label === 'oneof' ? fc.constant(undefined) : of(field)];
  });
  return fc.record(Object.fromEntries(members)).map((value) => value as Record<string, unknown>);
}

describe('encode and decode', () => {
  it('take what is absent as zero', () => {
    expect(encode(Diagnostic, {})).toHaveLength(0);
    expect(decode(Diagnostic, new Uint8Array())).toEqual({
      severity: 0,
      summary: '',
      detail: '',
      attribute: undefined,
    });
    expect(decode(PlanResourceChangeResponse, new Uint8Array())).toMatchObject({
      diagnostics: [],
      requires_replace: [],
    });
  });

  it('write no zeros, but a chosen zero of a oneof', () => {
    expect(encode(Diagnostic, { severity: 0, summary: '' })).toHaveLength(0);
    const path = { steps: [{ element_key_int: 0 }] };
    const bytes = encode(Diagnostic, { attribute: path });
    expect(decode(Diagnostic, bytes).attribute?.steps[0]?.element_key_int).toBe(0);
  });

  it('skip fields of other versions, of every wire type', () => {
    const foreign = Buffer.from(
      'f80101' + 'f9010000000000000000' + 'fa0103616263' + 'fd0100000000' + '1202' + '6869',
      'hex',
    );
    expect(decode(Diagnostic, foreign).summary).toBe('hi');
  });

  it('refuse what ends in the middle', () => {
    expect(() => decode(Diagnostic, Buffer.from('12ff', 'hex'))).toThrow(RangeError);
    expect(() => decode(Diagnostic, Buffer.from('1205aa', 'hex'))).toThrow(RangeError);
  });

  it.each(Object.entries(METHODS))('agree with the library on %s', (name, { request, response }) => {
    const method = service[name]!;
    fc.assert(
      fc.property(arbitrary(request), (value) => {
        expect(decode(request, method.requestSerialize(value))).toEqual(
          decode(request, encode(request, value as never)),
        );
        expect(method.requestDeserialize(encode(request, value as never))).toEqual(
          method.requestDeserialize(method.requestSerialize(value)),
        );
      }),
      { numRuns: 25 },
    );
    fc.assert(
      fc.property(arbitrary(response), (value) => {
        expect(decode(response, method.responseSerialize(value))).toEqual(
          decode(response, encode(response, value as never)),
        );
        expect(method.responseDeserialize(encode(response, value as never))).toEqual(
          method.responseDeserialize(method.responseSerialize(value)),
        );
      }),
      { numRuns: 25 },
    );
  });
});
