import { CitadelError } from '../../manifest/index.js';
import { RenderError } from '../../render/index.js';
import type { OwnProblem } from './problems.js';

/** A text that may be impossible to write, and why; constructs still contribute their keys without it. */
export interface Attempt {
  readonly text: string;
  readonly problems: readonly OwnProblem[];
}

/** Runs a renderer (or a user's content function) and turns its refusal into problems; other errors are bugs and pass. */
export function attempt(render: () => string): Attempt {
  try {
    return { text: render(), problems: [] };
  } catch (error) {
    if (error instanceof RenderError) {
      const { code, property, got, fix } = error;
      return { text: '', problems: [{ code, property, got, fix }] };
    }
    if (error instanceof CitadelError) {
      return { text: '', problems: error.problems.map(({ path: _path, ...problem }) => problem) };
    }
    throw error;
  }
}
