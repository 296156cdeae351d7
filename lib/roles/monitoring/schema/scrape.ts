import { z } from 'zod';
import { secretName } from '../../../manifest/index.js';
import { words } from './notification.js';

const label = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'is not a label: use letters, digits and "_"');

/** In Prometheus' own words; promtool reads them on the host. */
const relabelling = z.strictObject({
  source_labels: z.array(label).optional().describe('Labels whose values are joined'),
  separator: z.string().max(100).optional().describe('What they are joined by'),
  regex: words.optional().describe('Expression for the joined values'),
  modulus: z.number().int().min(1).optional().describe('Of hashmod'),
  target_label: label.optional().describe('Label that is written'),
  replacement: z.string().max(500).optional().describe('What is written'),
  action: z
    .enum([
      'replace',
      'keep',
      'drop',
      'hashmod',
      'labelmap',
      'labeldrop',
      'labelkeep',
      'lowercase',
      'uppercase',
    ])
    .optional()
    .describe('What is done'),
});

/** Other exporters, by the name of their job. */
export const scrapeSchema = z.record(
  z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'is not a name: use a-z, 0-9 and -, starting with a letter'),
  z
    .strictObject({
      targets: z
        .array(z.string().regex(/^[^\s/?#@]+:\d{1,5}$/, 'is not host:port'))
        .min(1)
        .describe('What is asked, host:port each'),
      labels: z
        .record(label, z.string().max(500))
        .default({})
        .describe('Labels of all of its series; give "host"'),
      path: z
        .string()
        .regex(/^\/\S*$/, 'is not a path such as /metrics')
        .optional()
        .describe('Path of the metrics (default: /metrics)'),
      https: z.boolean().default(false).describe('Whether it is asked over TLS'),
      caFile: z
        .string()
        .regex(/^\/\S+$/, 'is not an absolute path')
        .optional()
        .describe('Certificate authority on the monitoring server (default: those of the system)'),
      username: words.optional().describe('Account that it asks for'),
      password: secretName.optional().describe('Name of the secret'),
      bearerToken: secretName
        .optional()
        .describe('In their place: name of the secret that is sent as bearer token'),
      honorLabels: z
        .boolean()
        .default(false)
        .describe('Whether its own labels win over those of the target: for a gateway or a federation'),
      intervalSec: z.number().int().min(1).max(3600).optional().describe('Seconds between two scrapes'),
      timeoutSec: z.number().int().min(1).max(3600).optional().describe('Seconds until a scrape is given up'),
      relabel: z.array(relabelling).optional().describe('What becomes of its targets: relabel_configs'),
      metricRelabel: z
        .array(relabelling)
        .optional()
        .describe('What becomes of its series: metric_relabel_configs'),
    })
    .refine(
      ({ username, password, bearerToken }) =>
        (username === undefined) === (password === undefined) &&
        (username === undefined || bearerToken === undefined),
      'needs "username" with "password", or "bearerToken", or none of them',
    ),
);

export type ScrapeInventory = z.infer<typeof scrapeSchema>;
