import { isList, isObject, UNKNOWN, type CtyObject, type CtyValue } from '../cty/value.js';
import { COMPUTED, hostSchema } from '../schema.js';
import { VIEW_SECTIONS, type HostView } from './view.js';

/** The attributes of `citadel_host`, as Terraform's state holds them. */
export interface HostState {
  readonly name: string;
  /** Spelled by `document.ts`. */
  readonly document: string;
  readonly digest: string | null;
  readonly generation: number | null | typeof UNKNOWN;
  readonly view: HostView;
  readonly actions: readonly string[] | typeof UNKNOWN;
  readonly replaces: Readonly<Record<string, readonly string[]>> | typeof UNKNOWN;
}

/** What is empty is null: Terraform then says nothing of it, where it would print `blocks = {}`. */
export function stateValue(state: HostState): CtyObject {
  const { view, ...attributes } = state;
  return Object.fromEntries(
    Object.entries({ ...attributes, ...view } as CtyObject).map(([name, value]) => [
      name,
      isEmpty(value) ? null : value,
    ]),
  );
}

function isEmpty(value: CtyValue): boolean {
  return isList(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}

/** A resource of which only the configuration is known: everything computed comes after apply. */
export function unknownState(config: CtyObject): CtyObject {
  const computed = Object.fromEntries(COMPUTED.map((name) => [name, UNKNOWN]));
  return { name: config['name'] ?? null, document: config['document'] ?? null, ...computed };
}

/** The part of a state that a person reviews; `undefined` for a resource that does not exist. */
export function viewOf(state: CtyValue): HostView | undefined {
  if (!isObject(state)) return undefined;
  return Object.fromEntries(
    VIEW_SECTIONS.map((section) => {
      const items = state[section];
      return [section, isObject(items) ? items : {}];
    }),
  ) as unknown as HostView;
}

export function textOf(state: CtyValue, attribute: string): string | undefined {
  const value = isObject(state) ? state[attribute] : undefined;
  return typeof value === 'string' ? value : undefined;
}

/**
 * A stored state in the shape of today's schema: what is missing is null, what is unknown to it is dropped. States of
 * version 1 need nothing else; a later version brings its own step before this one.
 */
export function conform(stored: CtyValue): CtyValue {
  if (!isObject(stored)) return null;
  const names = (hostSchema.block?.attributes ?? []).map((it) => it.name ?? '');
  const members = new Map(
    (hostSchema.block?.attributes ?? []).map((it) => [it.name ?? '', it.nested_type?.attributes]),
  );
  return Object.fromEntries(
    names.map((name) => {
      const nested = members.get(name);
      const value = stored[name] ?? null;
      if (nested === undefined || !isObject(value)) return [name, value];
      const keys = nested.map((it) => it.name ?? '');
      const items = Object.entries(value).map(([key, item]) => [
        key,
        isObject(item) ? Object.fromEntries(keys.map((member) => [member, item[member] ?? null])) : null,
      ]);
      return [name, Object.fromEntries(items)];
    }),
  );
}
