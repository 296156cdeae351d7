import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { inlineScripts } from '../../../lib/engine/remote/inline.js';
import { defineProgram, loadScript } from '../../../lib/engine/remote/programs.js';

const folder = new URL('../../../lib/engine/remote/', import.meta.url);

describe('loadScript', () => {
  it('reads a script of the folder', () => {
    expect(loadScript('common.sh')).toBe(readFileSync(new URL('common.sh', folder), 'utf8'));
  });

  it('refuses what is not a script of the folder', () => {
    for (const name of ['../programs.ts', '/etc/passwd', 'common', '', '.sh', 'a/b.sh']) {
      expect(() => loadScript(name)).toThrow('not a script name');
    }
    expect(() => loadScript('no-such-script.sh')).toThrow();
  });
});

describe('defineProgram', () => {
  it('puts scripts one after the other', () => {
    const program = defineProgram('citadel-test', 'read', 'common.sh', 'observe.sh');
    expect(program).toMatchObject({ name: 'citadel-test', effect: 'read' });
    expect(program.script).toBe(loadScript('common.sh') + loadScript('observe.sh'));
  });

  it('refuses a name that could be mistaken for an option or a path', () => {
    for (const name of ['-c', '', 'a b', '../x', 'A']) {
      expect(() => defineProgram(name, 'read', 'common.sh')).toThrow('not a program name');
    }
  });

  it('does not touch a file until the text is wanted', () => {
    expect(() => defineProgram('citadel-test', 'write', 'no-such-script.sh')).not.toThrow();
  });
});

describe('a bundle', () => {
  it.each(['esm', 'cjs'] as const)('carries every script inside it (%s)', async (format) => {
    const out = mkdtempSync(join(tmpdir(), 'citadel-bundle-'));
    try {
      const outfile = join(out, format === 'esm' ? 'bundle.mjs' : 'bundle.cjs');
      await build({
        stdin: {
          contents: `import { loadScript } from './programs.js';
            process.stdout.write(JSON.stringify(process.argv.slice(2).map(loadScript)));`,
          resolveDir: folder.pathname,
          loader: 'ts',
        },
        bundle: true,
        platform: 'node',
        format,
        outfile,
        define: inlineScripts(),
        logLevel: 'error',
        // Only the branch that a bundle never takes asks where the module lies.
        logOverride: { 'empty-import-meta': 'silent' },
      });
      const names = readdirSync(folder).filter((name) => name.endsWith('.sh'));
      const texts = JSON.parse(
        execFileSync(process.execPath, [outfile, ...names], { cwd: out, encoding: 'utf8' }),
      ) as string[];
      expect(texts).toEqual(names.map((name) => readFileSync(new URL(name, folder), 'utf8')));
    } finally {
      rmSync(out, { recursive: true });
    }
  });
});
