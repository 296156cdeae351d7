import { parse } from 'yaml';
import { z } from 'zod';
import type { HostManifest } from '../../manifest/index.js';

/** One end: a unit of the host itself, or an address that is asked. */
export interface ScrapeEnd {
  readonly unit?: string;
  /** As it is written: `127.0.0.1:9093`, a URL. */
  readonly text: string;
  readonly host: string;
  readonly port?: number;
}

export interface Scrape {
  readonly by: ScrapeEnd;
  readonly target: ScrapeEnd;
  /** What the target's label `host` says: the name of a host. */
  readonly host: string | undefined;
  readonly kind: 'scrapes' | 'probes' | 'alerts';
  readonly job?: string;
}

const staticConfig = z.object({
  targets: z.array(z.string()).default([]),
  labels: z.record(z.string(), z.string()).default({}),
});
const configuration = z.object({
  alerting: z
    .object({
      alertmanagers: z.array(z.object({ static_configs: z.array(staticConfig).default([]) })).default([]),
    })
    .optional(),
  scrape_configs: z
    .array(
      z.object({
        job_name: z.string(),
        static_configs: z.array(staticConfig).default([]),
        file_sd_configs: z.array(z.object({ files: z.array(z.string()) })).default([]),
        relabel_configs: z
          .array(z.object({ target_label: z.string().optional(), replacement: z.string().optional() }))
          .default([]),
      }),
    )
    .default([]),
});

/** What the Prometheus servers of a host ask, by their own configuration. One that cannot be read asks nothing. */
export function scrapesOf(manifest: HostManifest): Scrape[] {
  return Object.entries(manifest.files ?? {})
    .filter(([, { validate }]) => validate === 'prometheus-config')
    .flatMap(([path, { content }]) => {
      const unit = unitOf(manifest, path);
      const server = unit === undefined ? undefined : { unit, text: unit, host: manifest.host };
      return server === undefined ? [] : fromText(content ?? '', server, manifest);
    });
}

/** The unit that restarts or reloads when the file changes. */
function unitOf(manifest: HostManifest, path: string): string | undefined {
  return Object.entries(manifest.units ?? {}).find(([, { reloadOn, restartOn }]) =>
    [...reloadOn, ...restartOn].includes(path),
  )?.[0];
}

function fromText(text: string, server: ScrapeEnd, manifest: HostManifest): Scrape[] {
  const read = configuration.safeParse(parsed(text));
  if (!read.success) return [];
  const jobs = read.data.scrape_configs.flatMap(
    ({ job_name: job, static_configs, file_sd_configs, relabel_configs }): Scrape[] => {
      const prober = relabel_configs.find(({ target_label }) => target_label === '__address__')?.replacement;
      const by = prober === undefined ? server : endOf(prober);
      const kind = prober === undefined ? 'scrapes' : 'probes';
      const listed = file_sd_configs.flatMap(({ files }) => files.flatMap((path) => inFile(manifest, path)));
      return targetsOf([...static_configs, ...listed]).map((each) => ({ ...each, by, kind, job }));
    },
  );
  const managers = (read.data.alerting?.alertmanagers ?? []).flatMap(({ static_configs }) =>
    targetsOf(static_configs).map((each): Scrape => ({ ...each, by: server, kind: 'alerts' })),
  );
  return [...jobs, ...managers];
}

/** What a file of targets lists; one that cannot be read, nothing. */
function inFile(manifest: HostManifest, path: string): z.infer<typeof staticConfig>[] {
  const read = z.array(staticConfig).safeParse(parsed(manifest.files?.[path]?.content ?? ''));
  return read.success ? read.data : [];
}

function targetsOf(configs: readonly z.infer<typeof staticConfig>[]): Pick<Scrape, 'target' | 'host'>[] {
  return configs.flatMap(({ targets, labels }) =>
    targets.map((text) => ({ target: endOf(text), host: labels['host'] })),
  );
}

function endOf(text: string): ScrapeEnd {
  const url = /^[a-z]+:\/\//.test(text) ? text : `http://${text}`;
  if (!URL.canParse(url)) return { text, host: text };
  const { hostname, port, protocol } = new URL(url);
  return { text, host: hostname, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) };
}

function parsed(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}
