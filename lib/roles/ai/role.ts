import type { NamedFile, RawHost } from '../../inventory/index.js';
import type { Problem } from '../../manifest/index.js';
import { ROLE_API_VERSION, type Role } from '../../site/index.js';
import { buildAiNode } from './build.js';
import { contribute } from './contribute.js';
import { judgeVllm } from './doctor.js';
import { examineGpus } from './driver/examine-gpus.js';
import './keys.js';
import { rebootCare } from './reboot-care.js';
import { recovery } from './recovery.js';
import { checkAi } from './rules.js';
import { aiSchema } from './schema/ai.js';
import { backupSchema } from './schema/backup.js';
import { sloSchema } from './schema/slo.js';
import { LOCK_FILE, LOCK_FIX } from './weights/lock-file.js';
import { modelLock } from './weights/lock.js';

/** How a person makes the file that is missing. */
const REQUIREMENTS_FIX =
  'Make it: uv pip compile --generate-hashes --output-file requirements.txt requirements.in (docs/constructs/python-environment.md).';

const KEY_FIX =
  'Get it from NVIDIA’s repository (*.pub next to its packages), compare its fingerprint with NVIDIA’s, and keep it in the project (docs/gpu.md).';

/** AI nodes: hosts with GPUs that serve models, and save them. */
export const ai: Role = {
  name: 'ai',
  apiVersion: ROLE_API_VERSION,
  schema: {
    host: {
      backup: backupSchema.optional().describe('What is backed up, when, and how long it is kept'),
      ai: aiSchema.optional().describe('Makes the host an AI node: GPUs and model services'),
    },
    site: { slo: sloSchema.prefault({}).describe('What is promised of each model') },
  },
  serves: ['ai'],
  rules: ({ source, path, value, secrets }: RawHost): Problem[] =>
    checkAi(source, [...path, 'ai'], value['ai'], secrets),
  files: ({ ai: node }): NamedFile[] => [
    ...(node?.vllm === undefined ? [] : [{ name: node.vllm.requirements, fix: REQUIREMENTS_FIX }]),
    ...(node?.driver?.key === undefined ? [] : [{ name: node.driver.key, fix: KEY_FIX }]),
    // Without it a person can still be told what to do, by the command that makes it and by synthesis.
    ...(Object.values(node?.models ?? {}).some(({ weights }) => weights !== undefined)
      ? [{ name: LOCK_FILE, beside: 'inventory', optional: true, fix: LOCK_FIX } as const]
      : []),
  ],
  contribute,
  consumes: ({ hosts }) =>
    Object.values(hosts).some((host) => host.ai !== undefined)
      ? ['scraper', 'endpoint', 'dashboard-import', 'model-client']
      : [],
  build: buildAiNode,
  modelLock,
  reboot: rebootCare,
  recovery,
  doctor: judgeVllm,
  examine: examineGpus,
};
