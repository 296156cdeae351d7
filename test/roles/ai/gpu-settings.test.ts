import { expect, it } from 'vitest';
import { contentOf, inventoryOf, manifestOf } from '../../stacks/example.js';

it('the GPUs’ memory module is there from boot on, and its devices before any model looks for them', () => {
  const manifest = manifestOf(inventoryOf('citadel'), 'ai-node');
  expect(contentOf(manifest, '/etc/modules-load.d/citadel-nvidia.conf')).toBe('nvidia-uvm\n');
  const unit = contentOf(manifest, '/etc/systemd/system/citadel-gpu.service');
  // As root and outside the sandbox ("+"); a host that has no such program is no failure ("-").
  expect(unit).toContain('ExecStartPre=-+/usr/bin/nvidia-modprobe -c0 -u\n');
  expect(unit).toContain('CapabilityBoundingSet=CAP_SYS_ADMIN\n');
  expect(contentOf(manifest, '/etc/systemd/system/citadel-phi3.service')).toContain(
    'After=citadel-gpu.service\n',
  );
});
