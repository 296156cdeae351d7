import { formatPath, isMap, type RawHost } from '../../inventory/index.js';
import type { Problem } from '../../manifest/index.js';
import { suggest } from '../../text/suggest.js';

/** Secrets that a gateway names must have a source: a name without one would only be found missing at the deployment. */
export function checkGateway({ source, path, value, secrets }: RawHost): Problem[] {
  const gateway = value['gateway'];
  if (!isMap(gateway)) return [];
  const known = isMap(secrets) ? Object.keys(secrets) : [];
  const { keys, tls } = gateway;
  const named: (readonly [at: readonly string[], name: unknown])[] = [
    [['upstreamKey'], gateway['upstreamKey']],
    [['upstreamCa'], gateway['upstreamCa']],
    ...(isMap(tls) ? ['certificate', 'key'].map((part) => [['tls', part], tls[part]] as const) : []),
    ...(isMap(keys)
      ? Object.entries(keys).map(
          ([name, key]) => [['keys', name, 'secret'], isMap(key) ? key['secret'] : undefined] as const,
        )
      : []),
  ];
  return named.flatMap(([below, name]) => {
    if (typeof name !== 'string' || known.includes(name)) return [];
    const at = [...path, 'gateway', ...below];
    const near = suggest(name, known);
    return {
      code: 'inventory.secret.unknown',
      path: source.locate(at),
      property: formatPath(at),
      got: `no secret is called "${name}"`,
      fix: near === undefined ? 'Say under "secrets" where its value is found.' : `Did you mean "${near}"?`,
    };
  });
}
