import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTransport } from '../../../lib/engine/targets/index.js';
import type { ReadProgram, WriteProgram } from '../../../lib/engine/transport.js';
import { CitadelError } from '../../../lib/manifest/index.js';

let folder: string;
const deps = () => ({ host: 'image', home: folder, agentSocket: undefined });
const reader = (script: string): ReadProgram => ({ name: 'citadel-test', effect: 'read', script });
const none = Buffer.alloc(0);

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "citadel root's ")));
  mkdirSync(join(folder, 'image'));
  writeFileSync(join(folder, 'file'), '');
  symlinkSync('/', join(folder, 'slash'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function code(attempt: Promise<unknown>): Promise<string> {
  const error: unknown = await attempt.then(String, (reason: unknown) => reason);
  return error instanceof CitadelError ? error.problems[0]!.code : String(error);
}

describe('an offline root', () => {
  it('runs programs with its directory as first argument and nothing of our environment', async () => {
    process.env['CITADEL_PLANTED'] = 'leak';
    const transport = await openTransport({ root: join(folder, 'image') }, deps());
    expect([transport.kind, transport.description]).toEqual(['root', join(folder, 'image')]);
    const result = await transport.read(
      reader('printf "%s|" "$0" "$#" "$1" "$LC_ALL" "${CITADEL_PLANTED-unset}"; cat; echo no >&2; exit 5'),
      Buffer.from('in\0put'),
      { deadlineSec: 10 },
    );
    expect(result).toEqual({
      exitCode: 5,
      stdout: Buffer.from(`citadel-test|1|${join(folder, 'image')}|C|unset|in\0put`),
      stderr: 'no\n',
    });
    delete process.env['CITADEL_PLANTED'];
  });

  it('opens again, below the home directory too', async () => {
    const transport = await openTransport({ root: '~/image' }, deps());
    const again = await transport.reconnect();
    expect(again.description).toBe(join(folder, 'image'));
    await again.close();
    await transport.close();
  });

  it('is refused where it is missing, no directory, or this machine itself', async () => {
    expect(await code(openTransport({ root: join(folder, 'nowhere') }, deps()))).toBe('root.missing');
    expect(await code(openTransport({ root: join(folder, 'file') }, deps()))).toBe('root.not-directory');
    for (const root of ['/', '//', '/usr/..', join(folder, 'slash')]) {
      expect(await code(openTransport({ root }, deps()))).toBe('root.own');
    }
  });

  it('takes streamed input, and lets a program end before it has read all', async () => {
    const transport = await openTransport({ root: join(folder, 'image') }, deps());
    async function* parts(): AsyncGenerator<Uint8Array> {
      for (let index = 0; index < 200; index += 1) yield await Promise.resolve(Buffer.alloc(100_000, 'x'));
    }
    const writer = (script: string): WriteProgram => ({ name: 'citadel-test', effect: 'write', script });
    const all = await transport.run(writer('wc -c'), parts(), { deadlineSec: 30 });
    expect(all.stdout.toString().trim()).toBe('20000000');
    const early = await transport.run(writer('exit 3'), parts(), { deadlineSec: 30 });
    expect(early.exitCode).toBe(3);
    const wholeEarly = await transport.read(reader('exit 2'), Buffer.alloc(5_000_000), { deadlineSec: 30 });
    expect(wholeEarly.exitCode).toBe(2);
  });

  it('reports the signal that ended a program', async () => {
    const transport = await openTransport({ root: join(folder, 'image') }, deps());
    const result = await transport.read(reader('kill -TERM $$'), none, { deadlineSec: 10 });
    expect(result.exitCode).toBe(143);
  });

  it('ends a program and what it started at the deadline or on request', async () => {
    const transport = await openTransport({ root: join(folder, 'image') }, deps());
    const mark = `31.${String(process.pid)}`;
    const program = reader(`sleep ${mark} & sleep ${mark}; echo never`);
    expect(await code(transport.read(program, none, { deadlineSec: 0.3 }))).toBe('root.timeout');
    const signal = AbortSignal.timeout(200);
    expect(await code(transport.read(program, none, { deadlineSec: 10, signal }))).toBe('root.aborted');
    await sleep(100);
    const left = execFileSync('sh', ['-c', `ps -eo args | grep -cx 'sleep ${mark}' || :`], {
      encoding: 'utf8',
    });
    expect(left.trim()).toBe('0');
  });

  it('says when its input or its listener fails', async () => {
    const transport = await openTransport({ root: join(folder, 'image') }, deps());
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.from('a'));
      throw new Error('disk on fire');
    }
    const cat: WriteProgram = { name: 'citadel-test', effect: 'write', script: 'cat; sleep 5' };
    await expect(transport.run(cat, broken(), { deadlineSec: 10 })).rejects.toThrow('disk on fire');
    const listener = (): void => {
      throw new Error('no listener');
    };
    await expect(
      transport.read(reader('echo x'), none, { deadlineSec: 10, onStdout: listener }),
    ).rejects.toThrow('no listener');
  });
});
