import type { z } from 'zod';
import { CitadelError, type Problem } from '../manifest/index.js';
import { ROLE_API_VERSION, type InventoryRole } from './role.js';
import { baseHostSchema, baseInventorySchema, hostsOf, type InventoryDocument } from './schema/inventory.js';

/** Schemas of an inventory whose groups and defaults have been given to hosts: the tool's own keys, and those of the site's roles. */
export interface InventorySchemas {
  readonly document: z.ZodType<Omit<InventoryDocument, 'groups'>>;
  readonly host: z.ZodType;
}

/** Roles do not change once a site is defined. */
const collected = new WeakMap<readonly InventoryRole[], InventorySchemas>();

/**
 * @throws CitadelError where two roles have one name or claim one key, where a role claims a key of the tool, or was
 *   written for another version of the interface
 */
export function inventorySchemasOf(roles: readonly InventoryRole[]): InventorySchemas {
  const known = collected.get(roles);
  if (known !== undefined) return known;
  const problems = roleProblems(roles);
  if (problems.length > 0) throw new CitadelError(problems);
  const host = baseHostSchema.extend(merged(roles.map(({ schema }) => schema?.host))).strict();
  const document = baseInventorySchema
    .extend({ hosts: hostsOf(host), ...merged(roles.map(({ schema }) => schema?.site)) })
    .strict() as unknown as InventorySchemas['document'];
  const schemas = { document, host };
  collected.set(roles, schemas);
  return schemas;
}

/** What is wrong between roles. */
function roleProblems(roles: readonly InventoryRole[]): Problem[] {
  const names = new Set<string>();
  const owners = new Map<string, string>([
    ...Object.keys(baseHostSchema.shape).map((key): [string, string] => [`hosts.*.${key}`, TOOL]),
    ...[...Object.keys(baseInventorySchema.shape), 'hosts', 'defaults', 'groups'].map(
      (key): [string, string] => [key, TOOL],
    ),
  ]);
  return roles.flatMap((role) => {
    const problems: Problem[] = [];
    const say = (code: string, got: string, fix: string): void => {
      problems.push({ code: `site.role.${code}`, path: WHERE, property: `roles.${role.name}`, got, fix });
    };
    if (names.has(role.name)) say('twice', 'two roles have this name', 'Take one of them out, or rename it.');
    names.add(role.name);
    if (role.apiVersion !== ROLE_API_VERSION) {
      say(
        'version',
        `it was written for version ${role.apiVersion} of the interface of roles, and this is version ${ROLE_API_VERSION}`,
        'Use a release of the role for this version of citadel-iac.',
      );
    }
    for (const key of keysOf(role)) {
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, `the role "${role.name}"`);
      else {
        say(
          'key',
          `the key "${key}" belongs to ${owner}, and the role "${role.name}" claims it as well`,
          'Rename it in one of the two, or take one of them out of the site.',
        );
      }
    }
    return problems;
  });
}

const WHERE = 'citadel.config.ts';
const TOOL = 'citadel-iac itself';

function keysOf({ schema }: InventoryRole): string[] {
  return [
    ...Object.keys(schema?.host ?? {}).map((key) => `hosts.*.${key}`),
    ...Object.keys(schema?.site ?? {}),
  ];
}

function merged(
  shapes: readonly (Readonly<Record<string, z.ZodType>> | undefined)[],
): Record<string, z.ZodType> {
  return Object.assign({}, ...shapes) as Record<string, z.ZodType>;
}
