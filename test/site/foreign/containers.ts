/** A site of another team, written from docs/ alone: a host for containers that no registry serves. */
import { Container, defineSite, Directory, secret, Size, Swap } from 'citadel-iac';
import { base } from 'citadel-iac/roles/base';

export const containerSite = defineSite({
  roles: [base],
  inventory: 'inventory.yaml',
  build: ({ members }) => {
    for (const { host } of members) {
      new Swap(host, 'swap', { size: Size.gibibytes(2) });
      const data = new Directory(host, 'data', { path: '/srv/board', mode: '0750' });
      new Container(host, 'board', {
        image: { archive: '/srv/images/board-2.1.tar', name: 'localhost/board:2.1' },
        environment: { BOARD_URL: 'http://board.example.org/' },
        secrets: { BOARD_KEY: secret('board_key') },
        ports: [{ host: 80, container: 8080, from: ['192.168.10.0/24'] }],
        volumes: [{ source: data, path: '/data' }],
      });
    }
  },
});

export const containerInventory = (name: string, os: string): string => `
hosts:
  ${name}: { address: 192.168.10.36, os: ${os} }
operator: { addresses: [192.168.10.1] }
secrets: { board_key: { env: BOARD_KEY } }
`;
