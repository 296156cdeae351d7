import { JOBS, TARGET_LABELS } from './jobs.js';
import { counter, gauge, type MetricSource } from './metric.js';

/** The AI node's own exporter, port 8000. Label `model` is the service's name in the inventory. */
export const CITADEL: MetricSource = {
  jobs: [JOBS.citadel],
  targetLabels: TARGET_LABELS,
  metrics: [
    gauge('citadel_collector_duration_seconds', 'collector', 'How long a part of the exporter took'),
    gauge('citadel_collector_last_run_timestamp_seconds', 'collector', 'When it last ran'),
    gauge('citadel_collector_success', 'collector', 'Whether it worked'),
    counter(
      'citadel_gpu_ecc_uncorrected_errors_total',
      'gpu',
      'Memory errors that the GPU could not correct',
    ),
    gauge('citadel_gpu_memory_total_bytes', 'gpu', 'Memory of the GPU'),
    gauge('citadel_gpu_memory_used_bytes', 'gpu', 'Memory in use on the GPU'),
    gauge('citadel_gpu_power_draw_watts', 'gpu', 'Power that the GPU takes'),
    gauge('citadel_gpu_power_limit_watts', 'gpu', 'Power that it may take'),
    gauge('citadel_gpu_query_success', '', 'Whether nvidia-smi answered'),
    gauge('citadel_gpu_temperature_celsius', 'gpu', 'Temperature of the GPU'),
    gauge('citadel_gpu_utilization_ratio', 'gpu', 'Share of the time that the GPU was busy'),
    gauge('citadel_model_probe_duration_seconds', 'model', 'How long the last one-token request took'),
    gauge(
      'citadel_model_probe_last_success_timestamp_seconds',
      'model',
      'When a one-token request last gave a token',
    ),
    gauge('citadel_model_probe_success', 'model', 'Whether the last one-token request gave a token'),
    gauge('citadel_model_service_active', 'model', 'Whether systemd calls the service active'),
    gauge('citadel_model_up', 'model', 'Whether the service answers /health'),
    counter('citadel_monitor_model_restarts_total', 'model', 'Restarts by the node’s own monitor'),
    gauge('citadel_service_active', 'unit', 'Whether a unit of Citadel is active'),
    gauge('citadel_storage_available_bytes', 'mountpoint', 'Space left'),
    gauge('citadel_storage_link_ok', 'path', 'Whether a link leads where it should'),
    gauge('citadel_storage_mounted', 'mountpoint', 'Whether the right disk is mounted'),
    gauge('citadel_storage_size_bytes', 'mountpoint', 'Size'),
    gauge('citadel_system_boot_time_seconds', '', 'When the machine booted'),
    gauge('citadel_system_cpu_ratio', '', 'Share of the processors in use'),
    gauge('citadel_system_load1', '', 'Load average over one minute'),
    gauge('citadel_system_memory_used_ratio', '', 'Share of the memory in use'),
  ],
};
