import type { z } from 'zod';
import { CitadelError, type Problem } from '../../manifest/problem.js';
import { rootTargetSchema, secretSourcesSchema, sshTargetSchema } from '../../manifest/target.js';
import type { SecretSources, Target } from '../../manifest/target.js';
import { ATTRIBUTE_OF } from './configuration.js';

/**
 * The checked way to one host of the provider's block.
 *
 * @throws CitadelError with every problem, each naming the attribute of the block
 */
export function parseTarget(target: unknown, host: string): Target {
  const offline = typeof target === 'object' && target !== null && 'root' in target;
  return offline ? check(rootTargetSchema, target, host, '') : check(sshTargetSchema, target, host, '');
}

/** @throws CitadelError with every problem */
export function parseSecrets(sources: unknown, host: string): SecretSources {
  return check(secretSourcesSchema, sources, host, 'secrets.');
}

function check<S extends z.ZodType>(schema: S, value: unknown, host: string, prefix: string): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new CitadelError(result.error.issues.map((issue) => problem(issue, host, prefix)));
}

function problem(issue: z.core.$ZodIssue, host: string, prefix: string): Problem {
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys : [];
  const path = [...issue.path, ...unknown].map((part) => ATTRIBUTE_OF[String(part)] ?? String(part));
  return {
    code: 'provider.configuration',
    path: host,
    property: `${prefix}${path.join('.')}` || `hosts["${host}"]`,
    got: unknown.length > 0 ? 'does not go with the others' : issue.message,
    fix: 'Correct the provider block: an address, a user and pinned host keys, or a root directory alone',
  };
}
