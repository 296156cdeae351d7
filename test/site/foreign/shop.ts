/** A site of another team, written from docs/ alone: a shop on nginx and PostgreSQL, and what keeps its dumps. */
import {
  Certificate,
  CronFile,
  defineSite,
  Directory,
  NginxSite,
  PostgresServer,
  secret,
  SystemdUnit,
  TimeSync,
  UnattendedUpgrades,
  type Host,
  type Member,
} from 'citadel-iac';
import { base } from 'citadel-iac/roles/base';
import { Construct } from 'constructs';

const DUMPS = '/var/backups/shop';

/** Who may read what: the certificate is public, and comes from the team's own authority. */
export interface ShopProps {
  readonly certificate: string;
  readonly postgres: number;
}

export class Shop extends Construct {
  constructor(host: Host, id: string, props: ShopProps) {
    super(host, id);
    const db = new PostgresServer(this, 'db', {
      version: props.postgres,
      settings: { shared_buffers: '32MB', max_connections: 20 },
    });
    const app = db.role('shop', { password: secret('shop_db') });
    db.database('shop', { owner: app });

    new Directory(this, 'dumps', { path: DUMPS, owner: 'postgres', group: 'postgres', mode: '0700' });
    new CronFile(this, 'dump', {
      name: 'shop-dump',
      jobs: [
        {
          schedule: '30 2 * * *',
          user: 'postgres',
          command: `pg_dump -Fc -f ${DUMPS}/shop.new shop && mv ${DUMPS}/shop.new ${DUMPS}/shop.$(date +%u)`,
        },
      ],
    });

    const tls = new Certificate(this, 'shop-tls', {
      certificate: props.certificate,
      key: secret('shop_key'),
    });
    const site = new NginxSite(this, 'shop', {
      root: '/usr/share/nginx/html',
      isDefault: true,
      certificate: tls,
    });
    site.nginx.listen(80, { from: 'any' });
    site.nginx.listen(443, { from: 'any' });

    new TimeSync(this, 'time', { servers: ['192.0.2.1'] });
    new UnattendedUpgrades(this, 'upgrades', { except: ['^postgresql'] });
    SystemdUnit.fromPackage(this, 'cron', { name: 'cron.service', restartOn: [] });
  }
}

/** @param certificate of the shop, as PEM */
export const shopSite = (certificate: string) =>
  defineSite({
    roles: [base],
    inventory: 'inventory.yaml',
    build: ({ members }) => members.forEach((member) => build(member, certificate)),
  });

function build({ host, inventory }: Member, certificate: string): void {
  new Shop(host, 'shop', { certificate, postgres: inventory.os === 'debian-12' ? 15 : 17 });
}

/** What the team writes for its host. */
export const shopInventory = (name: string, os: string, device: string): string => `
hosts:
  ${name}:
    address: 192.168.10.35
    os: ${os}
    mounts:
      /var/lib/postgresql: { device: '${device}', type: ext4 }
operator: { addresses: [192.168.10.1] }
secrets:
  shop_db: { env: SHOP_DB }
  shop_key: { env: SHOP_KEY }
`;
