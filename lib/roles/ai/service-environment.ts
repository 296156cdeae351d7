import type { OwnProblem } from '../../constructs/host/index.js';
import { SecretRef } from '../../constructs/secret.js';
import { byKey } from '../../text/order.js';

/** Environment variables that a service is given: values stand in the unit's file, secrets come as credentials. */
export type Variables = Readonly<Record<string, string | number | SecretRef>>;

/** Credentials of that name become variables; see the script with-credentials. */
export const VARIABLE_CREDENTIAL = 'env-';

const TAKE_OUT = 'Take it out';
/** Variables that a service sets itself or that systemd does, and what says the same. */
const OWN: Readonly<Record<string, string>> = {
  CACHE_DIRECTORY: TAKE_OUT,
  CREDENTIALS_DIRECTORY: TAKE_OUT,
  CUDA_DEVICE_ORDER: TAKE_OUT,
  CUDA_VISIBLE_DEVICES: 'Give it as gpus',
  GLOO_SOCKET_IFNAME: TAKE_OUT,
  HF_HUB_OFFLINE: 'Give ai.huggingFaceToken to let models reach the hub',
  HF_TOKEN: 'Give it as ai.huggingFaceToken',
  HF_TOKEN_PATH: 'Give it as ai.huggingFaceToken',
  HOME: TAKE_OUT,
  HUGGING_FACE_HUB_TOKEN: 'Give it as ai.huggingFaceToken',
  LD_PRELOAD: 'Take it out: it puts other code into the server',
  NCCL_SOCKET_IFNAME: TAKE_OUT,
  PYTHONHOME: 'Take it out: it takes the server out of its environment',
  PYTHONPATH: 'Take it out: it takes the server out of its environment',
  VLLM_API_KEY: 'Give it as apiKey',
  VLLM_HOST_IP: TAKE_OUT,
  VLLM_NO_USAGE_STATS: TAKE_OUT,
};

/** Those whose values may be read by everybody, sorted by name. */
export function plainVariables(given: Variables): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given)
      .sort(byKey)
      .flatMap(([name, value]) => (value instanceof SecretRef ? [] : [[name, String(value)]])),
  );
}

/** Those whose values are secrets, sorted by name. */
export function secretVariables(given: Variables): [name: string, secret: SecretRef][] {
  return Object.entries(given)
    .sort(byKey)
    .flatMap(([name, value]): [string, SecretRef][] => (value instanceof SecretRef ? [[name, value]] : []));
}

export function variableProblems(given: Variables): OwnProblem[] {
  return Object.entries(given).flatMap(([name, value]): OwnProblem[] => {
    const property = `variables.${name}`;
    if (Object.hasOwn(OWN, name)) {
      return [
        {
          code: 'construct.model.variable-own',
          property,
          got: `${name} is not the inventory’s to set`,
          fix: OWN[name] ?? TAKE_OUT,
        },
      ];
    }
    if (!(value instanceof SecretRef) && /(KEY|TOKEN|PASSWORD|SECRET)$/i.test(name)) {
      return [
        {
          code: 'construct.model.variable-secret',
          property,
          got: `${name} looks like a secret, and everybody on the host can read the unit’s file`,
          fix: 'Name a secret: { secret: NAME }',
        },
      ];
    }
    return [];
  });
}
