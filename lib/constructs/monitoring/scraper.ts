import type { IConstruct } from 'constructs';

/** Something that answers Prometheus. */
export interface ScrapeTarget {
  /** Name of the scrape job, and the `job` label. */
  readonly job: string;
  /** `address:port`; in a job with a `prober`, the URL that is probed. */
  readonly address: string;
  /** More labels, the host's name under `host` among them. */
  readonly labels: Readonly<Record<string, string>>;
}

/** A construct that scrapes: others find it by its mark, whatever its class is. */
export interface Scraper extends IConstruct {
  readonly scrapeTargets: readonly ScrapeTarget[];
}

const SCRAPER = Symbol.for('citadel-iac.Scraper');

export function markScraper(construct: Scraper): void {
  Object.defineProperty(construct, SCRAPER, { value: true });
}

export function isScraper(construct: IConstruct): construct is Scraper {
  return SCRAPER in construct;
}
