import type { Problem } from '../manifest/index.js';
import { plural } from '../text/plural.js';

/**
 * Problems that many hosts have from one line of a group, of the defaults or of a range, once: as that line's own where it was
 * found to be wrong by itself, else for the first of the hosts, with how many others have it.
 */
export function onceForAll(problems: readonly Problem[]): Problem[] {
  const same = new Map<string, Problem[]>();
  for (const problem of problems) {
    const { code, path, property, got } = problem;
    const key = JSON.stringify([code, path, below(property), got]);
    same.set(key, [...(same.get(key) ?? []), problem]);
  }
  const ofLayers = new Set(
    problems
      .filter(({ property }) => isLayer(property))
      .map(({ code, path, got }) => JSON.stringify([code, path, got])),
  );
  return [...same.values()].flatMap((all) => {
    const [first] = all;
    if (first === undefined) return [];
    if (hostOf(first.property) === undefined) return all;
    const { code, path, got } = first;
    if (ofLayers.has(JSON.stringify([code, path, got]))) return [];
    const hosts = new Set(all.map(({ property }) => hostOf(property)));
    const more = hosts.size - 1;
    return more === 0 ? all : [{ ...first, got: `${got} (and so for ${plural(more, 'other host')})` }];
  });
}

/** The host that a property is of. */
function hostOf(property: string | undefined): string | undefined {
  return /^hosts(?:\.([^.[]+)|\["([^"]+)"\])/
    .exec(property ?? '')
    ?.slice(1)
    .find(Boolean);
}

/** The property without the host in it. */
function below(property: string | undefined): string | undefined {
  const host = hostOf(property);
  return host === undefined ? property : property?.replace(host, '');
}

function isLayer(property: string | undefined): boolean {
  return /^(defaults|groups)\b/.test(property ?? '');
}
