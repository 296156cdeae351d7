import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT } from './pages.js';

const DOCS = join(PROJECT, 'docs');
/** Written by typedoc, installed, or built. */
const MADE = /^(api|node_modules|\.vitepress)(\/|$)/;

const pages = readdirSync(DOCS, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.md') && !MADE.test(path))
  .sort();
const read = (path: string): string => readFileSync(path, 'utf8');

/** As GitHub and VitePress name a heading. */
function anchorOf(heading: string): string {
  const text = heading.replaceAll(/[`*]|\]\([^)]*\)|\[/g, '').toLowerCase();
  return text.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-');
}

const anchorsOf = (path: string): string[] =>
  [...read(path).matchAll(/^#{1,6} (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));

/** Links of a page to files of the project, that lead nowhere. */
function deadLinks(path: string): string[] {
  const text = read(path).replaceAll(/^(```|~~~)[\s\S]*?^\1$/gm, '');
  return [...text.matchAll(/\]\((?![a-z]+:)([^)\s]*)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : join(dirname(path), file);
      if (!existsSync(target)) return true;
      return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(anchor);
    });
}

describe('the documentation', () => {
  it.each(['README.md', 'CONTRIBUTING.md', 'test/lab/README.md', ...pages.map((page) => `docs/${page}`)])(
    '%s has no dead link',
    (page) => {
      expect(deadLinks(join(PROJECT, page))).toEqual([]);
    },
  );

  it('has every page in the sidebar of its site', () => {
    const config = read(join(DOCS, '.vitepress/config.js'));
    const inSidebar = [...config.matchAll(/page\('[^']*', '\/([^']*)'\)/g)].map(([, link = '']) => link);
    const numbered = /^decisions\/\d/;
    const expected = pages
      .filter((page) => page !== 'index.md' && !numbered.test(page))
      .map((page) => page.replace(/README\.md$|\.md$/, ''));
    expect(inSidebar.toSorted()).toEqual(expected.toSorted());
  });
});
