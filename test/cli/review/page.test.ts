/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plansPage } from '../../../lib/cli/review/page.js';
import { formatUnifiedDiff } from '../../../lib/engine/index.js';
import { planBetween } from '../../../lib/engine/plan/between.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { buildHosts } from '../../../stacks/app.js';
import { planOf } from '../doubles.js';
import { inventoryOf } from '../../stacks/example.js';
import { look, noBrowser, openBrowser, type Watched } from './browser.js';

const HOSTILE = [
  '</script><script>alert(1)</script>',
  '<img src=x onerror="alert(2)">',
  `"onmouseover='alert(3)' x="`,
  '</td></table></style><style>@import url(http://192.0.2.1/x.css);</style>',
  '<svg onload=alert(4)>&lt;b&gt;',
  '<a href="javascript:alert(5)">x</a>',
  '\u001b[31m\u202eright to left',
];

const EXAMPLE = buildHosts(inventoryOf('citadel'));

/** The example with one model's longest text and one port changed. */
async function examplePage(): Promise<string> {
  const plans = [];
  for (const before of EXAMPLE) {
    const text = JSON.stringify(before)
      .replaceAll('--max-model-len 16384', '--max-model-len 8192')
      .replaceAll('11402', '11412');
    plans.push(await planBetween(before, JSON.parse(text) as HostManifest));
  }
  return plansPage(plans, { comparison: 'Compared with a test.' });
}

function hostilePage(): string {
  const diff = formatUnifiedDiff(`${HOSTILE.join('\n')}\nsame\n`, `${HOSTILE.join('!\n')}\nsame\n`, {
    before: HOSTILE[0] ?? '',
    after: HOSTILE[1] ?? '',
  });
  const plan = planOf('alpha', {
    changes: HOSTILE.map((text) => ({
      section: 'files',
      key: `/etc/${text}`,
      action: 'update',
      cause: 'drift',
      before: { owner: text },
      after: { owner: `${text}!` },
      diff,
      restarts: [text],
      origin: text,
      note: text,
    })),
    notes: HOSTILE,
    unitActions: HOSTILE.map((unit) => ({ unit, verb: 'restart', wave: 0 })),
    manifest: {
      version: 1,
      host: 'alpha',
      units: Object.fromEntries(
        HOSTILE.map((text) => [
          `${text}.service`,
          { enabled: true, state: 'running', restartOn: [], reloadOn: [], wave: 0 },
        ]),
      ),
    },
  });
  return plansPage([plan], { comparison: HOSTILE.join(' '), remarks: HOSTILE });
}

