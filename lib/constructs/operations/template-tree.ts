import type { Construct } from 'constructs';
import { listTemplates, loadTemplate } from '../../render/index.js';
import { HostItem, type Contribution } from '../host/index.js';

export interface TemplateTreeProps {
  /** Folder of `templates/` that mirrors a host's root: `ai-node`. */
  readonly from: string;
  /** Absolute paths of files and folders: nothing else of the tree. @default - all of it */
  readonly only?: readonly string[];
  /** Absolute paths that others install. @default [] */
  readonly except?: readonly string[];
  /** Directories whose sub-directories belong to the tree as well, and go with it: `/opt/citadel/lib`. @default [] */
  readonly directories?: readonly string[];
}

/**
 * Every file of a folder of `templates/`, at its path on the host, owned by root: what begins with `#!` may be run (0755),
 * everything else is read (0644). A file that is added to the folder is installed without a line of code.
 */
export class TemplateTree extends HostItem {
  private readonly files: ReadonlyMap<string, string>;
  private readonly roots: readonly string[];

  constructor(scope: Construct, id: string, props: TemplateTreeProps) {
    super(scope, id);
    const except = new Set(props.except);
    this.files = new Map(
      listTemplates(props.from)
        .filter((name) => !except.has(`/${name}`) && isWanted(`/${name}`, props.only))
        .map((name) => [`/${name}`, loadTemplate(`${props.from}/${name}`).text]),
    );
    this.roots = props.directories ?? [];
  }

  /** Paths of the files, sorted. */
  get paths(): string[] {
    return [...this.files.keys()];
  }

  /** The paths below a directory, sorted: what a service that runs from there restarts for. */
  pathsBelow(directory: string): string[] {
    return this.paths.filter((path) => path.startsWith(`${directory}/`));
  }

  override contributions(): Contribution[] {
    const root = { owner: 'root', group: 'root' };
    const directories = this.roots.flatMap((directory) =>
      this.pathsBelow(directory).flatMap((path) => parentsUpTo(path, directory)),
    );
    return [
      ...[...new Set(directories)].map((key): Contribution => ({
        section: 'directories',
        key,
        value: { ...root, mode: '0755' },
      })),
      ...[...this.files].map(([key, content]): Contribution => ({
        section: 'files',
        key,
        value: { content, ...root, mode: content.startsWith('#!') ? '0755' : '0644' },
      })),
    ];
  }
}

function isWanted(path: string, only: readonly string[] | undefined): boolean {
  return only?.some((wanted) => path === wanted || path.startsWith(`${wanted}/`)) ?? true;
}

/** The directories between `top` (left out) and a path below it. */
function parentsUpTo(path: string, top: string): string[] {
  const parent = path.slice(0, path.lastIndexOf('/'));
  return parent === top ? [] : [parent, ...parentsUpTo(parent, top)];
}
