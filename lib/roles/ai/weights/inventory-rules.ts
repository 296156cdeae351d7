import { formatPath, isMap, type RawMap, type Source } from '../../../inventory/index.js';
import type { Problem } from '../../../manifest/index.js';
import { urlOf } from './source.js';

type Models = Readonly<Record<string, unknown>>;

/** A model's `weights`, as written. */
export function weightsOf(service: unknown): RawMap | undefined {
  const weights = isMap(service) ? service['weights'] : undefined;
  return isMap(weights) ? weights : undefined;
}

/** What the kind of a source asks of the other keys of `weights`. */
export function checkWeights(source: Source, path: readonly string[], ai: RawMap, models: Models): Problem[] {
  return Object.entries(models).flatMap(([model, service]) => {
    const weights = weightsOf(service);
    const from = weights?.['from'];
    if (weights === undefined || typeof from !== 'string') return [];
    const problem = (key: string, code: string, got: string, fix: string): Problem => {
      const at = [...path, 'models', model, 'weights', key];
      return {
        code: `inventory.weights.${code}`,
        path: source.locate(at),
        property: formatPath(at),
        got,
        fix,
      };
    };
    const problems: Problem[] = [];
    if (from.startsWith('https://')) {
      const { include } = weights;
      const names = Array.isArray(include) ? include : [];
      if (names.length === 0 || names.some((name) => typeof name === 'string' && /[*?]/.test(name)))
        problems.push(
          problem(
            'include',
            'names',
            'a web server does not say which files it has',
            'List each file by its path, without * and ?.',
          ),
        );
    }
    if (weights['token'] === undefined) return problems;
    if (from.startsWith('dir:'))
      problems.push(problem('token', 'token', 'a folder asks for no token', 'Take it out.'));
    const endpoint = ai['huggingFaceEndpoint'];
    if (from.startsWith('hf://') && typeof endpoint === 'string' && sendsOpenly(endpoint))
      problems.push(
        problem(
          'token',
          'token',
          `the token would go to ${endpoint} unencrypted`,
          'Name a mirror by an https URL, or take the token out.',
        ),
      );
    return problems;
  });
}

function sendsOpenly(endpoint: string): boolean {
  const url = urlOf(endpoint);
  return url?.protocol === 'http:' && !['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
}
