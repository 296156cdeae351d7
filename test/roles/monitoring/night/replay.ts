import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChildProcess } from 'node:child_process';
import type { HostManifest } from '../../../../lib/manifest/index.js';
import { freePort, until, type DebianPrograms } from '../../../support/debian-programs.js';
import { localSilences } from '../../../support/local-silences.js';
import { recordHttp, type Recorded, type Recorder } from '../../../support/recording-receiver.js';
import type { Labels } from '../world.js';
import { RECEIVERS, ZONE } from './fleet.js';
import type { Life } from './life.js';
import type { Change } from './timeline.js';
import { fastZone } from './zone.js';

/** What all durations are divided by: a week takes 17 minutes. */
export const FACTOR = 600;
const MINUTE_MS = 60_000 / FACTOR;
const WATCHDOG: Labels = { alertname: 'Watchdog', severity: 'none' };
/** What `apply` says that it takes at most. */
const DEPLOY_MINUTES = 60;

/** All that an Alertmanager sent during a life. */
export interface Sent {
  readonly messages: readonly Recorded[];
  readonly clock: Clock;
}

/** Milliseconds since 1970, and minutes of a life. */
export class Clock {
  /** By how many minutes the replay was behind at worst: a machine may be busy. */
  behind = 0;
  readonly #anchors: { readonly from: number; readonly start: number }[] = [];

  /** From now on minute 0 was at `start`. */
  anchor(start: number): void {
    this.#anchors.push({ from: Date.now(), start });
  }

  minuteOf(at: number): number {
    const { start = 0 } = this.#anchors.findLast(({ from }) => from <= at) ?? this.#anchors[0] ?? {};
    return (at - start) / MINUTE_MS;
  }

  due(minute: number): number {
    return (this.#anchors.at(-1)?.start ?? 0) + minute * MINUTE_MS;
  }
}

/** Tells the Alertmanager of each release what Prometheus would have told it, and what a deploy does. */
export async function replay(
  releases: readonly DebianPrograms[],
  manifest: HostManifest,
  life: Life,
  timeline: readonly Change[],
): Promise<Sent[]> {
  const servers = await Promise.all(releases.map((release) => Server.open(release, manifest)));
  const clock = new Clock();
  /** Starts what is off. That takes as long as it takes: the clocks are set when it is done. */
  const boot = async (minute: number): Promise<void> => {
    await Promise.all(servers.map((server) => server.run()));
    for (;;) {
      // A zone file tells whole seconds.
      const start = Math.ceil((Date.now() - minute * MINUTE_MS) / 1000 + 1) * 1000;
      await Promise.all(
        servers.map((server) => server.setClock(fastZone(start / 1000, FACTOR, life.minutes))),
      );
      if (Date.now() > start + minute * MINUTE_MS) continue;
      clock.anchor(start);
      return;
    }
  };
  try {
    await boot(0);
    let [lastMinute, lastAt] = [0, clock.due(0)];
    for (const [minute, work] of steps(life, timeline)) {
      // After a stall nothing follows at once what was long before it; quiet hours catch up.
      const soonest = lastAt + (minute - lastMinute) * MINUTE_MS * 0.9;
      await delay(Math.max(clock.due(minute), soonest) - Date.now());
      clock.behind = Math.max(clock.behind, clock.minuteOf(Date.now()) - minute);
      await Promise.all(servers.map((server) => work(server)));
      if (life.unwatched.some(([, to]) => to === minute) && servers.some((server) => server.isOff)) {
        await boot(minute);
        await delay(clock.due(minute) - Date.now());
        await Promise.all(servers.map((server) => server.tellAgain()));
      }
      [lastMinute, lastAt] = [minute, Math.max(lastAt, clock.due(minute))];
    }
    return servers.map(({ messages }) => ({ messages: [...messages], clock }));
  } finally {
    await Promise.all(servers.map((server) => server.close()));
  }
}

type Step = readonly [minute: number, work: (server: Server) => Promise<void>];

function steps(life: Life, timeline: readonly Change[]): Step[] {
  const all: Step[] = [
    [0, (server) => server.tell([WATCHDOG], [])],
    ...timeline.map(({ minute, begin, end }): Step => [minute, (server) => server.tell(begin, end)]),
    ...life.deploys.flatMap(([from, to]): Step[] => [
      [from, (server) => server.silence(DEPLOY_MINUTES)],
      [to, (server) => server.lift()],
    ]),
    ...life.unwatched.flatMap(([from, to]): Step[] => [
      [from, (server) => server.cut()],
      // Before what happens at that minute.
      [to, () => Promise.resolve()],
    ]),
    [life.minutes, () => Promise.resolve()],
  ];
  // The last of those of one minute comes first: power and silences before alerts.
  return all
    .map((step, index) => [step, index] as const)
    .sort(([[a], x], [[b], y]) => a - b || y - x)
    .map(([step]) => step);
}

/** A real Alertmanager with the deployed configuration, in which durations are divided and the receivers are recorders. */
class Server {
  readonly #firing = new Map<string, { readonly labels: Labels; readonly startsAt: string }>();
  #silences: readonly string[] = [];
  #process: ChildProcess | undefined;

