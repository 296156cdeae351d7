import { iniValue } from '../../../render/index.js';

export interface GrafanaSettings {
  readonly port: number;
  readonly rootUrl: string;
  /** File on the host with the password of `admin`. */
  readonly passwordFile: string;
}

/**
 * `grafana.ini`: what differs from the package's defaults. Nothing phones home, nobody signs up or looks in without an
 * account. Source: https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/
 */
export function grafanaIni({ port, rootUrl, passwordFile }: GrafanaSettings): string {
  const sections: Readonly<Record<string, Readonly<Record<string, Value>>>> = {
    server: { http_port: port, root_url: rootUrl },
    security: {
      admin_user: 'admin',
      // Grafana's own way of reading a file, which is no plain value.
      admin_password: { raw: `$__file{${passwordFile}}` },
      disable_gravatar: true,
      cookie_samesite: 'strict',
    },
    users: { allow_sign_up: false, allow_org_create: false },
    auth: { disable_login_form: false },
    'auth.anonymous': { enabled: false },
    analytics: {
      reporting_enabled: false,
      check_for_updates: false,
      check_for_plugin_updates: false,
      feedback_links_enabled: false,
    },
    news: { news_feed_enabled: false },
    snapshots: { external_enabled: false },
    plugins: { plugin_admin_enabled: false, public_key_retrieval_disabled: true },
    unified_alerting: { enabled: false },
    metrics: { enabled: true },
    dashboards: { default_home_dashboard_path: '/etc/grafana/dashboards/overview.json' },
    log: { mode: 'console' },
  };
  return Object.entries(sections)
    .map(([name, values]) => {
      const lines = Object.entries(values).map(([key, value]) => `${key} = ${text(value)}\n`);
      return `[${name}]\n${lines.join('')}`;
    })
    .join('\n');
}

type Value = string | number | boolean | { readonly raw: string };

function text(value: Value): string {
  return typeof value === 'object' ? value.raw : iniValue(value);
}
