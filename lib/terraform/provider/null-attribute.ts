import type { Problem } from '../../manifest/problem.js';

/** Problems with this code are about one attribute of a block, which Terraform then shows with its line. */
export const NULL_ATTRIBUTE = 'provider.attribute.null';

export function nullAttribute(path: string, property: string, fix: string, got = 'is null'): Problem {
  return { code: NULL_ATTRIBUTE, path, property, got, fix };
}