  private constructor(
    private readonly release: DebianPrograms,
    private readonly folder: string,
    private readonly recorder: Recorder,
    private readonly port: number,
  ) {}

  get messages(): readonly Recorded[] {
    return this.recorder.messages;
  }

  static async open(release: DebianPrograms, manifest: HostManifest): Promise<Server> {
    const folder = mkdtempSync(join(tmpdir(), 'citadel-week-'));
    const recorder = await recordHttp();
    const server = new Server(release, folder, recorder, await freePort());
    for (const [path, { content = '' }] of Object.entries(manifest.files ?? {})) {
      if (!/^\/etc\/prometheus\/alertmanager/.test(path)) continue;
      server.write(
        path,
        divided(content)
          .replaceAll('/etc/prometheus/', `${folder}/etc/prometheus/`)
          .replaceAll(RECEIVERS, `http://127.0.0.1:${recorder.port}`),
      );
    }
    return server;
  }

  get isOff(): boolean {
    return this.#process === undefined;
  }

  /** It reads the zone of its windows with its configuration. */
  async setClock(zone: Buffer): Promise<void> {
    this.write(`zones/${ZONE}`, zone);
    const { status } = await fetch(`${this.url}/-/reload`, { method: 'POST' });
    if (status !== 200)
      throw new Error(`${this.release.title}: Alertmanager does not take its configuration`);
  }

  async tell(begin: readonly Labels[], end: readonly Labels[]): Promise<void> {
    const now = new Date().toISOString();
    const over = end.flatMap((labels) => {
      const key = JSON.stringify(labels);
      const known = this.#firing.get(key);
      this.#firing.delete(key);
      return known === undefined ? [] : [{ ...known, endsAt: now }];
    });
    for (const labels of begin) this.#firing.set(JSON.stringify(labels), { labels, startsAt: now });
    await this.post([...over, ...begin.map((labels) => ({ ...this.firing(labels), endsAt: FAR }))]);
  }

  async silence(minutes: number): Promise<void> {
    const from = Date.now();
    const id = await localSilences(this.url).add({
      labels: { host: 'ai-node' },
      from,
      until: from + minutes * MINUTE_MS,
      by: 'anna@laptop',
      comment: 'citadel-iac apply ai-node',
    });
    this.#silences = [...this.#silences, id];
  }

  async lift(): Promise<void> {
    for (const id of this.#silences) await localSilences(this.url).lift(id);
    this.#silences = [];
  }

  /** As a power cut does. */
  cut(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return Promise.resolve();
    this.#process = undefined;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    return ended;
  }

  /** As Prometheus does. */
  tellAgain(): Promise<void> {
    return this.post(
      [{ labels: WATCHDOG }, ...this.#firing.values()].map((alert) => ({ ...alert, endsAt: FAR })),
    );
  }

  async close(): Promise<void> {
    await this.cut();
    await this.recorder.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  private firing(labels: Labels) {
    return this.#firing.get(JSON.stringify(labels)) ?? { labels };
  }

  private write(path: string, content: string | Buffer): void {
    const file = join(this.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  async run(): Promise<void> {
    this.write(`zones/${ZONE}`, fastZone(Math.floor(Date.now() / 1000), FACTOR, 0));
    this.#process = this.release.start('env', [
      `ZONEINFO=${this.folder}/zones`,
      // One thread: what is told together is seen together, however busy the machine is.
      'GOMAXPROCS=1',
      'prometheus-alertmanager',
      `--config.file=${this.folder}/etc/prometheus/alertmanager.yml`,
      `--storage.path=${this.folder}/data`,
      `--web.listen-address=127.0.0.1:${this.port}`,
      '--cluster.listen-address=',
      // The defaults, divided as everything else: 30 minutes, 15 minutes, 120 hours.
      '--alerts.gc-interval=3s',
      '--data.maintenance-interval=1500ms',
      '--data.retention=720s',
      '--log.level=error',
    ]);
    await until('Alertmanager answers', () =>
      fetch(`${this.url}/-/ready`).then(
        ({ ok }) => ok || undefined,
        () => undefined,
      ),
    );
  }

  /** Without power nothing is sent, and nothing heard. */
  private async post(alerts: readonly object[]): Promise<void> {
    if (this.isOff) return;
    const { status } = await fetch(`${this.url}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(alerts),
    });
    if (status !== 200) throw new Error(`${this.release.title}: Alertmanager answers ${status}`);
  }
}

/** Prometheus says every minute that an alert still fires; here it is said once. */
const FAR = new Date(Date.now() + 86_400_000).toISOString();

/** The waits of routes, divided: `group_wait: 30s` becomes `50ms`. */
function divided(text: string): string {
  const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
  return text.replaceAll(
    /^( *(?:group_wait|group_interval|repeat_interval): )(\d+)([smhdw])$/gm,
    (_whole, name: string, count: string, unit: string) =>
      `${name}${Math.round((Number(count) * (seconds[unit] ?? 0) * 1000) / FACTOR)}ms`,
  );
}
