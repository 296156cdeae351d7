import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseInventory } from '../../lib/inventory/index.js';
import type { HostManifest } from '../../lib/manifest/index.js';
import { buildHosts } from '../../stacks/app.js';
import { scratch, writeTree } from './scratch.js';
import { tool } from './tools.js';

type Manifest = Pick<HostManifest, 'files' | 'units'>;

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const README = readFileSync(join(PROJECT, 'README.md'), 'utf8');

function block(language: string): string {
  const match = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(README);
  if (match?.[1] === undefined) throw new Error(`the README has no ${language} block`);
  return match[1];
}

const rendered = (path: string): string => readFileSync(join(PROJECT, 'rendered', path), 'utf8');

/** What a hunk of a plan wants (`+`), or has (`-`), with the lines around it. */
function hunkLines(page: string, pattern: RegExp, side: '+' | '-'): string {
  const text = new RegExp(
    `${pattern.source}[^\\n]*\\n +@@[^\\n]*\\n((?: {6}[-+ ].*\\n)+?)(?= {6}\\S*[a-z])`,
  ).exec(page)?.[1];
  if (text === undefined) throw new Error(`no hunk after ${String(pattern)}`);
  return text
    .split('\n')
    .map((line) => line.slice(6))
    .filter((line) => line.startsWith(' ') || line.startsWith(side))
    .map((line) => `${line.slice(1)}\n`)
    .join('');
}

describe('the README', () => {
  it('shows a plan whose wanted side is what the example renders', () => {
    const plan = /^```\n(# citadel_host\.ai-node [\s\S]*?)^```$/m.exec(README)?.[1] ?? '';
    const manifest = parse(rendered('ai-node.yaml')) as Manifest;
    const files = [...plan.matchAll(/~ "(\/[^"]+)" = \{\n +~ lines = \[\n([\s\S]*?)\n +\]\n/g)];
    expect(files.length).toBeGreaterThan(0);
    for (const [, path = '', elements = ''] of files) {
      // An element is `"line",` or `"line as it is" -> "line as it should be",`; the last string is what is wanted.
      const lines = elements
        .split('\n')
        .flatMap((element) => /^.*("(?:[^"\\]|\\.)*"),?$/.exec(element)?.[1] ?? [])
        .map((literal) => JSON.parse(literal) as string);
      expect(rendered(`ai-node${path}`)).toContain(`\n${lines.join('\n')}\n`);
    }
    const modes = [...plan.matchAll(/~ "(\/[^"]+)" = \{\n +~ mode +=.* -> "(\d+)"/g)];
    expect(modes.length).toBeGreaterThan(0);
    for (const [, path = '', mode] of modes) expect(manifest.files?.[path]?.mode, path).toBe(mode);
    const units = [...plan.matchAll(/(?<![/\w-])[\w-]+\.service\b/g)].map(([unit]) => unit);
    expect(Object.keys(manifest.units ?? {})).toEqual(expect.arrayContaining(units));
  });

  it('shows a rollback to what the example renders', () => {
    const wanted = hunkLines(README, /~ files \/etc\/default\/prometheus/, '+');
    expect(wanted).toContain('retention.time=30d');
    expect(rendered('dev-ops/etc/default/prometheus')).toContain(wanted);
  });

  it('is joined by docs/review.md, whose change begins at what the example renders', () => {
    const review = readFileSync(join(PROJECT, 'docs/review.md'), 'utf8');
    const before = hunkLines(review, /~ files \/etc\/systemd\/system\/citadel-phi3\.service/, '-');
    expect(before).toContain('--max-model-len');
    expect(rendered('ai-node/etc/systemd/system/citadel-phi3.service')).toContain(before);
  });

  it('shows an inventory that makes hosts', () => {
    const hosts = buildHosts(parseInventory(block('yaml'), 'README.md'));
    expect(hosts.map(({ host }) => host)).toEqual(['ai-node']);
    expect(Object.keys(hosts[0]?.units ?? {})).toContain('citadel-phi3.service');
  });

  it('shows a host that makes a manifest', () => {
    const directory = scratch();
    for (const name of ['lib', 'node_modules', 'package.json'])
      symlinkSync(join(PROJECT, name), join(directory, name));
    writeTree(directory, {
      'example.ts': `${block('ts')}\nprocess.stdout.write(JSON.stringify(manifest));\n`,
    });
    const { status, output } = tool(process.execPath, ['--import', 'tsx', 'example.ts'], { cwd: directory });
    expect(status, output).toBe(0);
    const manifest = JSON.parse(output) as { units: unknown; checks: unknown };
    expect(manifest.units).toMatchObject({ 'thing.service': { enabled: true, state: 'running' } });
    expect(manifest.checks).toMatchObject({ answers: { kind: 'http', timeoutSec: 20 } });
  });
});
