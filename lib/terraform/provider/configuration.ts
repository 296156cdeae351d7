import { isObject, isWhollyKnown, UNKNOWN, type CtyValue } from './cty/value.js';

/** One host of the provider's block as the shapes of `manifest/target.ts`, still unchecked. */
export interface RawHost {
  readonly document?: string;
  readonly target: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, unknown>>;
}

const ENDPOINT = {
  address: 'address',
  port: 'port',
  user: 'user',
  host_keys: 'hostKeys',
  identity_file: 'identityFile',
} as const;

const LIMITS = {
  connect_timeout_sec: 'connectTimeoutSec',
  read_timeout_sec: 'readTimeoutSec',
  apply_timeout_sec: 'applyTimeoutSec',
  confirm_timeout_sec: 'confirmTimeoutSec',
  settle_sec: 'settleSec',
  keep_generations: 'keepGenerations',
  keep_generations_days: 'keepGenerationsDays',
} as const;

/** The attribute of the provider's block that a member of a target stands for. */
export const ATTRIBUTE_OF: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({ ...ENDPOINT, ...LIMITS }).map(([attribute, member]) => [member, attribute]),
);

/**
 * The hosts of the block by name; `undefined` in the place of one of which something is known only after apply.
 *
 * @returns `undefined` while not even the names are known, `null` for a block without hosts
 */
export function readConfiguration(
  config: CtyValue,
): ReadonlyMap<string, RawHost | undefined> | null | undefined {
  if (!isObject(config)) return undefined;
  const hosts = config['hosts'] ?? null;
  if (hosts === UNKNOWN) return undefined;
  if (!isObject(hosts)) return null;
  return new Map(Object.entries(hosts).map(([name, host]) => [name, readHost(host)]));
}

function readHost(host: CtyValue): RawHost | undefined {
  if (!isWhollyKnown(host)) return undefined;
  const block = isObject(host) ? host : {};
  const root = block['root'] ?? null;
  const jump = block['jump'] ?? null;
  const hops: readonly CtyValue[] | undefined = Array.isArray(jump) ? jump : undefined;
  const target = {
    ...rename(block, { ...ENDPOINT, ...LIMITS, client: 'client', become: 'become' }),
    ...(hops === undefined ? {} : { jump: hops.map((hop) => (isObject(hop) ? rename(hop, ENDPOINT) : hop)) }),
    ...(root === null ? {} : { root }),
  };
  const document = block['document'];
  const secrets = block['secrets'] ?? null;
  return {
    ...(typeof document === 'string' ? { document } : {}),
    target,
    secrets: isObject(secrets)
      ? Object.fromEntries(Object.entries(secrets).map(([name, source]) => [name, withoutNulls(source)]))
      : {},
  };
}

function rename(from: Readonly<Record<string, CtyValue>>, names: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(names).flatMap(([attribute, member]) => {
      const value = from[attribute] ?? null;
      return value === null
        ? []
        : [[member, typeof value === 'string' && NUMBERS.has(member) ? Number(value) : value]];
    }),
  );
}

/** cty writes a number that is no 64-bit integer or float as text. */
const NUMBERS = new Set<string>(['port', ...Object.values(LIMITS)]);

function withoutNulls(value: CtyValue): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}
