import type { Case } from '../bench.js';
import { connectMs } from '../connect-ms.js';
import { byTurns, least } from '../measure.js';
import { time } from '../report.js';
import { workManifest } from '../work.js';

const ITEMS = 150;
/** Health checks among them. */
const CHECKS = 4;
/** Far, so that what the host needs, which differs from run to run, weighs little against a round trip. */
const FAR_MS = 400;

/** How chatty a deployment is: what it costs on a bad line. */
export const firstApply: Case = {
  name: 'first-apply',
  about: `first apply of ${ITEMS} items: round trips`,
  async run(bench) {
    const { lab } = bench;
    const file = await bench.manifestFile(workManifest('ai-node', ITEMS, CHECKS));
    const [zero, distant] = [await lab.latencyProxy('ai-node', 0), await lab.latencyProxy('ai-node', FAR_MS)];
    try {
      const near = await bench.viaProxy('ai-node', zero, 'near');
      const far = await bench.viaProxy('ai-node', distant, 'far');
      const apply = async (inventory: string): Promise<number> => {
        await bench.forget('ai-node');
        return (await bench.apply([file], inventory)).ms;
      };
      const turns = await byTurns(
        {
          connectNear: () => connectMs(bench, zero.port),
          connectFar: () => connectMs(bench, distant.port),
          near: () => apply(near),
          far: () => apply(far),
        },
        { rounds: Math.max(3, Math.floor(bench.rounds / 3)) },
      );
      const at = least(turns);
      const handshake = (at.connectFar - at.connectNear) / FAR_MS;
      const all = (at.far - at.near) / FAR_MS;
      await bench.forget('ai-node');
      return [
        {
          what: `first apply of ${ITEMS} items`,
          measured: `${(all - handshake).toFixed(1)} round trips after the handshake’s ${handshake.toFixed(1)}`,
          baseline: `near ${time(at.near)}, ${FAR_MS} ms away ${time(at.far)}`,
          wanted: 'at most 8',
          met: all - handshake <= 8,
        },
      ];
    } finally {
      await Promise.all([zero.stop(), distant.stop()]);
    }
  },
};
