import { z } from 'zod';
import { alertmanagerSchema } from './alerting.js';
import { scrapeSchema } from './scrape.js';
import { grafanaSchema } from './grafana.js';
import { tcpPort } from '../../../inventory/index.js';

const siteFile = (form: RegExp, example: string) =>
  z
    .string()
    .regex(
      form,
      `is not a path such as ${example}: relative to the project, without "..", its name of a-z, 0-9 and "-"`,
    );

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
  scrape: scrapeSchema.default({}).describe('More exporters that Prometheus asks, by the name of their job'),
  rules: z
    .array(siteFile(/^(?!.*\.\.)(?:[A-Za-z0-9._-]+\/)*[a-z][a-z0-9-]*\.ya?ml$/, 'stacks/rules/shop.yml'))
    .default([])
    .describe(
      'Files of your own alert and recording rules, in Prometheus’s form; alerts have a label "severity", by which they are routed, and a summary',
    ),
  dashboards: z
    .array(siteFile(/^(?!.*\.\.)(?:[A-Za-z0-9._-]+\/)*[a-z][a-z0-9-]*\.json$/, 'stacks/dashboards/shop.json'))
    .default([])
    .describe('Files of your own dashboards, as Grafana exports them'),
  runbookBaseUrl: z
    .string()
    .regex(
      /^(https?:\/\/[^\s#?]+|[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*\.(md|html))$/,
      'is neither an http(s) address without "#" nor a path such as docs/runbook.md',
    )
    .default('docs/runbook.md')
    .describe('Page that alerts point to: where you publish docs/runbook.md, or its path in this project'),
});

export type MonitoringInventory = z.infer<typeof monitoringSchema>;
