import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { remoteCommand } from '../../../lib/engine/targets/become.js';
import { BetweenMarks, frameOf, NOT_WHOLE, unframed } from '../../../lib/engine/targets/frame.js';
import type { ReadProgram } from '../../../lib/engine/transport.js';
import { can } from './support/bench.js';
import { LOGIN_SHELLS } from './support/login-shells.js';

const folder = mkdtempSync(join(tmpdir(), 'citadel-frame-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const proof = join(folder, 'ran');
const program: ReadProgram = { name: 'citadel-observe', effect: 'read', script: '# a comment\ncat\n' };
const frame = frameOf(program, 'ab12');
const { length } = frame.text;
const data = Buffer.from(`touch '${proof}'\n`.repeat(20));

/** Runs the command once with each of these as standard input, by one login shell; the statuses that it ended with. */
function statuses(inputs: readonly Buffer[], shell = 'sh'): Set<string> {
  inputs.forEach((input, index) => writeFileSync(join(folder, String(index)), input));
  writeFileSync(join(folder, 'command'), remoteCommand(program, frame, 'none'));
  const loop =
    'command=$(cat command); n=0; while [ "$n" -lt "$1" ]; do "$2" -c "$command" <"$n" >/dev/null; echo "$?"; n=$((n + 1)); done';
  const { stdout } = spawnSync('sh', ['-c', loop, 'loop', String(inputs.length), shell], { cwd: folder });
  return new Set(stdout.toString().trim().split('\n'));
}

/** Bytes between two lengths that are tried under slow shells; `npm run check:long ssh` tries each. */
const STEP = Number(process.env['CITADEL_SSH_EATEN_STEP'] ?? '23');
const SHELLS = LOGIN_SHELLS.filter((shell) => shell !== 'sh' && can(`command -v ${shell}`));

describe('a program’s text that does not arrive whole', () => {
  const refused = new Set([String(NOT_WHOLE)]);

  it('is not run, nor are the data behind it, however many of its first bytes were eaten', () => {
    const whole = Buffer.concat([frame.text, data]);
    const eaten = Array.from({ length: length + 1 }, (_, count) => whole.subarray(count + 1));
    expect(statuses(eaten)).toEqual(refused);
    expect(existsSync(proof)).toBe(false);
  });

  it.each(SHELLS)('is not run under %s either', { timeout: 600_000 }, (shell) => {
    const whole = Buffer.concat([frame.text, data]);
    expect(statuses([whole], shell)).toEqual(new Set(['0']));
    const eaten = Array.from({ length: Math.ceil((length + 1) / STEP) }, (_, count) =>
      whole.subarray(1 + count * STEP),
    );
    expect(statuses([...eaten, whole.subarray(length + 1), Buffer.alloc(0)], shell)).toEqual(refused);
    expect(existsSync(proof)).toBe(false);
  });

  it('is not run with a hole in it, wherever that is, before data and at the end of input', () => {
    const holed = Array.from({ length }, (_, at) => {
      const rest = [frame.text.subarray(0, at), frame.text.subarray(at + 1)];
      return Buffer.concat(at % 2 === 0 ? rest : [...rest, data]);
    });
    expect(statuses(holed)).toEqual(refused);
    expect(existsSync(proof)).toBe(false);
  });

  it('is not run with a byte changed', () => {
    const changed = Array.from({ length: 10 }, (_, part) => {
      const bytes = Buffer.from(frame.text);
      const at = Math.floor((part * length) / 10);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      return bytes;
    });
    expect(statuses(changed)).toEqual(refused);
  });
});

describe('what a program prints', () => {
  const said = (text: string): Buffer =>
    Buffer.from(`Welcome\n# citadel-iac output ab12\n${text}\n# citadel-iac exit ab12 3\nbye\n`);

  it('stands between the marks, with its status', () => {
    expect(unframed(frame, Buffer.from('Welcome\n'))).toBeUndefined();
    expect(unframed(frame, said('line'))).toEqual({ stdout: Buffer.from('line\n'), status: 3 });
    expect(unframed(frame, Buffer.from('# citadel-iac output ab12\nhalf a # citadel'))).toEqual({
      stdout: Buffer.from('half a # citadel'),
    });
  });

  it('may be its own command line', () => {
    const own = said(`1 root sh -c ${frame.command}`);
    expect(unframed(frame, own)?.stdout.toString()).toBe(`1 root sh -c ${frame.command}\n`);
  });

  it('is passed on as it comes, and nothing of a mark', () => {
    const output = said('a line\n# citadel-iac exit ab12 no\n# citadel-ia');
    for (const size of [1, 7, output.length]) {
      const seen: string[] = [];
      const between = new BetweenMarks(frame, (piece) => seen.push(piece.toString()));
      for (let at = 0; at < output.length; at += size) between.push(output.subarray(at, at + size));
      expect(seen.join('')).toBe('a line\n# citadel-iac exit ab12 no\n# citadel-ia\n');
    }
    const prompt: string[] = [];
    const between = new BetweenMarks(frame, (piece) => prompt.push(piece.toString()));
    between.push(Buffer.from('# citadel-iac output ab12\nstep one\n'));
    expect(prompt).toEqual(['step one\n']);
  });
});
