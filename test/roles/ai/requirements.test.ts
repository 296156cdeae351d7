import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { pinnedVllm, versionProblems } from '../../../lib/roles/ai/vllm-version.js';
import { describe, expect, it } from 'vitest';
import { requirementProblems } from '../../../lib/roles/ai/index.js';
import { formatProblem } from '../../../lib/manifest/index.js';

const HASH = `--hash=sha256:${'a'.repeat(64)}`;
const REMEDY =
  'Write the file with: uv pip compile --generate-hashes --output-file requirements.txt requirements.in.';

function said(text: string): string[] {
  return requirementProblems('vllm.txt', text).map((problem) => formatProblem({ ...problem, path: 'x' }));
}

describe('a requirements file', () => {
  it('is refused when it names no package', () => {
    expect(said('')).toEqual([`[x] vllm.txt: the file names no package. ${REMEDY}`]);
    expect(said('# only\n\n  # comments\n')).toEqual(said(''));
  });

  it.each([
    ['one line', `vllm==0.23.0 ${HASH}\n`],
    [
      'as pip-compile writes it',
      `# by pip-compile\nvllm==0.23.0 \\\n    ${HASH} \\\n    ${HASH}\n    # via -r requirements.in\n`,
    ],
    ['extras, markers and a local version', `torch[opt,x]==2.7.0+cu128 ; python_version >= "3.11" ${HASH}\n`],
    ['another index', `--extra-index-url https://download.pytorch.org/whl/cu128\ntorch==2.7.0 ${HASH}\n`],
    ['a wheel by its address', `flash @ https://example.org/flash-1.whl ${HASH}\n`],
    ['Windows line ends', `vllm==0.23.0 \\\r\n ${HASH}\r\n`],
    [
      'one name for two machines',
      `a==1 ; sys_platform == "linux" ${HASH}\na==2 ; sys_platform == "darwin" ${HASH}\n`,
    ],
  ])('is taken: %s', (_name, text) => {
    expect(said(text)).toEqual([]);
  });

  it.each([
    ['vllm', `[x] vllm.txt:1: vllm is not pinned to one version: any version. ${REMEDY}`],
    ['vllm>=0.23', `[x] vllm.txt:1: vllm is not pinned to one version: ">=0.23". ${REMEDY}`],
    ['vllm==0.*', `[x] vllm.txt:1: vllm is not pinned to one version: "==0.*". ${REMEDY}`],
    ['vllm==1,<2', `[x] vllm.txt:1: vllm is not pinned to one version: "==1,<2". ${REMEDY}`],
    [
      'v @ git+https://example.org/v',
      `[x] vllm.txt:1: v is not pinned to one version: "@ git+https://example.org/v". ${REMEDY}`,
    ],
  ])('is refused where %s is not pinned', (requirement, message) => {
    expect(said(`${requirement} ${HASH}`)).toEqual([message]);
  });

  it('is refused where a hash is missing, weak or cut short', () => {
    expect(said('\nvllm==0.23.0')).toEqual([`[x] vllm.txt:2: vllm has no hash. ${REMEDY}`]);
    expect(said(`a==1 ${HASH}\n# c\nvllm==0.23.0 # ${HASH}`)).toEqual([
      `[x] vllm.txt:3: vllm has no hash. ${REMEDY}`,
    ]);
    expect(said(`vllm==1 --hash=md5:${'a'.repeat(32)}`)).toEqual([
      `[x] vllm.txt:1: vllm: md5 is not one of sha256, sha384, sha512. ${REMEDY}`,
    ]);
    expect(said('vllm==1 --hash=sha256:abc')).toEqual([
      `[x] vllm.txt:1: vllm: a sha256 has 64 hexadecimal digits, not 3. ${REMEDY}`,
    ]);
    expect(said('vllm==1 --hash=constructor:abc')).toEqual([
      `[x] vllm.txt:1: vllm: constructor is not one of sha256, sha384, sha512. ${REMEDY}`,
    ]);
    expect(said(`vllm==1 ${HASH} --no-deps`)).toEqual([
      `[x] vllm.txt:1: vllm: "--no-deps" is not a --hash=sha256:…. ${REMEDY}`,
    ]);
  });

  it('is refused where it reaches elsewhere', () => {
    for (const option of ['-r other.txt', '-e .', '--trusted-host example.org', '-c limits.txt']) {
      expect(said(`${option}\na==1 ${HASH}`)).toEqual([
        `[x] vllm.txt:1: "${option.split(' ')[0] ?? ''}" has no place here. Put everything into one file of pinned lines.`,
      ]);
    }
    expect(said(`--index-url http://example.org\na==1 ${HASH}`)).toEqual([
      '[x] vllm.txt:1: "http://example.org" is not an https URL without a password. Name the index by its https URL.',
    ]);
    expect(said(`--index-url=https://me:word@example.org\na==1 ${HASH}`)[0]).toContain('without a password');
  });

  it('is refused where a package comes twice, however it is spelled', () => {
    expect(said(`Some.Thing==1 ${HASH}\nsome_thing==1 ${HASH}`)).toEqual([
      '[x] vllm.txt:2: some-thing is in line 1 already. Keep one of the lines.',
    ]);
  });

  it('is refused where a line is no requirement at all', () => {
    expect(said(`!!! ${HASH}`)).toEqual([
      `[x] vllm.txt:1: "!!! ${HASH.slice(0, 73)}…" is not a requirement. ${REMEDY}`,
    ]);
  });

  it('never passes a line without a hash, whatever is in it', () => {
    const line = fc.string({ unit: fc.constantFrom(...'ab=1.;#\\ -[]@"'.split(/(?:)/)) });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
        const requirement = lines.some((one) => !/^\s*(#|--?|\\?\s*$)/.test(one));
        return !requirement || said(lines.join('\n')).length > 0;
      }),
    );
  });

  it.each(['requirements.txt', 'requirements-cpu.txt'])('that the project brings, %s, are well', (name) => {
    const text = readFileSync(join(import.meta.dirname, '../../../stacks/vllm', name), 'utf8');
    expect(said(text)).toEqual([]);
    expect(versionProblems(name, text)).toEqual([]);
    expect(pinnedVllm(text)?.cpu).toBe(name.includes('cpu'));
    // With it the environment takes seconds.
    expect(text).toMatch(/^uv==/m);
    // Where they come from is the host's to say.
    expect(text).not.toMatch(/:\/\//);
  });
});
