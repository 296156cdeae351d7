/** Something that answers Prometheus at `/metrics`. */
export interface ScrapeTarget {
  /** Name of the scrape job, and the `job` label. */
  readonly job: string;
  /** `address:port`. */
  readonly address: string;
  /** More labels, the host's name under `host` among them. */
  readonly labels: Readonly<Record<string, string>>;
}

/** One entry of `scrape_configs`. */
export type ScrapeConfig = {
  readonly job_name: string;
  readonly static_configs: readonly {
    readonly targets: readonly string[];
    readonly labels: Readonly<Record<string, string>>;
  }[];
};

/** `scrape_configs` of prometheus.yml: jobs, targets and labels sorted, so that the order of declarations never shows. */
export function scrapeConfigs(targets: readonly ScrapeTarget[]): ScrapeConfig[] {
  const jobs = [...new Set(targets.map(({ job }) => job))].sort();
  return jobs.map((job) => ({
    job_name: job,
    static_configs: targets
      .filter((target) => target.job === job)
      .sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0))
      .map(({ address, labels }) => ({
        targets: [address],
        labels: Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))),
      })),
  }));
}
