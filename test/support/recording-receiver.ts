import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';

export interface Recorded {
  readonly path: string;
  readonly body: string;
  /** Milliseconds since 1970 when it came. */
  readonly at: number;
}

export interface Recorder {
  readonly port: number;
  /** In the order in which they came; of mail the path is `mail` and the body the whole message. */
  readonly messages: readonly Recorded[];
  readonly close: () => Promise<void>;
}

/** Stands in for all services that messages are sent to by HTTP: it writes down what they would have got, and is content. */
export async function recordHttp(): Promise<Recorder> {
  const messages: Recorded[] = [];
  const server = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      messages.push({
        path: request.url ?? '',
        body: Buffer.concat(chunks).toString('utf8'),
        at: Date.now(),
      });
      response.setHeader('Content-Type', request.url === '/slack' ? 'text/html' : 'application/json');
      // Telegram's answer; the others look at the status only, but for Slack, which says "ok".
      response.statusCode = request.url === '/pagerduty' ? 202 : 200;
      response.end(request.url === '/slack' ? 'ok' : '{"ok":true,"result":{"message_id":1,"chat":{"id":1}}}');
    });
  });
  return recorder(server, messages);
}

/** A mail server that takes everything. */
export async function recordMail(): Promise<Recorder> {
  const messages: Recorded[] = [];
  const server = createTcpServer((socket) => {
    let pending = '';
    let mail: string | undefined;
    socket.setEncoding('utf8').on('error', () => socket.destroy());
    socket.write('220 localhost ESMTP\r\n');
    socket.on('data', (data: string) => {
      pending += data;
      for (let end = pending.indexOf('\r\n'); end >= 0; end = pending.indexOf('\r\n')) {
        const line = pending.slice(0, end);
        pending = pending.slice(end + 2);
        if (mail === undefined) {
          if (line === 'DATA') mail = '';
          socket.write(mail === undefined ? answerTo(line) : '354 go on\r\n');
          if (line === 'QUIT') socket.end();
        } else if (line === '.') {
          messages.push({ path: 'mail', body: mail, at: Date.now() });
          mail = undefined;
          socket.write('250 taken\r\n');
        } else mail += `${line.replace(/^\.\./, '.')}\n`;
      }
    });
  });
  return recorder(server, messages);
}

function answerTo(line: string): string {
  return line === 'QUIT' ? '221 bye\r\n' : '250 localhost\r\n';
}

async function recorder(server: Server, messages: Recorded[]): Promise<Recorder> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    messages,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** The parts of a mail as a person's program shows them: by type, decoded. */
export function readMail(mail: string): {
  readonly subject: string;
  readonly parts: Readonly<Record<string, string>>;
} {
  const subject = /^Subject: (.*(?:\n[ \t].*)*)/m.exec(mail)?.[1] ?? '';
  const boundary = /boundary="?([^";\n]+)/.exec(mail)?.[1] ?? '';
  const parts = mail.split(`--${boundary}`).flatMap((part): [string, string][] => {
    const type = /^Content-Type: ([a-z/]+)/m.exec(part)?.[1];
    if (type === undefined || type.startsWith('multipart')) return [];
    return [[type, unquote(part.slice(part.indexOf('\n\n') + 2))]];
  });
  return { subject: unword(subject), parts: Object.fromEntries(parts) };
}

function unquote(text: string): string {
  const bytes = text
    .replaceAll(/=\n/g, '')
    .replaceAll(/((?:=[0-9A-F]{2})+)/g, (run) =>
      Buffer.from(run.replaceAll('=', ''), 'hex').toString('utf8'),
    );
  return bytes;
}

function unword(subject: string): string {
  return subject
    .replaceAll(/\?=\s+=\?utf-8\?q\?/gi, '')
    .replaceAll(/=\?utf-8\?q\?(.*?)\?=/gi, (_whole, text: string) => unquote(text.replaceAll('_', ' ')));
}
