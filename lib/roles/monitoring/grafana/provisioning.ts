import type { DataValue } from '../../../render/index.js';
import { by } from '../../../text/order.js';

/** A data source as dashboards refer to it. */
export interface DataSource {
  readonly name: string;
  /** Fixed, because dashboards name it. */
  readonly uid: string;
  readonly url: string;
  readonly type: 'prometheus' | 'alertmanager';
  readonly isDefault?: boolean;
  /** Of a Prometheus: its scrape interval, without which `$__rate_interval` is wrong. */
  readonly scrapeInterval?: string;
  /** Account that the source asks for. The password is read from an environment variable of the server. */
  readonly basicAuth?: { readonly username: string; readonly passwordVariable: string };
  /** Path of the certificate authority that its certificate is verified with, as text. */
  readonly caFile?: string;
}

/** `provisioning/datasources/*.yaml`. Source: https://grafana.com/docs/grafana/latest/administration/provisioning/ */
export function dataSourcesConfig(sources: readonly DataSource[]): DataValue {
  return {
    apiVersion: 1,
    // What was provisioned once and is not named any more goes.
    prune: true,
    datasources: [...sources].sort(by(({ uid }) => uid)).map((source) => ({
      name: literal(source.name),
      uid: source.uid,
      type: source.type,
      access: 'proxy',
      url: literal(source.url),
      isDefault: source.isDefault ?? false,
      editable: false,
      ...(source.basicAuth !== undefined && {
        basicAuth: true,
        basicAuthUser: literal(source.basicAuth.username),
        secureJsonData: { basicAuthPassword: `$${source.basicAuth.passwordVariable}` },
      }),
      jsonData: {
        ...(source.type === 'prometheus'
          ? {
              httpMethod: 'POST',
              prometheusType: 'Prometheus',
              manageAlerts: false,
              ...(source.scrapeInterval !== undefined && { timeInterval: source.scrapeInterval }),
            }
          : { implementation: 'prometheus', handleGrafanaManagedAlerts: false }),
      },
    })),
  };
}

/** `provisioning/dashboards/*.yaml`: the files win over what was changed by hand; they are polled, so nothing restarts. */
export function dashboardsConfig(folder: string, path: string): DataValue {
  return {
    apiVersion: 1,
    providers: [
      {
        name: 'citadel',
        orgId: 1,
        folder: literal(folder),
        folderUid: 'citadel',
        type: 'file',
        disableDeletion: false,
        updateIntervalSeconds: 30,
        allowUiUpdates: false,
        options: { path, foldersFromFilesStructure: false },
      },
    ],
  };
}

/** Values of provisioning files are expanded like shell words; a dollar stands for itself when it is doubled. */
function literal(value: string): string {
  return value.replaceAll('$', '$$$$');
}
