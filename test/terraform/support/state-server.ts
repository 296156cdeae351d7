import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One Terraform state over HTTP on this machine, with a lock: what the `http` backend speaks, and nothing more. */
export class StateServer {
  state: string | undefined;
  /** The lock's description, as the client that took it wrote it. */
  lock: string | undefined;
  /** `GET 200` … in order. */
  readonly calls: string[] = [];

  private constructor(private readonly server: Server) {}

  static async start(): Promise<StateServer> {
    const server = createServer();
    const it = new StateServer(server);
    server.on('request', (request, response) => {
      void bodyOf(request).then((body) => {
        const id = new URL(request.url ?? '/', it.address).searchParams.get('ID');
        const [status, text] = it.answer(request.method ?? '', id, body);
        it.calls.push(`${request.method ?? ''} ${status}`);
        response.writeHead(status).end(text);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return it;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/citadel/web`;
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(method: string, id: string | null, body: string): readonly [status: number, text: string] {
    switch (method) {
      case 'GET':
        return this.state === undefined ? [404, ''] : [200, this.state];
      case 'POST':
        if (this.lock !== undefined && idOf(this.lock) !== id) return [423, this.lock];
        this.state = body;
        return [200, ''];
      case 'LOCK':
        if (this.lock !== undefined) return [423, this.lock];
        this.lock = body;
        return [200, ''];
      case 'UNLOCK':
        // "force-unlock" sends no more than the ID in the description; both must name the lock that is held.
        if (this.lock === undefined || (body !== '' && idOf(body) !== idOf(this.lock))) return [409, ''];
        this.lock = undefined;
        return [200, ''];
      default:
        return [405, ''];
    }
  }
}

function idOf(lock: string): unknown {
  return (JSON.parse(lock) as { readonly ID?: unknown }).ID;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
