import { z } from 'zod';
import { alertmanagerSchema, grafanaSchema } from './alerting.js';
import { tcpPort } from './reach.js';

export const monitoringSchema = z.strictObject({
  prometheus: z
    .strictObject({
      port: tcpPort('TCP port of Prometheus').default(9090),
      scrapeIntervalSec: z
        .number()
        .int()
        .min(1)
        .max(3600)
        .default(15)
        .describe('Seconds between two scrapes'),
      retentionDays: z.number().int().min(1).max(3650).default(30).describe('Days that samples are kept'),
      retentionSizeGiB: z
        .number()
        .int()
        .min(1)
        .max(1_048_576)
        .optional()
        .describe('Samples are dropped, oldest first, above this size in GiB (default: no limit)'),
    })
    .prefault({})
    .describe('The Prometheus server'),
  alertmanager: alertmanagerSchema.prefault({}).describe('The Alertmanager'),
  grafana: grafanaSchema.optional().describe('Grafana; without it there are no dashboards'),
  blackbox: z
    .strictObject({ port: tcpPort('TCP port of the blackbox exporter').default(9115) })
    .prefault({})
    .describe('The exporter that asks services from outside'),
  probes: z
    .record(
      z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'is not a name: use a-z, 0-9 and -, starting with a letter'),
      z.strictObject({
        url: z
          .string()
          .regex(
            /^https?:\/\/[^\s/?#@]+(\/[^\s#]*)?$/,
            'is not an http(s) address without an account and without "#"',
          )
          .describe(
            'Address whose answer must be good; of an https address the certificate is watched as well',
          ),
      }),
    )
    .default({})
    .describe(
      'More addresses that this host asks once per scrape, by name: what people use, as they reach it',
    ),
  runbookBaseUrl: z
    .string()
    .regex(
      /^(https?:\/\/[^\s#?]+|[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*\.(md|html))$/,
      'is neither an http(s) address without "#" nor a path such as docs/runbook.md',
    )
    .default('docs/runbook.md')
    .describe('Page that alerts point to: where you publish docs/runbook.md, or its path in this project'),
});

const pair = (unit: string, min: number, max: number, warning: number, critical: number) => {
  const level = (what: string, value: number) =>
    z.number().min(min).max(max).default(value).describe(`${what}, ${unit}`);
  return z
    .strictObject({
      warning: level('Level of a warning', warning),
      critical: level('Level of a critical alert', critical),
    })
    .prefault({});
};

const level = (min: number, max: number, value: number, what: string) =>
  z.number().min(min).max(max).default(value).describe(what);

/** One source for the alerts of Prometheus and for what hosts watch themselves. */
export const thresholdsSchema = z.strictObject({
  cpuPercent: pair('in percent', 1, 100, 80, 95).describe('Processor use'),
  memoryPercent: pair('in percent', 1, 100, 85, 95).describe('Memory use'),
  diskPercent: pair('in percent', 1, 100, 80, 90).describe('File system use'),
  backupDiskPercent: level(1, 100, 85, 'Use of a disk that holds backups, in percent'),
  gpuTemperatureCelsius: pair('in °C', 20, 120, 80, 90).describe('GPU temperature'),
  gpuMemoryPercent: level(1, 100, 97, 'Use of a GPU’s memory, in percent; vLLM takes its share at once'),
  smartTemperatureCelsius: pair('in °C', 20, 120, 65, 75).describe('Disk temperature'),
  smartUsedPercent: level(1, 100, 90, 'Used share of a disk’s life, in percent'),
  backupSizeChangePercent: level(5, 95, 50, 'How much smaller a backup may be than those before, in percent'),
  certificateDays: pair('in days', 1, 90, 14, 3).describe('Days that a certificate is still valid'),
  modelDownMinutes: z
    .number()
    .int()
    .min(1)
    .max(120)
    .default(10)
    .describe('Minutes that a model may not answer: more than it takes to load'),
  modelProbeAgeSec: level(30, 86_400, 300, 'Seconds since a model last answered a request of one token'),
  modelProbeSec: level(0.1, 600, 10, 'Seconds that a request of one token may take'),
  firstTokenSec: level(0.1, 600, 5, 'Time to the first token, 95th percentile, in seconds'),
  interTokenSec: level(0.001, 60, 0.2, 'Time between two tokens, 95th percentile, in seconds'),
  queueLength: level(1, 100_000, 10, 'Requests that wait for one model'),
  kvCachePercent: level(1, 100, 95, 'Use of the KV cache while requests wait, in percent'),
  preemptionsPerMinute: level(0.1, 100_000, 6, 'Requests a minute put back for lack of KV cache'),
  requestErrorPercent: level(0.1, 100, 5, 'Requests that fail, in percent'),
});

/** Bounds of vLLM's histogram of the time to the first token: an objective can only be counted at one of them. */
export const FIRST_TOKEN_BOUNDS_SEC = [0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40] as const;

const objective = (byDefault: number, what: string) =>
  z.number().min(0.5).max(0.9999).default(byDefault).describe(`${what}, as a share from 0.5 to 0.9999`);

/** What is promised of each model over thirty days; alerts fire by how fast the promise is being used up. */
export const sloSchema = z.strictObject({
  availability: objective(0.99, 'Requests and probes that are answered well'),
  timeToFirstTokenSec: z
    .literal(FIRST_TOKEN_BOUNDS_SEC)
    .default(2.5)
    .describe('Seconds within which the first token is to come: a bound of vLLM’s histogram'),
  timeToFirstTokenObjective: objective(0.95, 'Requests whose first token comes in time'),
  minimumRequestsPerHour: level(
    0,
    1_000_000,
    12,
    'Below this many requests an hour no failed request counts',
  ),
});

export type MonitoringInventory = z.infer<typeof monitoringSchema>;
export type Thresholds = z.infer<typeof thresholdsSchema>;
export type Slo = z.infer<typeof sloSchema>;
