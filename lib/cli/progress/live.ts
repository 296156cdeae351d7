import type { ListrDefaultRendererLogLevels } from 'listr2';
import { visible } from '../../text/visible.js';
import type { Style } from '../text/style.js';
import type { Progress } from './progress.js';

interface Lane {
  title: string;
  text: string;
  ended: { readonly good: boolean } | undefined;
  report: (() => void) | undefined;
  end: (() => void) | undefined;
}

/** Work that is over before this shows nothing: a screen that flickers tells nobody anything. */
const SHOW_AFTER_MS = 400;

/** One moving line per host on the terminal behind standard error. */
export class LiveProgress implements Progress {
  private readonly lanes: ReadonlyMap<string, Lane>;
  private readonly timer: NodeJS.Timeout;
  private running: Promise<unknown> | undefined;
  private stopped = false;

  constructor(
    hosts: readonly string[],
    private readonly style: Style,
  ) {
    this.lanes = new Map(
      hosts.map((host) => [
        host,
        { title: host, text: '', ended: undefined, report: undefined, end: undefined },
      ]),
    );
    this.timer = setTimeout(() => {
      this.running = this.show();
    }, SHOW_AFTER_MS);
  }

  update(host: string, text: string): void {
    const lane = this.lanes.get(host);
    if (lane === undefined || lane.ended !== undefined) return;
    lane.text = visible(text);
    lane.report?.();
  }

  done(host: string, text: string, good: boolean): void {
    const lane = this.lanes.get(host);
    if (lane === undefined || lane.ended !== undefined) return;
    lane.text = visible(text);
    lane.ended = { good };
    lane.report?.();
    lane.end?.();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    for (const host of this.lanes.keys()) this.done(host, 'stopped', false);
    await this.running;
  }

  /** The renderer is loaded only when there is something to wait for. */
  private async show(): Promise<void> {
    const {
      Listr,
      ListrDefaultRendererLogLevels: Level,
      ListrLogger,
      ProcessOutput,
    } = await import('listr2');
    if (this.stopped) return;
    const tasks = [...this.lanes.values()].map((lane) => ({
      title: titleOf(lane),
      task: (_context: unknown, task: { title: string | undefined }): Promise<void> =>
        new Promise((resolve, reject) => {
          const end = (): void =>
            lane.ended?.good === false ? reject(new LaneFailed(lane.text)) : resolve();
          lane.report = (): void => void (task.title = titleOf(lane));
          lane.end = end;
          lane.report();
          if (lane.ended !== undefined) end();
        }),
    }));
    const list = new Listr(tasks, {
      concurrent: true,
      exitOnError: false,
      forceTTY: true,
      registerSignalListeners: false,
      rendererOptions: {
        // Results go to standard output; everything that moves stays on standard error.
        logger: new ListrLogger<ListrDefaultRendererLogLevels>({
          useIcons: true,
          processOutput: new ProcessOutput(process.stderr, process.stderr),
        }),
        // Without these it would colour by itself, by what standard output is.
        color: {
          [Level.PENDING]: (icon = '') => this.style.yellow(icon),
          [Level.COMPLETED]: (icon = '') => this.style.green(icon),
          [Level.FAILED]: (icon = '') => this.style.red(icon),
        },
        showErrorMessage: false,
        collapseErrors: false,
      },
    });
    await list.run();
  }
}

function titleOf(lane: Lane): string {
  return lane.text === '' ? lane.title : `${lane.title}: ${lane.text}`;
}

/** Marks a line as failed; its words are printed by whoever called {@link LiveProgress.done}. */
class LaneFailed extends Error {}
