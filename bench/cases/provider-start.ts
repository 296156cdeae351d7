import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { START_FILE } from '../../lib/terraform/address.js';
import { installProvider, LAUNCHER } from '../../lib/terraform/binding/install.js';
import { providerProgram } from '../../lib/terraform/binding/install-program.js';
import { MAGIC_COOKIE } from '../../lib/terraform/provider/handshake.js';
import { createServerIdentity } from '../../lib/terraform/provider/certificate.js';
import type { Case } from '../bench.js';
import { byTurns, medians, timed } from '../measure.js';
import { ratio, time } from '../report.js';

/** What Terraform waits for, several times in each command. */
export const providerStart: Case = {
  name: 'provider',
  about: 'provider: from the start of its process to the handshake line',
  lab: false,
  async run(bench) {
    const folder = await mkdtemp(join(tmpdir(), 'citadel-bench-'));
    try {
      const program = join(folder, 'launcher');
      installProvider({ folder, program: providerProgram(), project: process.cwd(), node: process.execPath });
      // Terraform runs it in the folder of the stack; here it is told where that is.
      await writeFile(program, LAUNCHER.replace(START_FILE, join(folder, START_FILE)));
      await chmod(program, 0o755);
      const env = {
        ...process.env,
        TF_PLUGIN_MAGIC_COOKIE: MAGIC_COOKIE,
        PLUGIN_PROTOCOL_VERSIONS: '6,5',
        PLUGIN_CLIENT_CERT: pem(createServerIdentity(Date.now()).certificate),
      };
      const turns = await byTurns(
        {
          node: async () => (await timed([process.execPath, '-e', '0'])).ms,
          provider: async () => (await timed([program], { env, untilFirstLine: true })).ms,
        },
        { rounds: bench.rounds * 3, warmUp: 2 },
      );
      const { node, provider } = medians(turns);
      return [
        {
          what: 'provider, process start to handshake line',
          measured: `${time(provider)} = ${ratio(provider, node)} node`,
          baseline: `node -e 0 ${time(node)}`,
          wanted: 'at most 1.5× node',
          met: provider <= 1.5 * node,
        },
      ];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
