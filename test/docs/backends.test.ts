import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tool } from '../stacks/tools.js';
import { blocksOf, exampleProject, typeProblems } from './pages.js';

const EXAMPLES = blocksOf('docs/terraform/state.md');
const address = 'https://state.example.internal/citadel/ai-node';

/** Terraform's own names of what the examples declare. */
const BACKENDS: Readonly<Record<string, unknown>> = {
  'state-1.ts': {
    s3: {
      bucket: 'example-terraform',
      key: 'citadel/ai-node.tfstate',
      region: 'eu-central-1',
      encrypt: true,
      use_lockfile: true,
    },
  },
  'state-2.ts': {
    pg: {
      conn_str: 'postgres://db.example.internal/terraform?sslmode=verify-full',
      schema_name: 'citadel_ai_node',
    },
  },
  'state-3.ts': { http: { address, lock_address: address, unlock_address: address } },
};

describe('the page about the state', () => {
  it('has examples whose types are right', () => {
    const root = exampleProject(EXAMPLES);
    expect(Object.keys(EXAMPLES)).toEqual(Object.keys(BACKENDS));
    expect(typeProblems(root, Object.keys(EXAMPLES))).toEqual([]);
  }, 120_000);

  it.each(Object.entries(BACKENDS))('%s keeps the state where it says', (name, backend) => {
    const root = exampleProject(EXAMPLES);
    const { status, output } = tool(process.execPath, ['--import', 'tsx', name], { cwd: root });
    expect(status, output).toBe(0);
    const json = JSON.parse(readFileSync(join(root, 'cdktf.out/stacks/ai-node/cdk.tf.json'), 'utf8')) as {
      readonly terraform: { readonly backend: unknown };
    };
    expect(json.terraform.backend).toEqual(backend);
  });
});
