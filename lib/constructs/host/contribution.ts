import type { IConstruct } from 'constructs';
import type {
  ManifestAbsentPath,
  ManifestBlocks,
  ManifestCheck,
  ManifestDirectory,
  ManifestFile,
  ManifestGroup,
  ManifestMount,
  ManifestPackage,
  ManifestSymlink,
  ManifestUnit,
  ManifestUser,
  Section,
} from '../../manifest/index.js';

/** What one construct adds to its host's manifest: one item of one section. */
export type Contribution =
  | { readonly section: 'packages'; readonly key: string; readonly value: ManifestPackage }
  | { readonly section: 'groups'; readonly key: string; readonly value: ManifestGroup }
  | { readonly section: 'users'; readonly key: string; readonly value: ManifestUser }
  | { readonly section: 'directories'; readonly key: string; readonly value: ManifestDirectory }
  | { readonly section: 'files'; readonly key: string; readonly value: ManifestFile }
  /** Blocks of one file come from many constructs and are put together; each name belongs to one of them. */
  | { readonly section: 'blocks'; readonly key: string; readonly value: ManifestBlocks }
  | { readonly section: 'symlinks'; readonly key: string; readonly value: ManifestSymlink }
  /** What is not to be on the host. */
  | { readonly section: 'absentUsers'; readonly key: string; readonly value: Readonly<Record<string, never>> }
  | { readonly section: 'absentPaths'; readonly key: string; readonly value: ManifestAbsentPath }
  | { readonly section: 'mounts'; readonly key: string; readonly value: ManifestMount }
  | { readonly section: 'units'; readonly key: string; readonly value: ManifestUnit }
  | { readonly section: 'checks'; readonly key: string; readonly value: ManifestCheck };

/** A path whose change restarts or reloads a unit that another construct declares (a drop-in, an environment file). */
export interface Trigger {
  readonly unit: string;
  readonly path: string;
  readonly effect: 'restart' | 'reload';
}

/** Properties of one section's items that are set to something else, or taken away by `undefined`. */
export interface Override {
  readonly section: Section;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** A construct that stands for items on a host. */
export interface Contributor extends IConstruct {
  /** What it adds to its host's manifest. Called once per evaluation, after all constructs exist; it does not throw. */
  contributions(): readonly Contribution[];
  /** What a stack says otherwise about them. */
  readonly overrides?: readonly Override[];
  /** Restarts and reloads that it adds to units declared elsewhere. */
  triggers(): readonly Trigger[];
}

/** What a construct adds, with what a stack says otherwise about it. */
export function contributionsOf(item: Contributor): Contribution[] {
  return item.contributions().map((contribution) =>
    (item.overrides ?? [])
      .filter(({ section }) => section === contribution.section)
      // The document's schema judges the result, as it judges everything.
      .reduce<Contribution>((before, { properties }) => overridden(before, properties), contribution),
  );
}

function overridden(contribution: Contribution, properties: Readonly<Record<string, unknown>>): Contribution {
  const value = Object.entries({ ...contribution.value, ...properties }).filter(
    ([, each]) => each !== undefined,
  );
  return { ...contribution, value: Object.fromEntries(value) } as unknown as Contribution;
}

const CONTRIBUTOR = Symbol.for('citadel-iac.Contributor');

/** Marks a construct as a {@link Contributor}; its host finds it by the mark. */
export function markContributor(construct: Contributor): void {
  Object.defineProperty(construct, CONTRIBUTOR, { value: true });
}

export function isContributor(construct: IConstruct): construct is Contributor {
  return CONTRIBUTOR in construct;
}
