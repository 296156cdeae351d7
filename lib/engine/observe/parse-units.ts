import type { ObservedUnit } from '../model.js';
import type { Fields } from './fields.js';
import { unreadable } from './fields.js';
import type { ParseContext, SectionReader } from './observation.js';

/** Section `units`: what `systemctl show` prints, or the enablement that an offline root's links say. */
export class UnitReader implements SectionReader {
  readonly #context: ParseContext;
  readonly #units = new Map<string, ObservedUnit>();
  #unitFiles: Map<string, string> | null = new Map<string, string>();

  constructor(context: ParseContext) {
    this.#context = context;
  }

  read(tag: string, fields: Fields): boolean {
    if (tag === 'show') {
      this.#show(fields.take());
      return true;
    }
    if (tag === 'enabled') {
      const unit = fields.take();
      this.#unitFiles?.set(unit, fields.take());
      return true;
    }
    if (tag === 'missing' && this.#context.offline) {
      // Whoever prepares an image need not have systemd; units are then left to the image's first boot.
      fields.take();
      fields.take();
      this.#unitFiles = null;
      return true;
    }
    return false;
  }

  result(): { units: ReadonlyMap<string, ObservedUnit>; unitFiles: ReadonlyMap<string, string> | null } {
    return { units: this.#units, unitFiles: this.#unitFiles };
  }

  /** One paragraph for each unit, in the order in which they were asked for (an alias shows its target's Id). */
  #show(text: string): void {
    const { request, problems, source } = this.#context;
    const paragraphs = readParagraphs(text);
    if (paragraphs.length !== request.units.length) {
      const got = `${paragraphs.length} units of systemctl show where ${request.units.length} were asked for`;
      problems.push(unreadable(source, got));
      return;
    }
    for (const [index, properties] of paragraphs.entries()) {
      const unit = request.units[index] ?? '';
      const load = properties.get('LoadState');
      const active = properties.get('ActiveState');
      const fileState = properties.get('UnitFileState');
      const reload = properties.get('NeedDaemonReload');
      if (load === undefined || active === undefined || fileState === undefined || reload === undefined) {
        problems.push(unreadable(source, `properties of ${unit} that are not complete`));
        continue;
      }
      this.#units.set(unit, {
        load,
        active,
        fileState,
        needDaemonReload: reload === 'yes',
        ...more(properties),
        ...realName(unit, properties.get('Id')),
      });
    }
  }
}

/** What only some kinds of units have, and what says nothing out of the ordinary, is left out. */
function more(properties: ReadonlyMap<string, string>): Partial<ObservedUnit> {
  const sub = properties.get('SubState');
  const result = properties.get('Result');
  const dropIns = (properties.get('DropInPaths') ?? '').split(' ').filter((path) => path !== '');
  const files = (properties.get('Files') ?? '').split(' ').filter((path) => path !== '');
  return {
    ...(sub === undefined ? {} : { sub }),
    ...(result === undefined ? {} : { result }),
    ...(properties.get('Conditions') === 'no' ? { condition: false } : {}),
    ...(properties.get('Type') === 'oneshot' && properties.get('RemainAfterExit') === 'no'
      ? { job: true }
      : {}),
    ...(files.length === 0 ? {} : { files }),
    ...(dropIns.length === 0 ? {} : { dropIns }),
  };
}

function realName(asked: string, id: string | undefined): Partial<ObservedUnit> {
  return id === undefined || id === '' || id === asked ? {} : { realName: id };
}

/** `Key=value` lines; a paragraph ends at an empty line, or where a key comes again (xargs ran twice). */
function readParagraphs(text: string): Map<string, string>[] {
  const paragraphs: Map<string, string>[] = [];
  let current: Map<string, string> | undefined;
  for (const line of text.split('\n')) {
    const split = line.indexOf('=');
    if (split === -1) {
      current = undefined;
      continue;
    }
    const key = line.slice(0, split);
    if (current === undefined || current.has(key)) {
      current = new Map();
      paragraphs.push(current);
    }
    current.set(key, line.slice(split + 1));
  }
  return paragraphs;
}
