import { ownPlace, setScalar } from '../../inventory/index.js';
import { CitadelError } from '../../manifest/index.js';
import { RenderError } from '../../render/index.js';
import { alteredItems, contentOf } from './altered.js';
import { candidatesFor, inventoryLeaves, type Candidate } from './candidates.js';
import { noPlace } from './describe.js';
import { editedTemplate } from './ejs.js';
import { distance, hunksOf, linesOf } from './lines.js';
import type { Adopted, Described, HandEdit, Item, Made, Make, Place, Sources } from './model.js';

/** Trials for one file: each makes all hosts again, which takes about a second. */
const TRIES = 16;

export interface TemplateTexts {
  /** Names below `templates/`. */
  readonly names: readonly string[];
  read(name: string): string;
}

export interface SearchResult {
  /** The project's texts with everything in them that is taken over. */
  readonly sources: Sources;
  readonly adopted: readonly Adopted[];
  readonly described: readonly Described[];
}

interface Taken {
  readonly edit: HandEdit;
  readonly into: readonly Place[];
  readonly altered: readonly Item[];
}

/** Where trials have led to for one edit. */
interface Step {
  readonly made: Made;
  readonly into: readonly Place[];
}

/**
 * Finds for each hand edit the texts of the project that make it, and takes only what was seen to: all hosts are made
 * from the changed texts, and the file must come out as it stands on the host, byte for byte.
 *
 * @param start what the project makes as it is
 */
export async function findPlaces(
  edits: readonly HandEdit[],
  start: Made,
  make: Make,
  templates: TemplateTexts,
): Promise<SearchResult> {
  const search = new Search(start, make, templates);
  let open = [...edits];
  // A value may be possible only after another one has moved: two models share a GPU.
  for (let before = -1; open.length > 0 && open.length !== before;) {
    before = open.length;
    const left: HandEdit[] = [];
    for (const edit of open) if (!(await search.take(edit))) left.push(edit);
    open = left;
  }
  return search.result(open);
}

class Search {
  private readonly taken: Taken[] = [];
  private readonly tries = new Map<HandEdit, number>();
  private readonly tried = new Map<HandEdit, Set<string>>();
  /** A value that makes an edit, and more of the same file that no one made by hand. */
  private readonly tooMuch = new Map<HandEdit, Candidate>();
  private now: Made;

  constructor(
    start: Made,
    private readonly make: Make,
    private readonly templates: TemplateTexts,
  ) {
    this.now = start;
  }

  /** @returns whether the project makes the edit now */
  async take(edit: HandEdit): Promise<boolean> {
    if (this.text(this.now, edit) === edit.wanted) {
      const same = this.taken.filter(({ altered }) => altered.some((item) => isFile(item, edit)));
      this.taken.push({ edit, into: same.flatMap(({ into }) => into), altered: [] });
      return true;
    }
    const step = (await this.byTemplate(edit)) ?? (await this.byInventory(edit));
    if (step === undefined) return false;
    this.taken.push({
      edit,
      into: step.into,
      altered: alteredItems(this.now.manifests, step.made.manifests),
    });
    this.now = step.made;
    return true;
  }

  result(left: readonly HandEdit[]): SearchResult {
    const done = this.taken.map(({ edit }) => edit);
    return {
      sources: this.now.sources,
      adopted: this.taken.map(({ edit, into, altered }) => ({
        edit,
        into,
        alsoChanges: altered.filter((item) => !done.some((other) => isFile(item, other))),
      })),
      described: left.map((edit) => {
        const tries = this.tries.get(edit) ?? 0;
        return noPlace(edit.host, edit.change, tries, tries >= TRIES, this.tooMuch.get(edit));
      }),
    };
  }

  private text(made: Made, edit: HandEdit): string | undefined {
    return contentOf(made.manifests, edit.host, edit.key);
  }

  private async byTemplate(edit: HandEdit): Promise<Step | undefined> {
    const rendered = this.text(this.now, edit);
    if (rendered === undefined) return undefined;
    const { sources } = this.now;
    const here = (name: string): string => sources.templates.get(name) ?? this.templates.read(name);
    for (const name of this.templates.names) {
      const [, path = ''] = /^[^/]+(\/.*?)(?:\.ejs)?$/.exec(name) ?? [];
      if (path !== edit.key) continue;
      const text = here(name);
      const edited = name.endsWith('.ejs')
        ? editedTemplate(text, rendered, edit.wanted)
        : text === rendered
          ? edit.wanted
          : undefined;
      if (edited === undefined) continue;
      const changed = { ...sources, templates: new Map([...sources.templates, [name, edited]]) };
      const made = await this.trial(changed, edit);
      if (made !== undefined && this.text(made, edit) === edit.wanted)
        return { made, into: [{ kind: 'template', name }] };
    }
    return undefined;
  }

