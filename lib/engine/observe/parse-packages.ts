import type { Fields } from './fields.js';
import { unreadable } from './fields.js';
import type { ParseContext, SectionReader } from './observation.js';

/** States that need nobody: of triggers, the next run of dpkg takes care. */
const FINISHED = /^(installed|config-files|not-installed|triggers-awaited|triggers-pending)$/;

/**
 * Section `packages`: a line `NAME <tab> ARCHITECTURE <tab> STATUS <tab> VERSION <tab> WANTED <tab> ERROR` for each package
 * dpkg knows.
 */
export class PackageReader implements SectionReader {
  readonly #context: ParseContext;
  readonly #versions = new Map<string, string>();
  readonly #stuck = new Map<string, string>();

  constructor(context: ParseContext) {
    this.#context = context;
  }

  read(tag: string, fields: Fields): boolean {
    if (tag !== 'status') return false;
    const wanted = new Set(this.#context.request.packages);
    for (const line of fields.take().split('\n')) {
      if (line === '') continue;
      const [name, architecture, status, version, want, error, ...more] = line.split('\t');
      if (name === undefined || architecture === undefined || version === undefined || more.length > 0) {
        const got = `the package line ${JSON.stringify(line)}`;
        this.#context.problems.push(unreadable(this.#context.source, got));
        continue;
      }
      if (status !== undefined && (!FINISHED.test(status) || error === 'reinstreq'))
        this.#stuck.set(name, error === 'reinstreq' ? `${status}, to be installed again` : status);
      // "config-files" and half-installed states are not an installed package.
      if (status !== 'installed') continue;
      for (const key of [name, `${name}:${architecture}`]) {
        if (wanted.has(key) && !this.#versions.has(key)) this.#versions.set(key, version);
        if (wanted.has(key) && want === 'hold') this.#stuck.set(key, 'held');
      }
    }
    return true;
  }

  /** Versions of the packages that were asked for and are installed. */
  result(): ReadonlyMap<string, string> {
    return this.#versions;
  }

  /** What apt stops at: packages of any name that dpkg did not end, by dpkg's state, and `held` ones that were asked for. */
  stuck(): ReadonlyMap<string, string> {
    return this.#stuck;
  }
}
