import type { LabHost } from '../lab/api.js';

/** What a monitoring server knows and no inventory brings back: made by hand before a drill, looked for afterwards. */

const TSDB = '/var/lib/prometheus/metrics2';
const GRAFANA = '/var/lib/grafana/grafana.db';
/** So many that the block is in packs of its own. */
const SAMPLES = 20_000;
const WEEK_SEC = 7 * 86_400;
const BLOCK_SEC = 7_200;

export interface Remembered {
  /** A moment, seconds since 1970, at which Prometheus had scraped itself. */
  readonly scraped: number;
  /** A week before it, of which a block of samples was made. */
  readonly lastWeek: number;
  readonly block: string;
  readonly silence: string;
}

/** A week-old block, samples of now, a silence, and a database of Grafana's that someone has changed. */
export async function remember(host: LabHost): Promise<Remembered> {
  const now = Math.floor(Date.now() / 1000);
  // At the end of one of Prometheus' blocks of two hours: all samples are in one.
  const lastWeek = Math.floor((now - WEEK_SEC) / BLOCK_SEC) * BLOCK_SEC - 1;
  const lines = Array.from({ length: SAMPLES }, (_, at) => {
    // No two alike: a fixed sequence that no compression shortens.
    const value = at === SAMPLES - 1 ? 42 : (((at + 1) * 2_654_435_761) % 4_294_967_296) / 4_294_967_296;
    return `drill_last_week ${value} ${lastWeek - (SAMPLES - 1 - at) / 10}\n`;
  });
  await host.writeFile('/var/tmp/drill.om', `# TYPE drill_last_week gauge\n${lines.join('')}# EOF\n`);
  const before = await blocks(host);
  await host.mustExec(`promtool tsdb create-blocks-from openmetrics /var/tmp/drill.om ${TSDB}`, {
    timeoutMs: 120_000,
  });
  const fresh = (await blocks(host)).filter((each) => !before.includes(each));
  const [block] = fresh;
  if (block === undefined || fresh.length > 1) throw new Error(`not one block but ${fresh.join(', ')}`);
  const silence = JSON.stringify({
    matchers: [{ name: 'alertname', value: 'Drill', isRegex: false, isEqual: true }],
    startsAt: new Date().toISOString(),
    endsAt: new Date(Date.now() + 86_400_000).toISOString(),
    createdBy: 'drill',
    comment: 'made before the loss',
  });
  const answer = await host.mustExec([
    'curl',
    '-fsS',
    '-H',
    'Content-Type: application/json',
    '-d',
    silence,
    `${ALERTMANAGER}/silences`,
  ]);
  // Both write what they have when they stop.
  await host.mustExec(
    `chown -R prometheus:prometheus ${TSDB} && systemctl restart prometheus prometheus-alertmanager
     runuser -u grafana -- sqlite3 ${GRAFANA} "CREATE TABLE drill (a); INSERT INTO drill VALUES ('made by hand')"`,
    { timeoutMs: 120_000 },
  );
  const { silenceID } = JSON.parse(answer) as { silenceID: string };
  return { scraped: await firstScrape(host), lastWeek, block, silence: silenceID };
}

/** What of it is there, in words; all of it: `last week, scraped, silence, grafana`. */
export async function remembered(host: LabHost, what: Remembered): Promise<string> {
  const [lastWeek, scraped, silence, grafana] = await Promise.all([
    query(host, 'drill_last_week == 42', what.lastWeek),
    query(host, 'up{job="prometheus"}', what.scraped),
    host.exec(['curl', '-fsS', `${ALERTMANAGER}/silence/${what.silence}`]),
    host.exec(['sqlite3', '-readonly', GRAFANA, 'SELECT a FROM drill']),
  ]);
  return [
    lastWeek > 0 ? 'last week' : '',
    scraped > 0 ? 'scraped' : '',
    silence.stdout.includes('made before the loss') ? 'silence' : '',
    grafana.stdout === 'made by hand\n' ? 'grafana' : '',
  ]
    .filter((each) => each !== '')
    .join(', ');
}

const ALERTMANAGER = 'http://127.0.0.1:9093/api/v2';

async function blocks(host: LabHost): Promise<string[]> {
  return (await host.mustExec(`ls ${TSDB} | grep -x '[0-9A-Z]\\{26\\}' || :`))
    .split('\n')
    .filter((each) => each !== '');
}

async function firstScrape(host: LabHost): Promise<number> {
  for (let attempt = 0; attempt < 120; attempt += 1) {
    const at = Math.floor(Date.now() / 1000);
    if ((await query(host, 'up{job="prometheus"}', at)) > 0) return at;
    await new Promise((done) => setTimeout(done, 500));
  }
  throw new Error('Prometheus has scraped nothing in a minute');
}

/** How many series answer. */
async function query(host: LabHost, expression: string, at: number): Promise<number> {
  const { stdout } = await host.exec([
    'curl',
    '-sS',
    '-G',
    '--data-urlencode',
    `query=${expression}`,
    '-d',
    `time=${at}`,
    'http://127.0.0.1:9090/api/v1/query',
  ]);
  try {
    const { data } = JSON.parse(stdout) as { data?: { result: unknown[] } };
    return data?.result.length ?? 0;
  } catch {
    return 0;
  }
}
