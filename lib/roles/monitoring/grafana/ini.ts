import { iniValue } from '../../../render/index.js';
import { secretFile, type GrafanaAccess } from './access.js';

export interface GrafanaSettings {
  readonly port: number;
  readonly rootUrl: string;
  /** File on the host with the password of `admin`. */
  readonly passwordFile: string;
  readonly access: GrafanaAccess;
}

/**
 * `grafana.ini`: what differs from the package's defaults. Nothing phones home and no plugin is fetched; no one signs up, and no one looks in
 * without an account unless `access` says so. Source: https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/
 */
export function grafanaIni({ port, rootUrl, passwordFile, access }: GrafanaSettings): string {
  const sections: Readonly<Record<string, Readonly<Record<string, Value>>>> = {
    server: { http_port: port, root_url: rootUrl },
    security: {
      admin_user: 'admin',
      // Grafana's own way of reading a file, which is no plain value.
      admin_password: { raw: `$__file{${passwordFile}}` },
      disable_gravatar: true,
      // A link from a chat or a wiki opens with the session that the browser has; "strict" asks to log in each time.
      cookie_samesite: 'lax',
    },
    users: { allow_sign_up: false, allow_org_create: false, auto_assign_org_role: 'Viewer' },
    auth: { disable_login_form: false },
    'auth.anonymous':
      access.anonymousViewers === true ? { enabled: true, org_role: 'Viewer' } : { enabled: false },
    ...(access.oauth !== undefined && { 'auth.generic_oauth': oauthSection(access.oauth) }),
    ...(access.smtp !== undefined && { smtp: smtpSection(access.smtp) }),
    analytics: {
      reporting_enabled: false,
      check_for_updates: false,
      check_for_plugin_updates: false,
      feedback_links_enabled: false,
    },
    news: { news_feed_enabled: false },
    snapshots: { external_enabled: false },
    // From 11.3 on it downloads plugins at each start, and updates them: code that is in no document.
    plugins: {
      plugin_admin_enabled: false,
      public_key_retrieval_disabled: true,
      preinstall_disabled: true,
      preinstall_auto_update: false,
    },
    // Its pages show what the data source Alertmanager has, silences among them; rules of its own are not evaluated.
    unified_alerting: { enabled: true, execute_alerts: false },
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

function oauthSection(oauth: NonNullable<GrafanaAccess['oauth']>): Readonly<Record<string, Value>> {
  const { name, clientId, clientSecret, authUrl, tokenUrl, apiUrl, scopes, rolePath, allowedDomains } = oauth;
  return {
    enabled: true,
    name,
    client_id: clientId,
    client_secret: { raw: `$__file{${secretFile(clientSecret)}}` },
    auth_url: authUrl,
    token_url: tokenUrl,
    api_url: apiUrl,
    scopes: (scopes ?? ['openid', 'profile', 'email']).join(' '),
    use_pkce: true,
    // Who has no role by the expression looks, and changes nothing.
    ...(rolePath !== undefined && { role_attribute_path: rolePath }),
    ...(allowedDomains !== undefined && { allowed_domains: allowedDomains.join(' ') }),
    allow_sign_up: true,
  };
}

function smtpSection(smtp: NonNullable<GrafanaAccess['smtp']>): Readonly<Record<string, Value>> {
  const { host, from, user, password } = smtp;
  return {
    enabled: true,
    host,
    from_address: from,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password: { raw: `$__file{${secretFile(password)}}` } }),
  };
}

type Value = string | number | boolean | { readonly raw: string };

function text(value: Value): string {
  return typeof value === 'object' ? value.raw : iniValue(value);
}
