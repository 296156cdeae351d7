import { Construct } from 'constructs';
import { addRule, SystemdUnit, type OwnProblem } from '../host/index.js';
import { ModelService, type ModelServiceProps } from './model-service.js';

export type ServiceProps = Omit<ModelServiceProps, 'partOf' | 'after'>;

/**
 * Memory of a GPU that no service may claim: each process needs some for its CUDA context, beyond what vLLM counts.
 */
const RESERVE = 0.05;

/** All model services of a host, under `citadel-models.target`, and the memory they share. */
export class ModelServices extends Construct {
  readonly target: SystemdUnit;
  private readonly services = new Map<string, ServiceProps>();

  constructor(
    scope: Construct,
    id: string,
    props: { readonly models: Readonly<Record<string, ServiceProps>> },
  ) {
    super(scope, id);
    this.target = new SystemdUnit(this, 'target', {
      name: 'citadel-models.target',
      unit: { Description: 'Citadel model services' },
      install: { WantedBy: 'multi-user.target' },
      wave: 1,
    });
    for (const name of Object.keys(props.models).sort()) {
      const service = props.models[name];
      if (service === undefined) continue;
      const after = [...this.services]
        .filter(([, other]) => shares(service, other))
        .map(([other]) => ModelService.unitName(other));
      new ModelService(this, name, { ...service, partOf: this.target, after });
      this.services.set(name, service);
    }
    addRule(this, () => this.overBudget());
  }

  private overBudget(): OwnProblem[] {
    const gpus = [...new Set([...this.services.values()].flatMap((service) => service.gpus))].sort(
      (a, b) => a - b,
    );
    return gpus.flatMap((gpu) => {
      const users = [...this.services].filter(([, { gpus: own }]) => own.includes(gpu));
      const total = users.reduce((sum, [, { gpuMemoryUtilization }]) => sum + gpuMemoryUtilization, 0);
      // Shares are given with two decimals; the sum of 0.4 and 0.55 must count as 0.95.
      if (Math.round(total * 1000) <= Math.round((1 - RESERVE) * 1000)) return [];
      const claims = users
        .map(([name, { gpuMemoryUtilization }]) => `${name} ${gpuMemoryUtilization}`)
        .join(', ');
      return [
        {
          code: 'construct.gpu.over-budget',
          property: 'gpuMemoryUtilization',
          got: `GPU ${gpu} is asked for ${total.toFixed(2)} of its memory (${claims})`,
          fix: `Keep the sum at or below ${(1 - RESERVE).toFixed(2)}, or move a service to another GPU`,
        },
      ];
    });
  }
}

function shares(a: ServiceProps, b: ServiceProps): boolean {
  return a.gpus.some((gpu) => b.gpus.includes(gpu));
}
