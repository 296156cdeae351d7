import { z } from 'zod';

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
  gpuMemoryPercent: level(
    1,
    100,
    99,
    'Use of a GPU’s memory, in percent; vLLM takes its share at once, and each model half a GiB besides',
  ),
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

export type Thresholds = z.infer<typeof thresholdsSchema>;
