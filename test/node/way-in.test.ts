import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { RISKY_PACKAGE, RISKY_PATHS, RISKY_UNIT, UNIT_FOLDER } from '../../lib/engine/plan/risk.js';

const LIB = 'templates/ai-node/opt/citadel/lib';
const PRINT =
  'import json; from citadel_node.rollback import way_in as w; print(json.dumps([w.PATHS, w.UNIT, w.PACKAGE, w.UNIT_FOLDER]))';
/** A regular expression as Python writes it: it escapes no slash. */
const text = (pattern: RegExp): string => pattern.source.replaceAll('\\/', '/');

it('counts the same among the way in as the engine, pattern by pattern', () => {
  const { stdout, stderr } = spawnSync('/usr/bin/python3', ['-B', '-c', PRINT], {
    env: { PYTHONPATH: LIB },
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout), 'put the patterns of lib/engine/plan/risk.ts into way_in.py').toEqual([
    RISKY_PATHS.map(text),
    ...[RISKY_UNIT, RISKY_PACKAGE, UNIT_FOLDER].map(text),
  ]);
});
