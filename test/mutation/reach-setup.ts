import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { afterEach } from 'vitest';
import { REACHED } from './layout.js';

/** After each test: which marks of the programs it reached, and how long it took. Only where `CITADEL_REACH` asks for it. */
const out = process.env['CITADEL_REACH'];
if (out !== undefined) {
  afterEach(({ task }) => {
    const marks = new Set(readMarks());
    rmSync(REACHED, { force: true });
    const names = [task.name];
    for (let suite = task.suite; suite !== undefined; suite = suite.suite) names.unshift(suite.name);
    const millis = Date.now() - (task.result?.startTime ?? 0);
    const line = { file: task.file.name, name: names.join(' '), millis, marks: [...marks].sort() };
    appendFileSync(out, `${JSON.stringify(line)}\n`);
  });
}

function readMarks(): string[] {
  try {
    return readFileSync(REACHED, 'utf8').trim().split('\n');
  } catch {
    return [];
  }
}
