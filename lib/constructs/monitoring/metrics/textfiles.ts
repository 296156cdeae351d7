import { JOBS, TARGET_LABELS } from './jobs.js';
import { gauge, type MetricSource } from './metric.js';

/** What the programs of a host leave in textfiles, and what it is told to expect (`citadel-expected.prom`). */
export const TEXTFILES: MetricSource = {
  jobs: [JOBS.node],
  targetLabels: TARGET_LABELS,
  metrics: [
    gauge('citadel_backup_archive_damaged', 'archive model', 'One for each archive that cannot be read back'),
    gauge('citadel_backup_duration_seconds', 'backup model', 'How long the last backup took'),
    gauge('citadel_backup_expected', 'backup model', 'One for each backup that has to be made'),
    gauge('citadel_backup_last_run_success', 'backup', 'Whether the last run worked'),
    gauge('citadel_backup_last_run_timestamp_seconds', 'backup', 'When it last ran'),
    gauge('citadel_backup_last_success_timestamp_seconds', 'backup model', 'When a backup last worked'),
    gauge('citadel_backup_max_age_seconds', 'backup', 'How old the newest backup may become'),
    gauge('citadel_backup_size_bytes', 'backup model', 'Size of the newest archive'),
    gauge('citadel_backup_verify_last_run_timestamp_seconds', '', 'When archives were last read back'),
    gauge('citadel_backup_verify_last_success_timestamp_seconds', '', 'When all of them last were whole'),
    gauge('citadel_backup_verify_max_age_seconds', '', 'How long ago all of them may last have been whole'),
    gauge('citadel_backup_verify_success', 'model', 'Whether the newest archive of a model is whole'),
    gauge('citadel_config_drift_items', '', 'Managed items that differ from the current generation'),
    gauge('citadel_config_drift_last_check_timestamp_seconds', '', 'When the host last compared itself'),
    gauge('citadel_config_generation', '', 'Number of the current generation'),
    gauge('citadel_gpu_expected', '', 'GPUs that the host has to have'),
    gauge('citadel_model_expected', 'model', 'One for each model service of the host'),
    gauge('citadel_mount_expected', 'mountpoint', 'One for each mount that has to be there'),
    gauge('citadel_smart_critical_warning', 'device', 'Warnings of an NVMe disk, as bits; zero is none'),
    gauge('citadel_smart_healthy', 'device', 'Whether the disk’s own test says that it is well'),
    gauge('citadel_smart_last_run_timestamp_seconds', '', 'When the disks were last asked'),
    gauge('citadel_smart_media_errors', 'device', 'Blocks that an NVMe disk could not read back'),
    gauge('citadel_smart_pending_sectors', 'device', 'Sectors of a disk that cannot be read'),
    gauge('citadel_smart_reallocated_sectors', 'device', 'Sectors that a disk has given up'),
    gauge('citadel_smart_percentage_used_ratio', 'device', 'Share of its life that a disk has used'),
    gauge('citadel_smart_temperature_celsius', 'device', 'Temperature of a disk'),
  ],
};
