import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseInventory } from '../support/site.js';
import { sha256, type HostManifest } from '../../lib/manifest/index.js';
import { buildHosts } from '../../stacks/app.js';

type Manifest = Pick<HostManifest, 'files' | 'units'>;

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const page = (path: string): string => readFileSync(join(PROJECT, path), 'utf8');

const rendered = (path: string): string => readFileSync(join(PROJECT, 'rendered', path), 'utf8');

/** What a hunk of a plan wants (`+`), or has (`-`), with the lines around it. */
function hunkLines(text: string, pattern: RegExp, side: '+' | '-'): string {
  const hunk = new RegExp(
    `${pattern.source}[^\\n]*\\n +@@[^\\n]*\\n((?: {6}[-+ ].*\\n)+?)(?= {6}\\S*[a-z])`,
  ).exec(text)?.[1];
  if (hunk === undefined) throw new Error(`no hunk after ${String(pattern)}`);
  return hunk
    .split('\n')
    .map((line) => line.slice(6))
    .filter((line) => line.startsWith(' ') || line.startsWith(side))
    .map((line) => `${line.slice(1)}\n`)
    .join('');
}

describe('a page that shows what the example makes', () => {
  it('shows in docs/terraform.md a plan whose wanted side is what the example renders', () => {
    const plan = /^```\n(# citadel_host\.ai-node [\s\S]*?)^```$/m.exec(page('docs/terraform.md'))?.[1] ?? '';
    const manifest = parse(rendered('ai-node.yaml')) as Manifest;
    const changes = [...plan.matchAll(/\+ "(\/[^"]+)" = \[\n([\s\S]*?)\n +\]\n/g)];
    expect(changes.length).toBeGreaterThan(0);
    for (const [, path = '', elements = ''] of changes) {
      // An element is `+ "line of a diff",`; what is not taken out is what is wanted.
      const lines = elements
        .split('\n')
        .flatMap((element) => /^ +\+ ("(?:[^"\\]|\\.)*"),$/.exec(element)?.[1] ?? [])
        .map((literal) => JSON.parse(literal) as string)
        .filter((line) => /^[ +]/.test(line))
        .map((line) => line.slice(1));
      expect(rendered(`ai-node${path}`)).toContain(`\n${lines.join('\n')}\n`);
    }
    const items = [...plan.matchAll(/~ "(\/[^"]+)" += ".*" -> "(\d+) \w+:\w+ (\d+) lines? (\w+)"/g)];
    expect(items.length).toBeGreaterThan(1);
    for (const [, path = '', mode, count, digest] of items) {
      const text = rendered(`ai-node${path}`);
      expect([path, mode, count, digest]).toEqual([
        path,
        manifest.files?.[path]?.mode,
        String(text.split('\n').length - 1),
        sha256(text).slice(0, 12),
      ]);
    }
    const units = [...plan.matchAll(/(?<![/\w-])[\w-]+\.service\b/g)].map(([unit]) => unit);
    expect(Object.keys(manifest.units ?? {})).toEqual(expect.arrayContaining(units));
  });

  it('shows in docs/command-line.md a rollback to what the example renders', () => {
    const wanted = hunkLines(page('docs/command-line.md'), /~ files \/etc\/default\/prometheus/, '+');
    expect(wanted).toContain('retention.time=30d');
    expect(rendered('dev-ops/etc/default/prometheus')).toContain(wanted);
  });

  it('shows in docs/review.md a change that begins at what the example renders', () => {
    const before = hunkLines(
      page('docs/review.md'),
      /~ files \/etc\/systemd\/system\/citadel-phi3\.service/,
      '-',
    );
    expect(before).toContain('--max-model-len');
    expect(rendered('ai-node/etc/systemd/system/citadel-phi3.service')).toContain(before);
  });

  it('shows in the README an inventory that makes hosts', () => {
    const inventory = /^```yaml\n([\s\S]*?)^```$/m.exec(page('README.md'))?.[1] ?? '';
    const hosts = buildHosts(parseInventory(inventory, 'README.md'));
    expect(hosts.map(({ host }) => host)).toEqual(['ai-node']);
    expect(Object.keys(hosts[0]?.units ?? {})).toContain('citadel-phi3.service');
  });
});
