import { expect, it } from 'vitest';
import { checkManifest, formatProblem } from '../../lib/manifest/index.js';

const said = (targets: Readonly<Record<string, string>>): string[] =>
  checkManifest({
    version: 1,
    host: 'web',
    symlinks: Object.fromEntries(Object.entries(targets).map(([path, target]) => [path, { target }])),
    origins: { 'symlinks//etc/x': 'web/link' },
  }).problems.map(formatProblem);
const FIX = 'Give it the path of what it stands for as its target.';

it('refuses a link that leads to itself, in whatever form', () => {
  for (const target of ['x', '/etc/x', './x', '../etc/x', '/etc/../etc/x'])
    expect(said({ '/etc/x': target })).toEqual([
      `[web/link] symlinks["/etc/x"]: /etc/x leads to itself. ${FIX}`,
    ]);
});

it('refuses links that lead to each other, and only those', () => {
  expect(said({ '/etc/x': '/srv/y', '/srv/y': '../etc/x', '/srv/z': 'y', '/srv/good': 'z/y' })).toEqual([
    `[manifest of web] symlinks["/srv/y"]: /srv/y leads to /etc/x leads to /srv/y. ${FIX}`,
    `[web/link] symlinks["/etc/x"]: /etc/x leads to /srv/y leads to /etc/x. ${FIX}`,
  ]);
});

it('has nothing against a link whose target is below a path of its own name, or in another directory', () => {
  expect(said({ '/etc/x': 'x.d', '/etc/y': '/y', '/z': 'etc/z' })).toEqual([]);
});
