import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LONG } from '../support/longest-first.js';

it('names files that are there as those that take long', () => {
  expect(Object.keys(LONG).filter((file) => !existsSync(file))).toEqual([]);
});
