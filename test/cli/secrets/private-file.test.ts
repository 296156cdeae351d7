import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { memoryPlaces, withPrivateFile } from '../../../lib/cli/secrets/private-file.js';

const mode = (path: string): number => statSync(path).mode & 0o777;

describe('a private file', () => {
  it('stands in memory, and says so when it cannot', async () => {
    const warnings: string[] = [];
    const warn = (words: string) => void warnings.push(words);
    const onDisk = mkdtempSync(join(tmpdir(), 'citadel-disk-'));
    const where = (places: readonly string[]) =>
      withPrivateFile('a.yaml', 'text', { places, warn }, (path) => {
        expect([mode(path), mode(dirname(path))]).toEqual([0o600, 0o700]);
        return Promise.resolve(path);
      });
    expect(await where(['/no/such', onDisk, '/proc', '/dev/shm'])).toMatch(
      /^\/dev\/shm\/citadel-iac-secrets-/,
    );
    expect(warnings).toEqual([]);
    const path = await where(['/no/such']);
    expect(dirname(dirname(path))).toBe(tmpdir());
    expect(existsSync(dirname(path))).toBe(false);
    // Where the folder for temporary files is in memory itself there is nothing to warn of.
    for (const words of warnings)
      expect(words).toBe(`there is no folder in memory here: while you edit, the text is in ${tmpdir()}`);
    rmSync(onDisk, { recursive: true });
  });

  it('goes, with all that was put next to it, when the work fails', async () => {
    const place = mkdtempSync('/dev/shm/citadel-private-');
    const listeners = (): number[] => ['exit', 'SIGHUP'].map((event) => process.listenerCount(event));
    const before = listeners();
    const work = withPrivateFile('a', 'x', { places: [place], warn: () => undefined }, (path) => {
      writeFileSync(`${path}~`, 'backup');
      return Promise.reject(new Error('no'));
    });
    await expect(work).rejects.toThrow('no');
    expect(readdirSync(place)).toEqual([]);
    expect(listeners()).toEqual(before);
    rmSync(place, { recursive: true });
  });

  it('is where a desktop or a server has memory', () => {
    expect(memoryPlaces({})).toEqual(['/dev/shm']);
    expect(memoryPlaces({ XDG_RUNTIME_DIR: '/run/user/7' })).toEqual(['/run/user/7', '/dev/shm']);
  });
});
