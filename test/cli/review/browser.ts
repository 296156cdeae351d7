import { chromium, type Browser, type Page } from 'playwright-core';
import { hasTool } from '../../stacks/tools.js';

/** Why pages cannot be looked at here; `undefined` when they can, or must be (CITADEL_LAB=required). */
export const noBrowser = hasTool('chromium')
  ? undefined
  : 'skipped: no chromium here (apt-get install chromium)';

/** Debian's Chromium, without a window and without looking for anything on a network. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--headless',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}

/** A page with what it said and what it asked for. */
export interface Watched {
  readonly page: Page;
  /** Console messages and errors. */
  readonly said: string[];
  /** Addresses other than the page's own. */
  readonly asked: string[];
}

/** Opens a file of this machine and waits until everything that it would load is loaded. */
export async function look(
  browser: Browser,
  file: string,
  options: { readonly width: number; readonly colorScheme?: 'light' | 'dark' },
): Promise<Watched> {
  const { width, colorScheme = 'light' } = options;
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const said: string[] = [];
  const asked: string[] = [];
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => said.push(error.message));
  page.on('dialog', (dialog) => {
    said.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  const own = `file://${file}`;
  page.on('request', (request) => {
    if (request.url() !== own) asked.push(request.url());
  });
  await page.goto(own, { waitUntil: 'networkidle' });
  return { page, said, asked };
}
