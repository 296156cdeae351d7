import { sha256 } from '../../manifest/index.js';
import type { ObservedHost, ObservedPath } from '../model.js';
import type { Fields } from './fields.js';
import type { ParseContext, SectionReader } from './observation.js';
import type { AccountNames } from './parse-accounts.js';

const KINDS: Readonly<Record<string, ObservedPath['kind']>> = { f: 'file', d: 'directory', l: 'symlink' };
/** sha256sum -z: the digest, a space, a space or an asterisk, the name as it is. */
const DIGEST = /^([0-9a-f]{64}) [ *]\.(\/[^]*)$/;

interface RawPath {
  readonly kind: ObservedPath['kind'];
  readonly uid: number;
  readonly gid: number;
  readonly user: string;
  readonly group: string;
  readonly mode: string;
  readonly size: number;
  readonly target: string;
  readonly targetBytes?: string;
}

/** Sections `paths`, `directories` and `blocks`. */
export class PathReader implements SectionReader {
  readonly #context: ParseContext;
  readonly #paths = new Map<string, RawPath>();
  readonly #digests = new Map<string, string>();
  readonly #entries = new Map<string, number>();
  readonly #withAcl = new Set<string>();
  readonly #contents = new Map<string, Buffer>();

  constructor(context: ParseContext) {
    this.#context = context;
  }

  read(tag: string, fields: Fields): boolean {
    switch (tag) {
      case 'path':
        this.#readPath(fields);
        return true;
      case 'entries':
        this.#entries.set(absolute(fields.take(), fields), Number(fields.take()));
        return true;
      case 'acl':
        this.#withAcl.add(absolute(fields.take(), fields));
        return true;
      case 'content':
        this.#contents.set(absolute(fields.take(), fields), Buffer.from(fields.take(), 'base64'));
        return true;
      case 'outside':
        this.#context.problems.push({
          code: 'observe.outside',
          path: this.#context.source,
          got: `A link in the offline root leads out of it, to ${fields.take()}`,
          fix: 'Make the link relative, or name the path that it points to in the configuration',
        });
        return true;
      default: {
        const digest = DIGEST.exec(tag);
        if (digest === null) return false;
        this.#digests.set(digest[2] ?? '', digest[1] ?? '');
        return true;
      }
    }
  }

  /** @param names accounts of an offline root, whose files belong to numbers; `null` for a live host */
  result(names: AccountNames | null): Pick<ObservedHost, 'paths' | 'contents'> {
    const paths = new Map<string, ObservedPath>();
    const contents = new Map<string, Buffer>();
    const digested = new Set(this.#context.request.paths);
    for (const [path, raw] of this.#paths) {
      const digest = this.#digests.get(path);
      const content = this.#contents.get(path);
      const entries = this.#entries.get(path);
      if (raw.kind === 'file' && digested.has(path)) {
        if (digest === undefined) this.#moving(path);
        if (content !== undefined && sha256(content) !== digest) this.#moving(path);
      }
      if (content !== undefined) contents.set(path, content);
      paths.set(path, {
        kind: raw.kind,
        owner: names === null ? raw.user : (names.users.get(raw.uid) ?? String(raw.uid)),
        group: names === null ? raw.group : (names.groups.get(raw.gid) ?? String(raw.gid)),
        uid: raw.uid,
        gid: raw.gid,
        mode: raw.mode,
        ...(this.#withAcl.has(path) ? { acl: true } : {}),
        size: raw.size,
        ...(digest === undefined ? {} : { sha256: digest }),
        ...(raw.kind === 'symlink' ? { target: raw.target } : {}),
        ...(raw.targetBytes === undefined ? {} : { targetBytes: raw.targetBytes }),
        ...(entries === undefined ? {} : { entries }),
      });
    }
    return { paths, contents };
  }

  #readPath(fields: Fields): void {
    const kind = KINDS[fields.take()] ?? 'other';
    const uid = Number(fields.take());
    const gid = Number(fields.take());
    const user = fields.take();
    const group = fields.take();
    const mode = fields.take().padStart(4, '0');
    const size = Number(fields.take());
    const path = absolute(fields.take(), fields);
    const { text: target, bytes } = fields.takeText();
    const targetBytes = bytes === undefined ? {} : { targetBytes: bytes.toString('base64') };
    this.#paths.set(path, { kind, uid, gid, user, group, mode, size, target, ...targetBytes });
  }

  #moving(path: string): void {
    this.#context.problems.push({
      code: 'observe.moving',
      path: this.#context.source,
      got: `${path} changed while it was being read`,
      fix: 'Run the command again; if it stays, find the program that writes to this file',
    });
  }
}

function absolute(path: string, fields: Fields): string {
  if (!path.startsWith('./')) throw fields.unreadable(`the path ${JSON.stringify(path)}`);
  return path.slice(1);
}