  private async byInventory(edit: HandEdit): Promise<Step | undefined> {
    let step: Step = { made: this.now, into: [] };
    const atOnce = await this.allAtOnce(edit, step);
    if (atOnce !== undefined) return atOnce;
    for (;;) {
      const next = await this.nearer(edit, step);
      if (next === undefined) return undefined;
      step = next;
      if (this.text(step.made, edit) === edit.wanted) return step;
    }
  }

  /** Several changed places: the likeliest value of each, together. */
  private async allAtOnce(edit: HandEdit, step: Step): Promise<Step | undefined> {
    const byPlace = new Map<string, Candidate>();
    for (const candidate of this.candidates(edit, step))
      if (!byPlace.has(candidate.place)) byPlace.set(candidate.place, candidate);
    if (byPlace.size < 2) return undefined;
    const next = await this.with(edit, step, [...byPlace.values()]);
    return next !== undefined && this.text(next.made, edit) === edit.wanted ? next : undefined;
  }

  /** One value more, if one brings the file nearer to what it should be. */
  private async nearer(edit: HandEdit, step: Step): Promise<Step | undefined> {
    const here = this.text(step.made, edit) ?? '';
    const far = distance(here, edit.wanted);
    for (const candidate of this.candidates(edit, step)) {
      if ((this.tries.get(edit) ?? 0) >= TRIES) return undefined;
      const next = await this.with(edit, step, [candidate]);
      if (next === undefined) continue;
      const text = this.text(next.made, edit) ?? '';
      if (distance(text, edit.wanted) < far) return next;
      if (holdsEdit(text, here, edit.wanted) && !this.tooMuch.has(edit)) this.tooMuch.set(edit, candidate);
    }
    return undefined;
  }

  private candidates(edit: HandEdit, { made }: Step): Candidate[] {
    const before = this.text(made, edit);
    if (before === undefined) return [];
    const { host, key, wanted: after } = edit;
    const origin = edit.change.origin ?? '';
    return candidatesFor({ host, key, origin, before, after }, inventoryLeaves(made.loaded.inventory));
  }

  private async with(
    edit: HandEdit,
    step: Step,
    candidates: readonly Candidate[],
  ): Promise<Step | undefined> {
    const texts = new Map(step.made.sources.inventory);
    const places: Place[] = [];
    for (const { path, from, to } of candidates) {
      const { file, path: inside } = ownPlace(step.made.loaded, path);
      const text = setScalar(texts.get(file) ?? '', inside, to);
      if (text === undefined) return undefined;
      texts.set(file, text);
      places.push({ kind: 'inventory', file, path, from, to });
    }
    const tried = this.tried.get(edit) ?? new Set();
    this.tried.set(edit, tried);
    // What did not help before may help now, if something else has changed since.
    const trial = JSON.stringify([...texts]);
    if (tried.has(trial)) return undefined;
    tried.add(trial);
    const made = await this.trial({ ...step.made.sources, inventory: texts }, edit);
    return made === undefined ? undefined : { made, into: [...step.into, ...places] };
  }

  /** All hosts from changed texts; `undefined` where that cannot be, or would undo what is taken over already. */
  private async trial(sources: Sources, edit: HandEdit): Promise<Made | undefined> {
    this.tries.set(edit, (this.tries.get(edit) ?? 0) + 1);
    try {
      const made = await this.make(sources);
      return this.taken.every((other) => this.text(made, other.edit) === other.edit.wanted)
        ? made
        : undefined;
    } catch (error) {
      if (!(error instanceof CitadelError || error instanceof RenderError)) throw error;
      return undefined;
    }
  }
}

/** Whether every line that `wanted` has and `before` lacks stands in a text. */
function holdsEdit(text: string, before: string, wanted: string): boolean {
  const lines = new Set(linesOf(text));
  const added = (hunksOf(linesOf(before), linesOf(wanted)) ?? []).flatMap((hunk) => hunk.added);
  return added.length > 0 && added.every((line) => lines.has(line));
}

function isFile(item: Item, edit: HandEdit): boolean {
  return item.section === 'files' && item.host === edit.host && item.key === edit.key;
}
