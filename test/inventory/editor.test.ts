import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inventoryJsonSchema } from '../support/site.js';

const FOLDER = resolve(import.meta.dirname, '../../stacks/inventory');

type Schema = Readonly<Record<string, unknown>>;

/** Every property that a person can write, by path, with what an editor would show of it. */
function properties(schema: unknown, path = ''): [path: string, schema: Schema][] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties: own = {}, additionalProperties, items, anyOf, oneOf, allOf, $ref } = schema as Schema;
  // Hosts, groups and defaults have one schema; nothing else is referred to, or this walk would have to follow it.
  if ($ref !== undefined) expect($ref).toBe('#/$defs/host');
  const host: unknown = inventoryJsonSchema().$defs?.['host'];
  return [
    ...($ref === undefined ? [] : properties(host, path)),
    ...Object.entries(own as Record<string, Schema>).flatMap(([key, inner]): [string, Schema][] => [
      [`${path}.${key}`, inner],
      ...properties(inner, `${path}.${key}`),
    ]),
    ...properties(additionalProperties, `${path}.*`),
    ...properties(items, `${path}[]`),
    ...[anyOf, oneOf, allOf].flatMap((list) =>
      ((list ?? []) as unknown[]).flatMap((inner) => properties(inner, path)),
    ),
  ];
}

describe('what an editor knows of an inventory', () => {
  const all = properties(inventoryJsonSchema());

  it('is something: the walk sees into hosts, models and lists', () => {
    const paths = all.map(([path]) => path);
    expect(paths).toContain('.hosts.*.ai.models.*.flags.extraArguments[].flag');
    expect(paths).toContain('.secrets.*.env');
    expect(paths.length).toBeGreaterThan(150);
  });

  it('explains every property', () => {
    expect(
      all.filter(([, { description }]) => typeof description !== 'string').map(([path]) => path),
    ).toEqual([]);
  });

  it('shows a value for what has a form of its own', () => {
    const example = (path: string) => all.find(([name]) => name === path)?.[1]['examples'];
    expect(example('.hosts.*.backup.models.daily.schedule')).toContain('30 2 * * *');
    expect(example('.hosts.*.mounts.*.device')).toContain('LABEL=citadel-models');
  });

  it('has its defaults in the form in which they are written', () => {
    for (const [path, { default: value, enum: values }] of all)
      if (values !== undefined && value !== undefined) expect(values, path).toContain(value);
    expect(all.find(([path]) => path === '.thresholds.cpuPercent.warning')?.[1]['default']).toBe(80);
  });

  it.each(readdirSync(FOLDER).filter((name) => /\.ya?ml$/.test(name)))('is referred to by %s', (name) => {
    expect(readFileSync(resolve(FOLDER, name), 'utf8').split('\n', 1)[0]).toBe(
      '# yaml-language-server: $schema=./inventory.schema.json',
    );
  });
});
