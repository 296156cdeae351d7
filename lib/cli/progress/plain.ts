import { visible } from '../../text/visible.js';
import type { Sink } from '../shell.js';
import type { Progress } from './progress.js';

/** One line per event, for logs. */
export class PlainProgress implements Progress {
  private readonly last = new Map<string, string>();

  constructor(
    private readonly sink: Sink,
    private readonly everyStep: boolean,
  ) {}

  update(host: string, text: string, kept = true): void {
    if (!this.everyStep || !kept || this.last.get(host) === text) return;
    this.last.set(host, text);
    this.sink.write(`${host}: ${visible(text)}\n`);
  }

  done(host: string, text: string, _good: boolean, kept = true): void {
    if (this.everyStep && kept) this.sink.write(`${host}: ${visible(text)}\n`);
  }

  above(write: () => void): void {
    write();
  }

  say(text: string): void {
    this.sink.write(`${visible(text)}\n`);
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}
