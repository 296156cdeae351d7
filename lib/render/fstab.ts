import { RenderError, requirePlain, shown } from './error.js';

/** One entry of fstab(5). */
export interface FstabEntry {
  /** Device path, `LABEL=…`, `UUID=…`, or a name such as `tmpfs`. */
  readonly source: string;
  readonly mountPoint: string;
  readonly type: string;
  /** One option per entry. */
  readonly options: readonly string[];
  /** Order of checks at boot: 1 for the root file system, 2 for others, 0 for none. @default 0 */
  readonly pass?: 0 | 1 | 2;
}

/**
 * One line of fstab(5), with a line end; white space and backslashes inside a field in octal.
 *
 * @throws RenderError for control characters and line ends, an empty field, a comma or white space in an option, and a
 *   source that starts with `#` (libmount reads `\043`, but systemd's generator, which uses getmntent(3), does not)
 */
export function renderFstabLine(entry: FstabEntry): string {
  if (entry.source.startsWith('#')) {
    throw new RenderError(
      'render.fstab.comment',
      'source',
      `${shown(entry.source)} starts a comment`,
      'Name the device another way',
    );
  }
  const options = entry.options.map((option) => {
    if (!/[,\s]/.test(option) && option !== '') return option;
    throw new RenderError(
      'render.fstab.option',
      'options',
      `${shown(option)} is not one mount option`,
      'Give one option per entry, without white space',
    );
  });
  if (options.length === 0) {
    throw new RenderError(
      'render.fstab.option',
      'options',
      'there is no mount option',
      'Give at least "defaults"',
    );
  }
  const fields = [
    field('source', entry.source),
    field('mountPoint', entry.mountPoint),
    field('type', entry.type),
    field('options', options.join(',')),
  ];
  return `${fields.join(' ')} 0 ${entry.pass ?? 0}\n`;
}

function field(property: string, text: string): string {
  requirePlain('render.fstab', property, text, { tab: true });
  if (text === '') throw new RenderError('render.fstab.empty', property, 'the field is empty', 'Fill it');
  return text.replace(/[ \t\\]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
