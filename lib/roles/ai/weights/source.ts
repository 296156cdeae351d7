/** What `weights.from` means. */
export type WeightSource =
  | { readonly kind: 'hub'; readonly repository: string; readonly revision: string }
  | { readonly kind: 'https'; /** Ends in `/`. */ readonly url: string }
  | { readonly kind: 'folder'; readonly path: string };

const HUB = /^hf:\/\/([A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95})@([A-Za-z0-9][\w./-]{0,126})$/;
const FOLDER = /^dir:(\/[^\p{C}]+)$/u;

/** The parts of a source that {@link sourceFault} has nothing to say about; `undefined` for any other text. */
export function parseSource(text: string): WeightSource | undefined {
  const [, repository, revision] = HUB.exec(text) ?? [];
  if (repository !== undefined && revision !== undefined) return { kind: 'hub', repository, revision };
  const [, path] = FOLDER.exec(text) ?? [];
  if (path !== undefined && isPlain(path)) return { kind: 'folder', path };
  return text.startsWith('https://') && isFolderUrl(text) ? { kind: 'https', url: text } : undefined;
}

/** What is wrong with a source, for a person; `undefined` where nothing is. */
export function sourceFault(text: string): string | undefined {
  if (parseSource(text) !== undefined) return undefined;
  if (text.startsWith('hf://')) return 'is not hf://ORGANISATION/NAME@REVISION';
  if (text.startsWith('dir:')) return 'is not dir: and an absolute path without ".."';
  if (text.startsWith('https://'))
    return 'is not the https URL of a folder: it ends in "/", and has no password, query or fragment';
  return 'is not a source of weights';
}

/** A path of a file in a source, as it may become one on a host: relative, and inside. */
export function isPlain(path: string): boolean {
  return !/[\p{C}\\]/u.test(path) && !path.split('/').includes('..');
}

export function isPlainRelative(path: string): boolean {
  return (
    path.length <= 1024 &&
    isPlain(path) &&
    path.split('/').every((part) => part !== '' && part !== '.' && Buffer.byteLength(part) <= 255)
  );
}

/** Whether a file of the source is meant: by `include`, all where there is none, and not by `exclude`. */
export function isMeant(path: string, include: readonly string[], exclude: readonly string[]): boolean {
  const fits = (pattern: string): boolean => expression(pattern).test(path);
  return (include.length === 0 || include.some(fits)) && !exclude.some(fits);
}

/** As the hub's own client reads patterns: `*` and `?` also stand for `/`. */
function expression(pattern: string): RegExp {
  const text = pattern
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${text}$`, 's');
}

function isFolderUrl(text: string): boolean {
  return urlOf(text)?.href === text && text.endsWith('/') && !/[@?#]/.test(text) && !/\p{C}/u.test(text);
}

/** `undefined` for what is no URL. */
export function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
