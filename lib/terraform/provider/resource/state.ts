import { isList, isObject, UNKNOWN, type CtyObject, type CtyValue } from '../cty/value.js';
import { COMPUTED, hostSchema } from '../schema.js';
import { VIEW_SECTIONS, type HostView } from './view.js';

/** The attributes of `citadel_host`, as Terraform's state holds them. */
export interface HostState {
  readonly name: string;
  readonly digest: string | null;
  readonly generation: number | null | typeof UNKNOWN;
  readonly view: HostView;
  readonly actions: CtyValue;
  readonly changes: CtyValue;
}

/** What is empty is null: Terraform then says nothing of it, where it would print `blocks = {}`. */
export function stateValue(state: HostState): CtyObject {
  const { view, generation, ...attributes } = state;
  return Object.fromEntries(
    Object.entries({ ...attributes, generation: numberText(generation), ...view } as CtyObject).map(
      ([name, value]) => [name, isEmpty(value) ? null : value],
    ),
  );
}

/** Terraform reads a number's text exactly; of one in binary it keeps fewer digits, and then takes it for another one. */
function numberText(value: number | null | typeof UNKNOWN): CtyValue {
  return typeof value === 'number' ? String(value) : value;
}

function isEmpty(value: CtyValue): boolean {
  return isList(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}

/** A resource of which only the configuration is known: everything computed comes after apply. */
export function unknownState(config: CtyObject): CtyObject {
  const computed = Object.fromEntries(COMPUTED.map((name) => [name, UNKNOWN]));
  return { ...computed, name: config['name'] ?? null, digest: config['digest'] ?? UNKNOWN };
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

/** A generation's number, which cty writes as a number or as text. */
export function generationOf(state: CtyValue): number | null {
  const value = isObject(state) ? state['generation'] : undefined;
  return typeof value === 'number' || typeof value === 'string' ? Number(value) : null;
}

/** A stored state in the shape of today's schema: what is missing is null, what is unknown to it is dropped. */
export function conform(stored: CtyValue): CtyValue {
  if (!isObject(stored)) return null;
  const names = (hostSchema.block?.attributes ?? []).map((it) => it.name ?? '');
  const members = Object.fromEntries(names.map((name) => [name, stored[name] ?? null]));
  return { ...members, generation: numberText(generationOf(stored)) };
}
