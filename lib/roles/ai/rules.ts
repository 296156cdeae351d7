import { formatPath, isMap, type Source } from '../../inventory/index.js';
import type { Problem } from '../../manifest/index.js';
import { checkWeights, weightsOf } from './weights/inventory-rules.js';
import { suggest } from '../../text/suggest.js';

/** What the schema says when `firstModel` is not written. */
const FIRST_MODEL = 'phi3';

/**
 * Rules between the keys of a host's `ai`: what models refer to must exist.
 *
 * @param secrets the inventory's `secrets`, as written
 */
export function checkAi(source: Source, path: readonly string[], ai: unknown, secrets: unknown): Problem[] {
  if (!isMap(ai) || !isMap(ai['models'])) return [];
  const models = ai['models'];
  return [
    ...checkGpus(source, path, ai['gpus'], models),
    ...checkFirstModel(source, path, ai['firstModel'], models),
    ...checkConflicts(source, path, models),
    ...checkSecrets(source, path, ai, models, secrets),
    ...checkWeights(source, path, ai, models),
  ];
}

type Models = Readonly<Record<string, unknown>>;

/** A model may only name GPUs that the host has. */
function checkGpus(source: Source, path: readonly string[], gpus: unknown, models: Models): Problem[] {
  if (!Array.isArray(gpus)) return [];
  const count = gpus.length;
  return Object.entries(models).flatMap(([model, service]) => {
    const wanted: unknown = isMap(service) ? service['gpus'] : undefined;
    if (!Array.isArray(wanted)) return [];
    return wanted.flatMap((gpu: unknown, index) => {
      if (typeof gpu !== 'number' || !Number.isInteger(gpu) || gpu < count || gpu > 63) return [];
      const at = [...path, 'models', model, 'gpus', index];
      return {
        code: 'inventory.gpu.unknown',
        path: source.locate(at),
        property: formatPath(at),
        got: `the host has no GPU ${gpu}: it has ${count}, numbered from 0`,
        fix: 'Name one that it has, or add it to ai.gpus.',
      };
    });
  });
}

function checkFirstModel(source: Source, path: readonly string[], first: unknown, models: Models): Problem[] {
  const names = Object.keys(models);
  if (names.length === 0 || (first !== undefined && typeof first !== 'string')) return [];
  const name = first ?? FIRST_MODEL;
  if (names.includes(name)) return [];
  const at = [...path, 'firstModel'];
  return [
    {
      code: 'inventory.model.unknown',
      path: source.locate(at),
      property: formatPath(at),
      got:
        first === undefined
          ? `is missing, and there is no model "${FIRST_MODEL}"`
          : `unknown model "${name}"`,
      fix: nearest(name, names),
    },
  ];
}

function checkConflicts(source: Source, path: readonly string[], models: Models): Problem[] {
  const names = Object.keys(models);
  return Object.entries(models).flatMap(([model, service]) => {
    const conflicts: unknown = isMap(service) ? service['conflicts'] : undefined;
    if (!Array.isArray(conflicts)) return [];
    return conflicts.flatMap((other: unknown, index) => {
      if (typeof other !== 'string' || (names.includes(other) && other !== model)) return [];
      const at = [...path, 'models', model, 'conflicts', index];
      const place = { path: source.locate(at), property: formatPath(at) };
      return other === model
        ? {
            code: 'inventory.model.self',
            ...place,
            got: 'a model cannot conflict with itself',
            fix: 'Name the other one.',
          }
        : {
            code: 'inventory.model.unknown',
            ...place,
            got: `unknown model "${other}"`,
            fix: nearest(other, names),
          };
    });
  });
}

/** A name without a source would only be found missing at the deployment. */
function checkSecrets(
  source: Source,
  path: readonly string[],
  ai: Readonly<Record<string, unknown>>,
  models: Models,
  secrets: unknown,
): Problem[] {
  const known = isMap(secrets) ? Object.keys(secrets) : [];
  const named: (readonly [at: readonly string[], name: unknown])[] = [
    [[...path, 'huggingFaceToken'], ai['huggingFaceToken']],
    ...Object.entries(models).map(
      ([model, service]) =>
        [[...path, 'models', model, 'apiKey'], isMap(service) ? service['apiKey'] : undefined] as const,
    ),
    ...Object.entries(models).map(
      ([model, service]) =>
        [[...path, 'models', model, 'weights', 'token'], weightsOf(service)?.['token']] as const,
    ),
    ...Object.entries(models).flatMap(([model, service]) => {
      const environment = isMap(service) ? service['environment'] : undefined;
      return !isMap(environment)
        ? []
        : Object.entries(environment).map(
            ([variable, value]) =>
              [
                [...path, 'models', model, 'environment', variable, 'secret'],
                isMap(value) ? value['secret'] : undefined,
              ] as const,
          );
    }),
  ];
  return named.flatMap(([at, name]) => {
    if (typeof name !== 'string' || known.includes(name)) return [];
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

function nearest(name: string, names: readonly string[]): string {
  const near = suggest(name, names);
  return near === undefined ? `Use one of: ${[...names].sort().join(', ')}.` : `Did you mean "${near}"?`;
}
