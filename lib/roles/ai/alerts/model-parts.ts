import { on } from '../../../constructs/monitoring/alerts/spec.js';
import type { WatchedModel } from './facts.js';

/** A model's own metrics as they stand in tests. */
export const VLLM = { host: 'a', instance: 'a:11403', job: 'vllm', model: 'm' } as const;
export const ENGINE = { ...VLLM, engine: '0', model_name: 'm' };

export const MODEL_LOOK = [
  on('$host', 'systemctl status citadel-MODEL.service', 'shows whether it runs, and since when'),
  on('$host', 'journalctl -u citadel-MODEL.service -n 200', 'shows its last words'),
  on('$host', 'nvidia-smi', 'shows whether its GPU is there, and has room'),
];
export const RESTART = on('$host', 'citadel restart MODEL', 'restarts it; loading takes minutes');
export const ASK = on(
  '$host',
  'curl -m 60 -X POST http://localhost:PORT/v1/chat/completions -H "Content-Type: application/json" \\\n' +
    '  -d \'{"model": "MODEL", "messages": [{"role": "user", "content": "test"}], "max_tokens": 1}\'',
  'asks for one token; ports stand under [Models](#models)',
);
export const WAKE = 'Wake the person responsible for the models if it does not answer after one restart.';

/** `model=~"phi3|openchat"` */
export const matcher = (models: readonly WatchedModel[]): string =>
  `model=~"${[...new Set(models.map(({ name }) => name))].join('|')}"`;
