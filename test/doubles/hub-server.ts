/**
 * A double of the Hugging Face hub: what of its API `models lock` asks, with the status codes, headers and bodies that its
 * documentation and its own client know. It is not the hub: redirects to its storage are served by the same process.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HubRepository {
  /** By path; `large` ones are kept as LFS files, whose SHA-256 is in the list. */
  readonly files: Readonly<Record<string, { readonly content: string | Buffer; readonly large?: boolean }>>;
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

  /** @param at where it listens; by default on a free port of the loopback */
  static async start(at = { host: '127.0.0.1', port: 0 }): Promise<HubServer> {
    const hub = new HubServer();
    await new Promise<void>((done) => hub.#server.listen(at.port, at.host, done));
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
    const { status = 200, code, body } = this.#said(url, headers.authorization);
    response.writeHead(
      status,
      code === undefined ? {} : { 'x-error-code': code, 'x-error-message': body.toString() },
    );
    response.end(code === undefined ? body : JSON.stringify({ error: body.toString() }));
  }

  #said(url: string, authorization: string | undefined): Said {
    const [, api, name = '', revision = '', path = ''] =
      /^\/(api\/models\/)?([^/]+\/[^/]+)\/(?:revision|resolve)\/([^/?]+)(?:\/([^?]+))?/.exec(url) ?? [];
    const repository = this.repositories[name];
    if (repository === undefined)
      return { status: 401, code: 'RepoNotFound', body: 'Invalid username or password.' };
    if (repository.gate !== undefined && authorization !== `Bearer ${repository.gate}`) {
      return {
        status: authorization === undefined ? 401 : 403,
        code: 'GatedRepo',
        body: `Access to model ${name} is restricted. You must have access to it and be authenticated.`,
      };
    }
    const at = decodeURIComponent(revision);
    if (![repository.commit, 'main', 'refs/pr/1'].includes(at))
      return { status: 404, code: 'RevisionNotFound', body: `Invalid rev id: ${at}` };
    if (api === undefined) {
      const file = repository.files[decodeURIComponent(path)];
      return file === undefined
        ? { status: 404, code: 'EntryNotFound', body: 'Entry not found' }
        : { body: file.content };
    }
    const siblings = Object.entries(repository.files).map(([rfilename, { content, large }]) => ({
      rfilename,
      size: content.length,
      blobId: 'f'.repeat(40),
      ...(large === true ? { lfs: { sha256: sha256(content), size: content.length, pointerSize: 135 } } : {}),
    }));
    return { body: JSON.stringify({ id: name, sha: repository.commit, siblings }) };
  }
}

interface Said {
  /** @default 200 */
  readonly status?: number;
  /** `X-Error-Code`, with which `body` is what is wrong. */
  readonly code?: string;
  readonly body: string | Buffer;
}

export function sha256(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex');
}
