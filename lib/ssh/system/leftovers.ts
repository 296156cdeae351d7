import { removeFolder } from './folder.js';
import { watchFolder } from './watcher.js';

const all = new Set<Leftovers>();
let watching = false;

/** What one connection has outside this process, and how it goes away; also when this process ends without closing it, or is killed. */
export class Leftovers {
  stop: () => void = () => undefined;

  constructor(private readonly folder: string) {
    all.add(this);
    watchFolder(folder);
    if (watching) return;
    watching = true;
    process.on('exit', () => {
      for (const each of all) each.clear();
    });
  }

  clear(): void {
    if (!all.delete(this)) return;
    this.stop();
    removeFolder(this.folder);
  }
}
