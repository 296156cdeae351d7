import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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

/** Runs a command once with each of these as standard input; the statuses that it ended with. */
function ended(inputs: readonly Buffer[], command: readonly string[]): Set<string> {
  inputs.forEach((input, index) => writeFileSync(join(folder, String(index)), input));
  const loop =
    'count=$1; shift; n=0; while [ "$n" -lt "$count" ]; do "$@" <"$n" >/dev/null 2>&1; echo "$?"; n=$((n + 1)); done';
  const words = ['-c', loop, 'loop', String(inputs.length), ...command];
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:${folder}` };
  return new Set(spawnSync('sh', words, { cwd: folder, env }).stdout.toString().trim().split('\n'));
}

/** As the host runs the program, by one login shell. */
function statuses(inputs: readonly Buffer[], shell = 'sh'): Set<string> {
  return ended(inputs, [shell, '-c', remoteCommand(program, frame, 'none')]);
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

it.each(['head', 'sha256sum', 'base64', 'gzip'])(
  'no program begins, or seems to, on a host without %s',
  (missing) => {
    const tools = mkdtempSync(join(folder, 'tools-'));
    for (const tool of ['head', 'sha256sum', 'base64', 'gzip', 'cat'])
      if (tool !== missing) symlinkSync(join('/usr/bin', tool), join(tools, tool));
    const command = ['-c', remoteCommand(program, frame, 'none')];
    const run = (path: string) =>
      spawnSync('/bin/sh', command, { input: frame.text, env: { PATH: path }, encoding: 'utf8' });
    const { status, stdout, stderr } = run(tools);
    expect([status, stdout]).toEqual([NOT_WHOLE, '']);
    expect(stderr).toContain(missing);
    symlinkSync(join('/usr/bin', missing), join(tools, missing));
    expect(run(tools).status).toBe(0);
  },
);

describe('a shell that takes the text for commands', () => {
  const touch = `touch '${proof}'\n`.repeat(20);
  /** The text from these places on, with the data behind. */
  const from = (text: Buffer, places: readonly number[]): Buffer[] =>
    places.map((at) => Buffer.concat([text.subarray(at), Buffer.from('\n'), data]));

  it.each(LOGIN_SHELLS.filter((shell) => can(`command -v ${shell}`)))(
    'runs nothing, wherever in it that begins (%s)',
    { timeout: 600_000 },
    (shell) => {
      const { text } = frameOf({ ...program, script: touch }, 'ab12');
      const lastMark = text.indexOf('exit 91 # citadel-iac end');
      const step = shell === 'sh' ? 1 : STEP;
      const places = Array.from({ length: Math.ceil(lastMark / step) }, (_, count) => count * step);
      const ends = ended(from(text, [...places, lastMark]), [shell]);
      // Pieces of "begin" are "in", at which sh gives up, and a block without an end, with which fish runs nothing at all.
      ends.delete(shell === 'sh' ? '2' : shell === 'fish' ? '127' : 'none');
      expect(ends).toEqual(new Set(['91']));
      expect(existsSync(proof)).toBe(false);
    },
  );

  it('finds no command’s name at the end of a line either', () => {
    const digests = Array.from({ length: 40 }, (_, count) =>
      createHash('sha256').update(String(count)).digest('hex'),
    );
    const { text } = frameOf({ ...program, script: `# ${digests.join('')}\n${touch}` }, 'ab12');
    const [mark = '', line = ''] = text.toString().split('\n');
    const name = /[A-Za-z0-9]{2,}(?=_?$)/.exec(line)?.[0] ?? 'none';
    writeFileSync(join(folder, name), `#!/bin/sh\n${touch}`, { mode: 0o755 });
    const input = from(text, [mark.length + 1 + line.lastIndexOf(name)]);
    expect(input[0]?.toString().startsWith(name)).toBe(true);
    expect(ended(input, ['sh'])).toEqual(new Set(['91']));
    expect(existsSync(proof)).toBe(false);
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
