import { visible } from '../../text/visible.js';
import type { Style } from '../text/style.js';
import type { Progress } from './progress.js';

interface Lane {
  readonly host: string;
  text: string;
  /** Whether it ended well; absent: it has not ended. */
  good?: boolean;
}

/** The terminal that moving lines are on. */
export interface Screen {
  write(text: string): unknown;
  /** Its size now; absent where it is not known. */
  readonly columns?: number;
  readonly rows?: number;
}

/** Work that is over before this shows nothing: a screen that flickers tells no one anything. */
const SHOW_AFTER_MS = 400;
/** Between two pictures. A person reads no faster, and forty hosts say much more. */
const REDRAW_MS = 100;
const SPIN = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** Up to so many hosts each has a line, also when it has ended. */
const MOST_LANES = 10;

/**
 * What hosts are doing, on the terminal behind standard error: a line for each host; of many hosts a line that counts them, and
 * as many of those at work as the window has room for.
 */
export class LiveProgress implements Progress {
  private readonly lanes: ReadonlyMap<string, Lane>;
  private readonly start: NodeJS.Timeout;
  private ticker: NodeJS.Timeout | undefined;
  private drawn = 0;
  private frame = 0;

  constructor(
    hosts: readonly string[],
    private readonly style: Style,
    private readonly screen: Screen = process.stderr,
  ) {
    this.lanes = new Map(hosts.map((host) => [host, { host, text: '' }]));
    this.start = setTimeout(() => {
      this.draw();
      this.ticker = setInterval(() => this.draw(), REDRAW_MS);
    }, SHOW_AFTER_MS);
  }

  update(host: string, text: string): void {
    const lane = this.lanes.get(host);
    if (lane !== undefined && lane.good === undefined) lane.text = visible(text);
  }

  done(host: string, text: string, good: boolean): void {
    const lane = this.lanes.get(host);
    if (lane === undefined || lane.good !== undefined) return;
    lane.text = visible(text);
    lane.good = good;
  }

  above(write: () => void): void {
    this.erase();
    write();
  }

  say(text: string): void {
    this.above(() => this.screen.write(`${visible(text)}\n`));
  }

  stop(): Promise<void> {
    clearTimeout(this.start);
    clearInterval(this.ticker);
    for (const host of this.lanes.keys()) this.done(host, 'stopped', false);
    // Nothing was shown yet: nothing has to be taken back.
    if (this.ticker !== undefined) this.draw();
    return Promise.resolve();
  }

  private erase(): void {
    if (this.drawn > 0) this.screen.write(`\x1b[${String(this.drawn)}A\x1b[0J`);
    this.drawn = 0;
  }

  private draw(): void {
    const lines = this.picture();
    const up = this.drawn === 0 ? '' : `\x1b[${String(this.drawn)}A`;
    this.screen.write(`${up}${lines.map((line) => `\x1b[2K${line}\n`).join('')}\x1b[0J`);
    this.drawn = lines.length;
    this.frame += 1;
  }

  private picture(): string[] {
    const { columns = 80, rows = 24 } = this.screen;
    const room = Math.max(1, rows - 2);
    const all = [...this.lanes.values()];
    const few = all.length <= Math.min(MOST_LANES, room);
    if (few) return all.map((lane) => this.line(lane, columns));
    const failed = all.filter(({ good }) => good === false);
    const working = all.filter(({ good, text }) => good === undefined && text !== '');
    const done = all.filter(({ good }) => good === true).length;
    const waiting = all.length - done - failed.length - working.length;
    const counts = [
      `${String(done)} done`,
      ...(failed.length === 0 ? [] : [this.style.red(`${String(failed.length)} failed`)]),
      ...(working.length === 0 ? [] : [`${String(working.length)} at work`]),
      ...(waiting === 0 ? [] : [`${String(waiting)} waiting`]),
    ];
    const lanes = [...failed, ...working];
    const shown = lanes.length <= room - 1 ? lanes : lanes.slice(0, Math.max(0, room - 2));
    const more = lanes.length - shown.length;
    return [
      `${String(all.length)} hosts: ${counts.join(', ')}`,
      ...shown.map((lane) => this.line(lane, columns)),
      ...(more === 0 || room < 2 ? [] : [this.style.dim(`  and ${String(more)} more`)]),
    ];
  }

  /** One row of the window and no more: a line that wraps would not be written over. */
  private line({ host, text, good }: Lane, columns: number): string {
    const mark =
      good === undefined
        ? this.style.yellow(SPIN[this.frame % SPIN.length] ?? '')
        : good
          ? this.style.green('✔')
          : this.style.red('✖');
    const words = Array.from(text === '' ? host : `${host}: ${text}`);
    const width = Math.max(1, columns - 3);
    const cut = words.length > width ? `${words.slice(0, width - 1).join('')}…` : words.join('');
    return `${mark} ${cut}`;
  }
}
