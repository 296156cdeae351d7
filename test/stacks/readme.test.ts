import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseInventory } from '../../lib/inventory/index.js';
import { buildHosts } from '../../stacks/app.js';
import { scratch, writeTree } from './scratch.js';
import { tool } from './tools.js';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const README = readFileSync(join(PROJECT, 'README.md'), 'utf8');

function block(language: string): string {
  const match = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(README);
  if (match?.[1] === undefined) throw new Error(`the README has no ${language} block`);
  return match[1];
}

describe('the README', () => {
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
