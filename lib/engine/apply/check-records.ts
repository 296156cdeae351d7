import type { ManifestCheck } from '../../manifest/index.js';
import { record } from './records.js';

/** The lines of `ops/checks`, in the order of their names; `remote/tx-checks.sh` reads them. */
export function checkRecords(checks: Readonly<Record<string, ManifestCheck>>): string {
  return Object.keys(checks)
    .sort()
    .map((name) => checkRecord(name, checks[name] as ManifestCheck))
    .join('');
}

function checkRecord(name: string, check: ManifestCheck): string {
  const common = [check.kind, name, check.wave, Math.ceil(check.timeoutSec)] as const;
  switch (check.kind) {
    case 'unit':
      return record(...common, check.unit);
    case 'tcp':
      return record(...common, check.host, check.port);
    case 'command':
      return record(...common, ...check.command);
    case 'http': {
      const url = new URL(check.url);
      const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
      const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
      return record(...common, check.status, url.href, host, port, `${url.pathname}${url.search}`);
    }
  }
}
