import type { Problem } from '../../manifest/index.js';
import type { ObservedHost } from '../model.js';
import type { Fields } from './fields.js';
import type { ObserveRequest } from './request.js';

/** What one run of `remote/observe.sh` said. */
export interface Observation {
  readonly host: ObservedHost;
  /** False when the index was left out because the reader knows the generation's digest. */
  readonly indexSent: boolean;
}

/** What the readers of the sections share. */
export interface ParseContext {
  readonly request: ObserveRequest;
  readonly offline: boolean;
  /** The host, for messages. */
  readonly source: string;
  /** Everything that went wrong; a single one makes the observation fail. */
  readonly problems: Problem[];
}

/** Reads the records of one section: true when the tag was one of its own. */
export interface SectionReader {
  read(tag: string, fields: Fields): boolean;
}
