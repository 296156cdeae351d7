import { z } from 'zod';
import type { ObservedMount } from '../model.js';
import type { Fields } from './fields.js';
import { unreadable } from './fields.js';
import type { ParseContext, SectionReader } from './observation.js';

const column = z.string().nullish();
const findmntSchema = z.object({
  filesystems: z.array(
    z.object({
      target: z.string(),
      source: column,
      fstype: z.string(),
      options: column,
      label: column,
      uuid: column,
      partlabel: column,
      partuuid: column,
      fsroot: column,
    }),
  ),
});

/** Section `mounts`: the JSON of findmnt(8), of which the mount points that were asked for are kept. */
export class MountReader implements SectionReader {
  readonly #context: ParseContext;
  readonly #mounts = new Map<string, ObservedMount>();

  constructor(context: ParseContext) {
    this.#context = context;
  }

  read(tag: string, fields: Fields): boolean {
    if (tag !== 'findmnt') return false;
    const wanted = new Set(this.#context.request.mounts);
    const parsed = findmntSchema.safeParse(parseJson(fields.take()));
    if (!parsed.success) {
      this.#context.problems.push(unreadable(this.#context.source, 'findmnt output that is not its JSON'));
      return true;
    }
    // Of mounts that cover one another, the last is the one that programs see.
    for (const mount of parsed.data.filesystems) {
      if (!wanted.has(mount.target)) continue;
      this.#mounts.set(mount.target, {
        source: mount.source ?? '',
        type: mount.fstype,
        options: (mount.options ?? '').split(',').filter((option) => option !== ''),
        ...present('label', mount.label),
        ...present('uuid', mount.uuid),
        ...present('partLabel', mount.partlabel),
        ...present('partUuid', mount.partuuid),
        ...present('fsRoot', mount.fsroot),
      });
    }
    return true;
  }

  result(): ReadonlyMap<string, ObservedMount> {
    return this.#mounts;
  }
}

function present<Name extends string>(
  name: Name,
  value: string | null | undefined,
): { [N in Name]?: string } {
  return value === null || value === undefined ? {} : ({ [name]: value } as { [N in Name]?: string });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
