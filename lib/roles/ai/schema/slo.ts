import { z } from 'zod';
import { FIRST_TOKEN_BOUNDS_SEC } from '../../../constructs/monitoring/metrics/vllm.js';

const objective = (byDefault: number, what: string) =>
  z.number().min(0.5).max(0.9999).default(byDefault).describe(`${what}, as a share from 0.5 to 0.9999`);

/** What is promised of each model over thirty days; alerts fire by how fast the promise is being used up. */
export const sloSchema = z.strictObject({
  availability: objective(0.99, 'Requests and probes that are answered well'),
  timeToFirstTokenSec: z
    .literal(FIRST_TOKEN_BOUNDS_SEC)
    .default(2.5)
    .describe('Seconds within which the first token is to come: a bound of vLLM’s histogram'),
  timeToFirstTokenObjective: objective(0.95, 'Requests whose first token comes in time'),
  minimumRequestsPerHour: z
    .number()
    .min(0)
    .max(1_000_000)
    .default(12)
    .describe('Below this many requests an hour no failed request counts'),
});

export type Slo = z.infer<typeof sloSchema>;
