import type { Fleet } from '../fleet.js';
import type { Shell } from '../shell.js';
import { visible } from '../text/style.js';
import { silencesOf, type Silences } from './silences.js';

/** Seconds that work waits for an Alertmanager that does not answer. */
const PATIENCE_SEC = 20;

export interface PlannedWork {
  /** Hosts whose services are taken down. */
  readonly hosts: readonly string[];
  /** When it has ended in any case. */
  readonly seconds: (host: string) => number;
  /** Host whose own Alertmanager is not asked, because it is not there. @default - all are */
  readonly without?: string;
  /** `apply`: for the comment. */
  readonly what: string;
}

/**
 * Silences the alerts about hosts while work takes their services down, and lifts that afterwards. That it cannot is said, and is no reason not to
 * work.
 */
export async function whileSilent<T>(
  shell: Shell,
  fleet: Fleet,
  { hosts, seconds, without, what }: PlannedWork,
  work: () => Promise<T>,
): Promise<T> {
  if (hosts.length === 0) return work();
  const all = (await silencesOf(fleet, () => shell.app())).filter(
    ({ silencer }) => silencer.host !== without,
  );
  const asked = all.flatMap((silences) =>
    hosts.map((host) => ({ host, silences, id: add(shell, silences, host, seconds(host), what) })),
  );
  await Promise.all(
    asked.map(async ({ host, silences, id }) => {
      try {
        await inTime(id);
      } catch (error) {
        say(shell, `alerts about ${host} are not silenced by ${silences.silencer.host} meanwhile`, error);
      }
    }),
  );
  try {
    return await work();
  } finally {
    await Promise.all(
      asked.map(async ({ host, silences, id }) => {
        // One that failed was said above; one that came late is lifted all the same.
        const made = await inTime(id).catch(() => undefined);
        if (made === undefined) return;
        try {
          await inTime(silences.lift(made));
        } catch (error) {
          const minutes = Math.ceil(seconds(host) / 60);
          say(
            shell,
            `alerts about ${host} stay silenced by ${silences.silencer.host}, at most ${minutes} minutes from the start; to end it: citadel-iac silence lift ${made}`,
            error,
          );
        }
      }),
    );
  }
}

function add(shell: Shell, silences: Silences, host: string, seconds: number, what: string): Promise<string> {
  const from = shell.now();
  const id = silences.add({
    labels: { host },
    from,
    until: from + seconds * 1000,
    by: shell.who,
    comment: `citadel-iac ${what} ${host}`,
  });
  // Somewhere below it is waited for; until then it is no unhandled rejection.
  id.catch(() => undefined);
  return id;
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer after ${PATIENCE_SEC} s`)), PATIENCE_SEC * 1000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function say(shell: Shell, what: string, error: unknown): void {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  shell.err.write(`! ${what}: ${visible(line)}\n`);
}
