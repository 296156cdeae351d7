import { parse } from 'yaml';
import type { HostManifest } from '../../lib/manifest/index.js';

export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** What a host's Prometheus asks, by job: it reads the targets of each from files. */
export function scrapedBy({ files = {} }: HostManifest): Record<string, TargetGroup[]> {
  const textOf = (path: string): string => {
    const content = files[path]?.content;
    if (content === undefined) throw new Error(`no file ${path}`);
    return content;
  };
  const { scrape_configs: jobs } = parse(textOf('/etc/prometheus/prometheus.yml')) as {
    readonly scrape_configs: readonly {
      readonly job_name: string;
      readonly file_sd_configs: readonly { readonly files: readonly string[] }[];
    }[];
  };
  return Object.fromEntries(
    jobs.map(({ job_name: job, file_sd_configs: configs }) => [
      job,
      configs.flatMap(({ files: paths }) => paths.flatMap((path) => parse(textOf(path)) as TargetGroup[])),
    ]),
  );
}
