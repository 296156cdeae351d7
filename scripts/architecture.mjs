/**
 * `npm run architecture`: docs/architecture.svg, the rooms of `lib/` and which imports which, as dependency-cruiser finds it. An
 * arrow's number counts imports; it is pale where a longer way of arrows leads to the same room.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT, ensureDocsPackages, ensureNodePackages, prepareEnvironment } from './bootstrap.mjs';

const TOOL = [
  'cli',
  'terraform',
  'engine',
  'ssh',
  'site',
  'constructs',
  'inventory',
  'manifest',
  'render',
  'text',
];

prepareEnvironment();
ensureNodePackages();
ensureDocsPackages();

const cruise = spawnSync(
  'npx',
  [
    '--no-install',
    'depcruise',
    'lib',
    'stacks',
    'citadel.config.ts',
    '--config',
    '.dependency-cruiser.cjs',
    '--output-type',
    'json',
  ],
  { cwd: PROJECT, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 },
);
if (cruise.status !== 0) {
  console.error(cruise.stderr);
  process.exit(1);
}

/** `lib/engine/apply/x.ts` → `engine`, `lib/roles/ai/x.ts` → `roles/ai`, `stacks/main.ts` → `a site`. */
function roomOf(path) {
  const [top, room, role] = path.split('/');
  if (top !== 'lib') return /^(stacks|citadel\.config\.ts)$/.test(top) ? 'a site' : undefined;
  return room === 'roles' ? `roles/${role}` : room;
}

/** room → room that it imports → number of imports */
const imports = new Map();
for (const { source, dependencies } of JSON.parse(cruise.stdout).modules) {
  const from = roomOf(source);
  for (const { resolved } of dependencies) {
    const to = roomOf(resolved);
    if (from === undefined || to === undefined || from === to) continue;
    const row = imports.get(from) ?? new Map();
    imports.set(from, row.set(to, (row.get(to) ?? 0) + 1));
  }
}

const reaches = (from, to) =>
  from === to || [...(imports.get(from)?.keys() ?? [])].some((next) => reaches(next, to));
const isImplied = (from, to) =>
  [...imports.get(from).keys()].some((next) => next !== to && reaches(next, to));

const byName = ([a], [b]) => (a < b ? -1 : 1);
const arrows = [...imports].sort(byName).flatMap(([from, row]) =>
  [...row].sort(byName).map(([to, count]) => {
    const colour = isImplied(from, to) ? '#d0d4da' : '#3b4a5e';
    return `"${from}" -> "${to}" [label="${count}", color="${colour}", fontcolor="${colour}"]`;
  }),
);
const rooms = [...new Set([...imports].flatMap(([from, row]) => [from, ...row.keys()]))].sort();
const cluster = (name, label, members) =>
  `subgraph "cluster_${name}" { label="${label}"; color="#c8ccd2"; ${members.map((room) => `"${room}"`).join('; ')} }`;
const dot = `digraph {
  graph [rankdir=TB, fontname="sans-serif", nodesep=0.35, ranksep=0.55]
  node [shape=box, style="rounded,filled", fillcolor="#eef3fa", color="#3b4a5e", fontname="sans-serif"]
  edge [fontname="sans-serif", fontsize=9, arrowsize=0.6]
  ${cluster('tool', 'the tool', TOOL)}
  ${cluster(
    'roles',
    'roles',
    rooms.filter((room) => room.startsWith('roles/')),
  )}
  ${arrows.join('\n  ')}
}`;

const { instance } = createRequire(join(PROJECT, 'docs/package.json'))('@viz-js/viz');
const svg = (await instance()).renderString(dot, { format: 'svg' });
writeFileSync(join(PROJECT, 'docs/architecture.svg'), svg);
