import { parseDocument } from 'yaml';
import {
  CitadelError,
  recordedManifest,
  type HostManifest,
  type ManifestFile,
} from '../../manifest/index.js';
import { renderYaml, type DataValue } from '../../render/index.js';
import { sortedValue } from '../text/manifest.js';
import { byKey } from '../../text/order.js';

/** A host as files for review: `<host>.yaml`, and beside it one file per file of the host. Paths relative to `rendered/`. */
export type RenderedFiles = ReadonlyMap<string, string>;

/**
 * The files of one host's rendering. `<host>/<absolute path>` is what will stand at that path, byte for byte; a
 * secret in it is its reference. Bytes that are no text stand in `<host>.yaml`, in base64. `<host>.yaml` says the rest (packages, accounts, modes, blocks in files shared with others,
 * links, mounts, units, checks), and together they are the whole document: {@link hostOf} reads it back.
 */
export function renderedFiles(manifest: HostManifest): RenderedFiles {
  const { origins: _, files = {}, ...rest } = manifest;
  const tree = new Map<string, string>();
  const listed: Record<string, object> = {};
  for (const [path, { content, ...attributes }] of Object.entries(files)) {
    listed[path] = attributes;
    if (content !== undefined) tree.set(`${manifest.host}${path}`, content);
  }
  const summary = { ...rest, ...(Object.keys(listed).length > 0 && { files: listed }) };
  tree.set(
    summaryPath(manifest.host),
    renderYaml(sortedValue(summary) as DataValue, {
      comment: heading(manifest.host),
    }),
  );
  return new Map([...tree].sort(byKey));
}

export function summaryPath(host: string): string {
  return `${host}.yaml`;
}

function heading(host: string): string[] {
  return [
    `${host}: what this host should be, beside the files in ${host}/.`,
    'Written by "citadel-iac render"; change the inventory or the constructs instead.',
  ];
}

/**
 * Whether a file was begun by `render` as this host's summary. Its first lines decide: they stay when someone edits the
 * rest, or when a merge leaves its marks in it.
 */
export function isSummary(host: string, text: string): boolean {
  const lines = text.split(/\r?\n/);
  return heading(host).every((line, at) => lines[at] === `# ${line}`);
}

/** Paths of the tree that a summary promises: what else is in the host's folder is stale. */
export function promisedPaths(host: string, summary: string): string[] {
  const { files } = parseSummary(host, summary);
  return Object.entries(files ?? {})
    .filter(([, file]) => !isWhole(file as ManifestFile))
    .map(([path]) => `${host}${path}`);
}

/**
 * The document that a rendering was made from.
 *
 * @param read the text of a file of the rendering, `undefined` when it is not there
 * @throws CitadelError when a file is missing or the whole is not what `render` wrote
 */
export function hostOf(host: string, read: (path: string) => string | undefined): HostManifest {
  const at = summaryPath(host);
  const summary = read(at);
  if (summary === undefined) throw damaged(at, 'is not there');
  const document = parseSummary(host, summary);
  const files = Object.fromEntries(
    Object.entries(document.files ?? {}).map(([path, attributes]) => {
      if (isWhole(attributes as ManifestFile)) return [path, attributes];
      const content = read(`${host}${path}`);
      if (content === undefined) throw damaged(`${host}${path}`, 'is not there');
      return [path, { ...attributes, content }];
    }),
  );
  return recordedManifest({ ...document, ...(document.files !== undefined && { files }) });
}

/** Whether the summary says all of a file: a secret's name, or bytes that are no text. */
function isWhole({ secret, bytes }: ManifestFile): boolean {
  return secret !== undefined || bytes !== undefined;
}

type Summary = Omit<HostManifest, 'files'> & { readonly files?: Readonly<Record<string, object>> };

function parseSummary(host: string, text: string): Summary {
  const parsed = parseDocument(text, { version: '1.1' });
  const value: unknown = parsed.errors.length > 0 ? undefined : parsed.toJS();
  if (typeof value !== 'object' || value === null || !('host' in value) || value.host !== host) {
    throw damaged(summaryPath(host), 'is not a summary of this host');
  }
  return value as Summary;
}

function damaged(path: string, got: string): CitadelError {
  return new CitadelError({
    code: 'cli.rendered.damaged',
    path: `rendered/${path}`,
    got,
    fix: 'Write it again with "citadel-iac render"',
  });
}
