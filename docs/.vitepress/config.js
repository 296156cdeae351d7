import { existsSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitepress';

/** What typedoc wrote; `npm run docs` runs it first. */
const API = new URL('../api/typedoc-sidebar.json', import.meta.url);

const page = (text, link) => ({ text, link });

/** There is no highlighting for it. */
function promqlIsText({ tokens }) {
  for (const token of tokens) if (token.info === 'promql') token.info = 'txt';
}

/** The site of docs/: a dead link fails the build. Nothing is fetched from elsewhere, neither at build nor in the browser. */
export default defineConfig({
  title: 'Citadel IaC',
  description:
    'Host configuration as typed constructs: one document per host, applied in one transaction over SSH',
  cleanUrls: false,
  rewrites: { 'constructs/README.md': 'constructs/index.md', 'decisions/README.md': 'decisions/index.md' },
  // Pages speak of `HOST <name>` and of `{{ $labels.host }}`: text, neither markup nor code.
  markdown: {
    html: false,
    config(md) {
      md.core.ruler.push('promql', promqlIsText);
      for (const rule of ['text', 'code_inline']) {
        const rendered = md.renderer.rules[rule];
        md.renderer.rules[rule] = (...given) => rendered(...given).replaceAll('{{', '&#123;&#123;');
      }
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: { level: [2, 3] },
    sidebar: [
      {
        text: 'Set up',
        items: [
          page('A site of your own', '/site'),
          page('Inventory', '/inventory'),
          page('SSH', '/ssh'),
          page('Your own ssh', '/ssh-system-client'),
          page('Secrets', '/secrets'),
          page('A GPU node from delivery to first token', '/gpu-node'),
          page('GPUs and their driver', '/gpu'),
          page('Weights of models', '/weights'),
          page('Models on many nodes', '/gateway'),
          page('Roles', '/roles'),
        ],
      },
      {
        text: 'Constructs',
        items: [
          page('Writing a host', '/constructs/'),
          page('A general host', '/constructs/general-host'),
          page('AiNode', '/constructs/ai-node'),
          page('ModelServices', '/constructs/model-service'),
          page('PythonEnvironment', '/constructs/python-environment'),
          page('StorageLayout', '/constructs/storage-layout'),
          page('BackupPlan', '/constructs/backup-plan'),
          page('LogRotation', '/constructs/log-rotation'),
          page('DevOpsServer', '/constructs/dev-ops-server'),
          page('Alert rules', '/constructs/alert-rules'),
        ],
      },
      {
        text: 'Deploy',
        items: [
          page('Command line', '/command-line'),
          page('Review', '/review'),
          page('Adopt', '/adopt'),
          page('Engine', '/engine'),
          page('Terraform', '/terraform'),
          page('Terraform’s state', '/terraform/state'),
          page('The exec binding', '/terraform/exec-binding'),
          page('CDK Terrain and OpenTofu', '/terraform/cdk-terrain'),
        ],
      },
      {
        text: 'Operate',
        items: [
          page('Operations', '/operations'),
          page('Many hosts', '/fleet'),
          page('Runbook', '/runbook'),
          page('Rebuild', '/rebuild'),
          page('Retire', '/retire'),
          page('Kept elsewhere', '/offsite'),
          page('citadel', '/node/citadel'),
          page('citadel-deploy', '/node/citadel-deploy'),
          page('citadel-rollback', '/node/rollback'),
          page('Backups', '/node/backups'),
          page('Storage', '/node/storage-manager'),
          page('Monitoring of a node', '/node/monitoring'),
        ],
      },
      {
        text: 'About',
        items: [
          page('Decisions', '/decisions/'),
          page('Benchmarks', '/benchmarks'),
          page('Long checks', '/long-checks'),
        ],
      },
      { text: 'API', collapsed: true, items: existsSync(API) ? JSON.parse(readFileSync(API, 'utf8')) : [] },
    ],
  },
});
