import { CITADEL, on } from '../../../constructs/monitoring/alerts/spec.js';

/** A GPU as it stands in tests. */
export const GPU = { ...CITADEL, gpu: '0' };
export const SMI = on('$host', 'nvidia-smi', 'shows the GPUs, their temperature, and who uses them');
export const KERNEL = on(
  '$host',
  'sudo dmesg -T | grep -i -E "nvrm|xid" | tail',
  'shows what the driver met; 79 is a GPU that fell off the bus',
);
