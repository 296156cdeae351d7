import { z } from 'zod';
import type { ReadOptions } from '../engine-port.js';
import type { Fleet } from '../fleet.js';
import type { Role } from '../../site/role.js';
import type { Silencer } from '../../site/silencer.js';
import { CitadelError } from '../../manifest/index.js';

/** What is silenced: alerts that have all of these labels. */
export type Labels = Readonly<Record<string, string>>;

const silenceSchema = z.object({
  id: z.string(),
  status: z.object({ state: z.string() }),
  matchers: z.array(
    z.object({
      name: z.string(),
      value: z.string(),
      isRegex: z.boolean(),
      isEqual: z.boolean().default(true),
    }),
  ),
  endsAt: z.string(),
  createdBy: z.string(),
  comment: z.string(),
});
export type Silence = z.infer<typeof silenceSchema>;

export interface NewSilence {
  readonly labels: Labels;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly until: number;
  readonly by: string;
  readonly comment: string;
}

/** The silences of one Alertmanager, asked over the connection to its host. */
export class Silences {
  constructor(
    private readonly fleet: Fleet,
    readonly silencer: Silencer,
  ) {}

  /** @returns its id */
  async add({ labels, from, until, by, comment }: NewSilence): Promise<string> {
    const body = JSON.stringify({
      matchers: Object.entries(labels).map(([name, value]) => ({
        name,
        value,
        isRegex: false,
        isEqual: true,
      })),
      startsAt: new Date(from).toISOString(),
      endsAt: new Date(until).toISOString(),
      createdBy: by,
      comment,
    });
    const answer = await this.ask({ method: 'POST', path: 'silences', body });
    return this.parse(z.object({ silenceID: z.string() }), answer).silenceID;
  }

  /** Those that are in force or will be. */
  async list(): Promise<Silence[]> {
    const all = this.parse(z.array(silenceSchema), await this.ask({ method: 'GET', path: 'silences' }));
    return all.filter(({ status }) => status.state !== 'expired');
  }

  async lift(id: string): Promise<void> {
    await this.ask({ method: 'DELETE', path: `silence/${id}` });
  }

  private async ask(request: {
    readonly method: 'GET' | 'POST' | 'DELETE';
    readonly path: string;
    readonly body?: string;
  }): Promise<string> {
    const { host, url } = this.silencer;
    const { method, path, body } = request;
    // Not the read deadline of a whole host: no one waits long for this.
    const options: ReadOptions = { signal: this.fleet.readOptions(host).signal, deadlineSec: 15 };
    return this.fleet.engine.askAlertmanager(
      await this.fleet.transport(host),
      { method, url: `${url}/api/v2/${path}`, ...(body !== undefined && { body }) },
      options,
    );
  }

  private parse<T>(schema: z.ZodType<T>, answer: string): T {
    try {
      return schema.parse(JSON.parse(answer));
    } catch (error) {
      throw new CitadelError(
        {
          code: 'silence.answer',
          path: this.silencer.host,
          got: `what answers at ${this.silencer.url} is no Alertmanager: ${answer.slice(0, 200)}`,
          fix: 'Look at what listens there: ss -ltnp',
        },
        { cause: error },
      );
    }
  }
}

/** All Alertmanagers of a site whose hosts this inventory has. */
export async function silencesOf(
  fleet: Fleet,
  app: () => Promise<{ readonly roles?: readonly Role[] }>,
): Promise<Silences[]> {
  const { roles = [] } = await app();
  return roles
    .flatMap(({ silencers }) => silencers?.(fleet.inventory) ?? [])
    .filter(({ host }) => !isOffline(fleet, host))
    .map((silencer) => new Silences(fleet, silencer));
}

/** Nothing runs in an offline root: its loopback would be this machine's own. */
function isOffline(fleet: Fleet, host: string): boolean {
  try {
    return 'root' in fleet.target(host);
  } catch {
    // What is wrong with the way to it is said when it is asked.
    return false;
  }
}
