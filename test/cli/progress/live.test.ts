import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveProgress } from '../../../lib/cli/progress/live.js';
import { makeStyle } from '../../../lib/cli/text/style.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

class Window {
  writes: string[] = [];
  columns = 30;
  rows = 12;
  write(text: string): void {
    this.writes.push(text);
  }
  /** The lines of the last picture. */
  get lines(): string[] {
    return (this.writes.at(-1) ?? '')
      .split('\n')
      .slice(0, -1)
      .map((line) => stripVTControlCharacters(line));
  }
}

const hosts = Array.from({ length: 40 }, (_, index) => `h${String(index)}`);

describe('live progress', () => {
  it('draws at most ten times a second, however much forty hosts say', async () => {
    const window = new Window();
    const progress = new LiveProgress(hosts, makeStyle(false), window);
    for (let step = 0; step < 2000; step += 1) {
      for (const host of hosts) progress.update(host, `step ${String(step)}`);
      vi.advanceTimersByTime(1);
    }
    await progress.stop();
    expect(window.writes.length).toBeGreaterThan(5);
    expect(window.writes.length).toBeLessThanOrEqual(21);
  });

  it('stays within the window, and counts what it has no room for', async () => {
    const window = new Window();
    const progress = new LiveProgress(hosts, makeStyle(false), window);
    for (const host of hosts.slice(0, 20))
      progress.update(host, 'a text that is far too long for this window');
    for (const host of hosts.slice(20, 25)) progress.done(host, 'done', true);
    progress.done('h39', 'refused', false);
    vi.advanceTimersByTime(500);
    expect(window.lines.length).toBeLessThan(window.rows);
    expect(window.lines[0]).toBe('40 hosts: 5 done, 1 failed, 20 at work, 14 waiting');
    expect(window.lines[1]).toBe('✖ h39: refused');
    expect(window.lines.at(-1)).toBe('  and 13 more');
    for (const line of window.lines.slice(1)) expect(Array.from(line).length).toBeLessThan(window.columns);
    for (const host of hosts) progress.done(host, 'done', true);
    await progress.stop();
    expect(window.lines).toEqual(['40 hosts: 39 done, 1 failed', '✖ h39: refused']);
  });

  it('keeps a line for each of a few, and shows nothing of work that is soon over', async () => {
    const window = new Window();
    const progress = new LiveProgress(['a', 'b'], makeStyle(false), window);
    progress.update('a', 'reading');
    vi.advanceTimersByTime(450);
    expect(window.lines).toEqual(['⠋ a: reading', '⠋ b']);
    progress.done('a', 'read', true);
    progress.done('b', 'could not be read', false);
    await progress.stop();
    expect(window.lines).toEqual(['✔ a: read', '✖ b: could not be read']);

    const quick = new Window();
    const short = new LiveProgress(['a'], makeStyle(false), quick);
    short.done('a', 'read', true);
    await short.stop();
    expect(quick.writes).toEqual([]);
  });
});
