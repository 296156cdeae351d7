/**
 * A double of the Hugging Face hub: what of its API `models lock` asks, with the status codes, headers and bodies that its
 * documentation and its own client know. It is not the hub: redirects to its storage are served by the same process.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HubRepository {
  /** By path; `large` ones are kept as LFS files, whose SHA-256 is in the list. */
  readonly files: Readonly<Record<string, { readonly content: string; readonly large?: boolean }>>;
  readonly commit: string;
  /** Who has this token may read; others are told that it is gated. */
  readonly gate?: string;
}

export class HubServer {
  /** `GET /path authorization`, in order. */
  readonly asked: string[] = [];
  readonly repositories: Record<string, HubRepository> = {};
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(): Promise<HubServer> {
    const hub = new HubServer();
    await new Promise<void>((done) => hub.#server.listen(0, '127.0.0.1', done));
    return hub;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  #answer({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    this.asked.push(`${url} ${headers.authorization ?? '-'}`);
    const refuse = (status: number, code: string, words: string): void => {
      response.writeHead(status, { 'x-error-code': code, 'x-error-message': words });
      response.end(JSON.stringify({ error: words }));
    };
    const [, api, name = '', revision = '', path] =
      /^\/(api\/models\/)?([^/]+\/[^/]+)\/(?:revision|resolve)\/([^/?]+)(?:\/([^?]+))?/.exec(url) ?? [];
    const repository = this.repositories[name];
    if (repository === undefined) return refuse(401, 'RepoNotFound', 'Invalid username or password.');
    if (repository.gate !== undefined && headers.authorization !== `Bearer ${repository.gate}`) {
      return refuse(
        headers.authorization === undefined ? 401 : 403,
        'GatedRepo',
        `Access to model ${name} is restricted. You must have access to it and be authenticated.`,
      );
    }
    if (![repository.commit, 'main', 'refs/pr/1'].includes(decodeURIComponent(revision)))
      return refuse(404, 'RevisionNotFound', `Invalid rev id: ${decodeURIComponent(revision)}`);
    if (api !== undefined) {
      const siblings = Object.entries(repository.files).map(([rfilename, { content, large }]) => ({
        rfilename,
        size: content.length,
        blobId: 'f'.repeat(40),
        ...(large === true
          ? { lfs: { sha256: sha256(content), size: content.length, pointerSize: 135 } }
          : {}),
      }));
      response.end(JSON.stringify({ id: name, sha: repository.commit, siblings }));
      return;
    }
    const file = repository.files[decodeURIComponent(path ?? '')];
    if (file === undefined) return refuse(404, 'EntryNotFound', 'Entry not found');
    response.end(file.content);
  }
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
