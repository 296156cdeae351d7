import type { z } from 'zod';
import { allIssues, valueAt } from './all-issues.js';
import { isMap } from './raw.js';

/**
 * What is wrong with the settings of groups and with the defaults themselves, whether a host has them or not. What is missing
 * there, or goes together with another key, may be said for the host: that is for its own check.
 *
 * @param host the schema of a host
 */
export function layerIssues(inventory: unknown, host: z.core.$ZodType): z.core.$ZodIssue[] {
  if (!isMap(inventory)) return [];
  const { defaults, groups } = inventory;
  return [
    ...(defaults === undefined || defaults === null ? [] : layer(defaults, host, ['defaults'])),
    ...(isMap(defaults) && 'groups' in defaults ? [NO_GROUPS] : []),
    ...(groups === undefined || groups === null ? [] : groupsIssues(groups, host)),
  ];
}

/** Every host has the defaults, whatever group it is in. */
const NO_GROUPS: z.core.$ZodIssue = {
  code: 'unrecognized_keys',
  keys: ['groups'],
  path: ['defaults'],
  message: '',
};

function groupsIssues(groups: unknown, host: z.core.$ZodType): z.core.$ZodIssue[] {
  if (!isMap(groups)) return [notMap(['groups'], groups)];
  return Object.entries(groups).flatMap(([name, group]) =>
    group === null ? [] : layer(group, host, ['groups', name]),
  );
}

function layer(value: unknown, host: z.core.$ZodType, path: string[]): z.core.$ZodIssue[] {
  if (!isMap(value)) return [notMap(path, value)];
  return allIssues(host, value)
    .filter((issue) => ofPart(issue, value))
    .map((issue) => ({ ...issue, path: [...path, ...issue.path] }));
}

function notMap(path: string[], input: unknown): z.core.$ZodIssue {
  return { code: 'invalid_type', expected: 'object', path, message: '', input };
}

/** Whether an issue is one of what is written, whatever is added to it. */
function ofPart(issue: z.core.$ZodIssue, root: unknown): boolean {
  // Lists are taken as a whole: nothing is added to what is in them.
  if (issue.path.some((key) => typeof key === 'number')) return true;
  const value = valueAt(root, issue.path);
  if (value === undefined) return false;
  if (issue.code === 'custom') return !isMap(value);
  if (issue.code !== 'invalid_union') return true;
  const branches = issue.errors.map((errors) => errors.filter((inner) => ofPart(inner, value)));
  return branches.every((left) => left.length > 0);
}
