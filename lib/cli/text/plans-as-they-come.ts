import type { HostPlan } from '../../engine/model.js';
import { hostsText } from './hosts.js';
import { planText, type PlanHeading } from './plan.js';
import { isWorthShowing } from './plans.js';
import type { Style } from './style.js';

/** Plans as a person reads them one after another, each when its host has been read. */
export class PlansAsTheyCome {
  /** Host by the text of its plan. */
  readonly #first = new Map<string, string>();
  readonly #idle: string[] = [];

  constructor(private readonly style: Style) {}

  /** The plan; of one that another host has had, a line that names that host; of one with nothing to see, nothing yet. */
  add(plan: HostPlan, heading: PlanHeading): string {
    const { host } = plan;
    if (!isWorthShowing(plan)) {
      this.#idle.push(host);
      return '';
    }
    const text = planText({ ...plan, host: '' }, { where: '', generation: false }, this.style);
    const first = this.#first.get(text);
    if (first !== undefined) return `${this.style.bold(host)}  the same as ${first}\n\n`;
    this.#first.set(text, host);
    return `${planText(plan, heading, this.style)}\n`;
  }

  /** Those with nothing to do. */
  rest(): string {
    const idle = [...this.#idle].sort();
    return idle.length === 0 ? '' : `${this.style.green('Nothing to do')} on ${hostsText(idle)}.\n\n`;
  }
}
