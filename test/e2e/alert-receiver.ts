import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { hostPort } from '../../lib/text/address.js';
import { waitFor, type Lab } from '../lab/api.js';

/** One alert of one message, as Alertmanager's webhook tells it. */
export interface Notice {
  /** Milliseconds since the epoch when it came. */
  readonly at: number;
  /** Path that it was sent to. */
  readonly path: string;
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
}

/** Prints each message that is posted to it as one line of JSON. */
const PROGRAM = `
  const server = require('node:http').createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      for (const { status, labels } of JSON.parse(body).alerts)
        console.log(JSON.stringify({ at: Date.now(), path: request.url, status, labels }));
      response.end();
    });
  });
  server.listen(Number(process.argv[1]), process.argv[2], () => console.log('{}'));
`;

/** Who is told: a web server on the operator's side. */
export class AlertReceiver {
  readonly notices: Notice[] = [];
  #ready = false;

  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {
    if (child.stdout === null) throw new Error('the receiver has no output');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as Notice;
      if ('at' in said) this.notices.push(said);
      else this.#ready = true;
    });
  }

  static async start(lab: Lab, port: number): Promise<AlertReceiver> {
    const address = lab.layout.addresses.operator;
    const child = lab.operator.spawn([process.execPath, '-e', PROGRAM, String(port), address], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const receiver = new AlertReceiver(child, `http://${hostPort(address, port)}`);
    await waitFor('the receiver', 180_000, () => Promise.resolve(receiver.#ready ? true : undefined));
    return receiver;
  }

  end(): void {
    this.child.kill();
  }

  /** The first notice since a moment that is as wanted. */
  next(
    since: number,
    status: Notice['status'],
    labels: Readonly<Record<string, string>>,
    timeoutMs: number,
  ): Promise<Notice> {
    return waitFor(`${status} ${JSON.stringify(labels)}`, timeoutMs, () =>
      Promise.resolve(
        this.notices.find(
          (notice) =>
            notice.at >= since &&
            notice.status === status &&
            Object.entries(labels).every(([name, value]) => notice.labels[name] === value),
        ),
      ),
    );
  }
}
