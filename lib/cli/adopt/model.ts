import type { Change } from '../../engine/model.js';
import type { LoadedInventory, Scalar } from '../../inventory/index.js';
import type { HostManifest } from '../../manifest/index.js';

/** A file whose text someone changed on the host, where that text may be taken over. */
export interface HandEdit {
  readonly host: string;
  /** Absolute path on the host. */
  readonly key: string;
  readonly change: Change;
  /** The text that the project should make of it: what it makes now, with the hand edit in it. */
  readonly wanted: string;
}

/** What is different by hand and stays where it is: why, and what a person can do. */
export interface Described {
  readonly host: string;
  readonly change: Change;
  readonly why: string;
  readonly next: string;
}

/** Where a hand edit goes. */
export type Place =
  | { readonly kind: 'template'; readonly name: string }
  | {
      readonly kind: 'inventory';
      /** Absolute path of the file that is edited. */
      readonly file: string;
      readonly path: readonly string[];
      readonly from: Scalar;
      readonly to: Scalar;
    };

/** Texts of the project, some of them changed. */
export interface Sources {
  /** Files of the inventory, by absolute path. */
  readonly inventory: ReadonlyMap<string, string>;
  /** Changed templates, by name below `templates/`. */
  readonly templates: ReadonlyMap<string, string>;
}

/** What comes of texts. */
export interface Made {
  readonly sources: Sources;
  readonly loaded: LoadedInventory;
  readonly manifests: readonly HostManifest[];
}

/** Makes all hosts from changed texts, without writing them. @throws CitadelError when nothing can be made of them */
export type Make = (sources: Sources) => Promise<Made>;

export interface Item {
  readonly host: string;
  readonly section: string;
  readonly key: string;
}

/** A hand edit that the project makes by itself once its places are changed: tried, not guessed. */
export interface Adopted {
  readonly edit: HandEdit;
  readonly into: readonly Place[];
  /** What else the same change of the project alters, on whatever host. */
  readonly alsoChanges: readonly Item[];
}