describe('the page', () => {
  it('is the same every time, and complete without changes', async () => {
    expect(await examplePage()).toBe(await examplePage());
    const page = plansPage([planOf('alpha')], { comparison: 'x' });
    expect(page).toContain('Nothing to do.');
    expect(page.endsWith('</html>\n')).toBe(true);
    expect(plansPage([], { comparison: 'x' })).toContain('</html>');
  });

  it('has only ASCII in its templates, which the bundle of the tool cannot escape', () => {
    for (const name of readdirSync('lib/cli/review')) {
      const templates = readFileSync(join('lib/cli/review', name), 'utf8').match(/markup`[^`]*`/g) ?? [];
      const texts = templates.map((template) => template.replace(/\$\{[^}]*\}/g, ''));
      expect(texts.filter((each) => /[^\u0000-\u007f]/.test(each))).toEqual([]); // eslint-disable-line no-control-regex
    }
  });

  it('holds no script and no address to load', async () => {
    const page = await examplePage();
    expect(page).toMatch(
      /content="default-src &#39;none&#39;; style-src &#39;sha256-[A-Za-z0-9+/=]+&#39;; img-src data:;/,
    );
    expect(page).not.toMatch(/<script|\son\w+=|src=|url\((?!#arrow-)|style="|@import/i);
  });
});

describe.skipIf(noBrowser !== undefined)(
  `the page in a browser${noBrowser === undefined ? '' : ` (${noBrowser})`}`,
  () => {
    let browser: Browser;
    let folder: string;
    let wide: Watched;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'citadel-page-'));
      writeFileSync(join(folder, 'example.html'), await examplePage());
      writeFileSync(join(folder, 'hostile.html'), hostilePage());
      browser = await openBrowser();
      wide = await look(browser, join(folder, 'example.html'), { width: 1280 });
    });
    afterAll(async () => {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    });

    it('says nothing on the console and asks for nothing', () => {
      expect(wide.said).toEqual([]);
      expect(wide.asked).toEqual([]);
    });

    it('would be stopped by its own policy if something did get in', async () => {
      const { page } = await look(browser, join(folder, 'example.html'), { width: 800 });
      const ran = await page.evaluate(() => {
        const script = document.createElement('script');
        script.textContent = 'globalThis.ran = true';
        document.body.append(script);
        return 'ran' in globalThis;
      });
      expect(ran).toBe(false);
      await page.close();
    });

    it('has a node for each service, and a summary', async () => {
      const { page } = wide;
      for (const host of ['ai-node', 'dev-ops']) {
        const shown = await page
          .locator(`[data-service^="${host}/"]`)
          .evaluateAll((nodes) =>
            nodes.flatMap((node) => [
              (node.getAttribute('data-service') ?? '').replace(/^[^/]*\//, ''),
              ...[...node.querySelectorAll('[data-part]')].map((part) => part.getAttribute('data-part')),
            ]),
          );
        const units = EXAMPLE.find((manifest) => manifest.host === host)?.units ?? {};
        const services = Object.keys(units).filter((name) => name.endsWith('.service'));
        expect(services.length).toBeGreaterThan(5);
        expect(shown).toEqual(expect.arrayContaining(services));
      }
      const phi3 = page.locator('[data-service="ai-node/citadel-phi3.service"]');
      await phi3.waitFor({ state: 'visible' });
      expect((await phi3.locator('text').allTextContents()).map((text) => text.trim())).toEqual([
        '↻ citadel-phi3',
        ':11403',
      ]);
      expect(
        await page
          .locator('[data-edge="dev-ops/prometheus.service scrapes ai-node/citadel-phi3.service"]')
          .count(),
      ).toBe(1);
      expect(await page.locator('.summary tbody tr').first().innerText()).toMatch(
        /ai-node\s+0\s+\d+\s+0\s+0\s.*up to 1\d min/s,
      );
    });

    it('keeps text inside its boxes on the map', async () => {
      const wrong = await wide.page.locator('.map .service').evaluateAll((nodes) =>
        nodes.flatMap((node) => {
          const box = node.querySelector('rect')?.getBoundingClientRect();
          const [name, ports] = [...node.querySelectorAll('text')].map((text) =>
            text.getBoundingClientRect(),
          );
          if (box === undefined || name === undefined || ports === undefined) return ['no box'];
          const meets = ports.width > 0 && name.right > ports.left;
          return meets || name.left < box.left || name.right > box.right ? [node.textContent] : [];
        }),
      );
      expect(wrong).toEqual([]);
    });

    it('shows a line and what it becomes side by side, and marks the word', async () => {
      const row = wide.page.locator('tr', { hasText: '--max-model-len 16384' }).first();
      const [before, after] = [row.locator('td.old').last(), row.locator('td.new').last()];
      expect(await before.innerText()).toContain('--max-model-len 16384');
      expect(await after.innerText()).toContain('--max-model-len 8192');
      expect([await row.locator('del').innerText(), await row.locator('ins').innerText()]).toEqual([
        '16384',
        '8192',
      ]);
      const [left, right] = [await before.boundingBox(), await after.boundingBox()];
      expect(left?.y).toBe(right?.y);
      expect((left?.x ?? 0) + (left?.width ?? 0)).toBeLessThan(right?.x ?? 0);
      expect(Math.abs((left?.width ?? 0) - (right?.width ?? 1000))).toBeLessThan(4);
    });

    it('is read on a narrow screen without moving sideways, the lines below each other', async () => {
      const { page, said } = await look(browser, join(folder, 'example.html'), {
        width: 400,
        colorScheme: 'dark',
      });
      await page.evaluate(() =>
        document.querySelectorAll('details').forEach((each) => each.setAttribute('open', '')),
      );
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(400);
      const row = page.locator('tr', { hasText: '--max-model-len 16384' }).first();
      const [before, after] = [
        await row.locator('td.old').last().boundingBox(),
        await row.locator('td.new').last().boundingBox(),
      ];
      expect(before?.x).toBe(after?.x);
      expect(after?.y).toBeGreaterThan(before?.y ?? Infinity);
      expect(said).toEqual([]);
      await page.close();
    });

    it.each(['light', 'dark'] as const)('has enough contrast on a %s screen', async (colorScheme) => {
      const { page } = await look(browser, join(folder, 'example.html'), { width: 1280, colorScheme });
      const weak = await page.evaluate(contrastBelow, 4.5);
      expect(weak).toEqual([]);
      await page.close();
    });

    it('is worked by keyboard: every fold, the link past the start, what scrolls', async () => {
      const { page } = await look(browser, join(folder, 'example.html'), { width: 400 });
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('To the summary');
      const first = page.locator('details.change').first();
      const wasOpen = await first.evaluate((each) => each.hasAttribute('open'));
      await first.locator('summary').focus();
      await page.keyboard.press('Enter');
      expect(await first.evaluate((each) => each.hasAttribute('open'))).toBe(!wasOpen);
      const map = page.getByRole('region', { name: 'Map' });
      await map.focus();
      await page.keyboard.press('ArrowRight');
      await expect.poll(() => map.evaluate((each) => each.scrollLeft)).toBeGreaterThan(0);
      await page.close();
    });

    it('takes hostile values for text', async () => {
      const { page, said, asked } = await look(browser, join(folder, 'hostile.html'), { width: 400 });
      await page.evaluate(() =>
        document.querySelectorAll('details').forEach((each) => each.setAttribute('open', '')),
      );
      await page.locator('code').first().hover();
      expect(said).toEqual([]);
      expect(asked).toEqual([]);
      expect(
        await page
          .locator('script, img, iframe, object, [onerror], [onload], [onmouseover], a[href^="javascript"]')
          .count(),
      ).toBe(0);
      expect(await page.locator('style').count()).toBe(1);
      const text = await page.locator('body').innerText();
      for (const value of HOSTILE.slice(0, -1)) expect(text).toContain(value);
      expect(text).toContain('\\u001b[31m\\u202eright to left');
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(400);
      await page.close();
    });
  },
);

/** Texts of the page whose colour is too near to what is behind it. Runs in the page. */
function contrastBelow(least: number): string[] {
  const parse = (colour: string): number[] => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const light = (colour: number[]): number => {
    const [r = 0, g = 0, b = 0] = colour.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element: Element): number[] => {
    for (let at: Element | null = element; at !== null; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if ((colour[3] ?? 1) > 0) return colour;
    }
    return [255, 255, 255];
  };
  const weak = new Set<string>();
  for (const element of document.querySelectorAll('body :not(svg):not(svg *)')) {
    const own = [...element.childNodes].some(
      (node) => node.nodeType === 3 && node.textContent?.trim() !== '',
    );
    if (!own) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least) weak.add(`${element.tagName}.${element.className}: ${ratio.toFixed(2)}`);
  }
  return [...weak];
}
