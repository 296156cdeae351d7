import type { ObservedBefore } from '../model.js';
import type { Fields } from './fields.js';
import type { SectionReader } from './observation.js';

/** Section `before`: what stood at paths before us. What the kept copies are like is read as that of any path is. */
export class BeforeReader implements SectionReader {
  readonly #paths: SectionReader;
  readonly #known = new Map<string, ObservedBefore>();

  constructor(paths: SectionReader) {
    this.#paths = paths;
  }

  read(tag: string, fields: Fields): boolean {
    switch (tag) {
      case 'original':
        this.#add(fields.take(), { copy: fields.take() });
        return true;
      case 'made':
        this.#add(fields.take(), { made: true });
        return true;
      case 'owner':
        this.#add(fields.take(), { owner: fields.take() });
        return true;
      default:
        return this.#paths.read(tag, fields);
    }
  }

  result(): ReadonlyMap<string, ObservedBefore> {
    return this.#known;
  }

  #add(path: string, facts: ObservedBefore): void {
    this.#known.set(path, { ...this.#known.get(path), ...facts });
  }
}
