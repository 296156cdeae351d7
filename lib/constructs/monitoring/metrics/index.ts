export { METRICS, MetricCatalogue, SOURCES, type SeriesName } from './catalogue.js';
export { JOBS, TARGET_LABELS, type Job } from './jobs.js';
export { counter, gauge, histogram, summary, type Metric, type MetricSource } from './metric.js';
export { FIRST_TOKEN_BOUNDS, RETIRED_VLLM } from './vllm.js';
