import { z } from 'zod';
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
  alertmanager: z
    .strictObject({
      port: tcpPort('TCP port of Alertmanager').default(9093),
      webhook: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe('URL that alerts are sent to'),
    })
    .prefault({})
    .describe('The Alertmanager'),
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

/** One source for the alerts of Prometheus and for what hosts watch themselves. */
export const thresholdsSchema = z.strictObject({
  cpuPercent: pair('in percent', 1, 100, 80, 95).describe('Processor use'),
  memoryPercent: pair('in percent', 1, 100, 85, 95).describe('Memory use'),
  diskPercent: pair('in percent', 1, 100, 80, 90).describe('File system use'),
  gpuTemperatureCelsius: pair('in °C', 20, 120, 80, 90).describe('GPU temperature'),
});

export type MonitoringInventory = z.infer<typeof monitoringSchema>;
export type Thresholds = z.infer<typeof thresholdsSchema>;
