import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Seconds that a file takes on a machine with two cores, rounded, of files that take long. A fresh clone has no times of its own, and
 * a file's size says little: one that is begun last and takes minutes keeps all other workers waiting at the end.
 */
export const LONG: Readonly<Record<string, number>> = {
  'test/e2e/ai-node.test.ts': 220,
  'test/e2e/dev-ops.test.ts': 200,
  'test/e2e/node-monitoring.test.ts': 170,
  'test/e2e/sandbox.test.ts': 160,
  'test/node/python.test.ts': 260,
  'test/package/package.test.ts': 180,
  'test/terraform/provider/lifecycle.test.ts': 160,
  'test/roles/monitoring/mutants.test.ts': 140,
  'test/terraform/binding/two-clones.test.ts': 130,
  'test/terraform/provider/absent-document.test.ts': 110,
  'test/engine/remote/random-documents.test.ts': 100,
  'test/engine/remote/way-back.test.ts': 90,
  'test/cli/adopt/offline.test.ts': 90,
  'test/docs/ci.test.ts': 80,
  'test/engine/remote/undo-failed.test.ts': 70,
  'test/scripts/demo.test.ts': 70,
  'test/engine/remote/originals-kinds.test.ts': 70,
  'test/engine/remote/transaction.test.ts': 70,
  'test/terraform/binding/cdktf.test.ts': 50,
  'test/roles/monitoring/alerts.test.ts': 50,
};

/** Files that take long first, then the others in vitest's own order; projects stay one after the other. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const usual = await super.sort(files);
    const projects = [...new Set(usual.map(({ project }) => project.name))];
    const rank = ({ project, moduleId }: TestSpecification): readonly [number, number] => [
      projects.indexOf(project.name),
      -(LONG[relative(this.ctx.config.root, moduleId)] ?? 0),
    ];
    // Stable: files of one rank keep vitest's order.
    return usual.sort((a, b) => {
      const [[projectA, timeA], [projectB, timeB]] = [rank(a), rank(b)];
      return projectA - projectB || timeA - timeB;
    });
  }
}
