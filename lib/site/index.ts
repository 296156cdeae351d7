export type {
  AlertsContribution,
  BackupSetContribution,
  ClientContribution,
  ContributionKind,
  ContributionOf,
  DashboardContribution,
  DashboardImportContribution,
  DisksContribution,
  EndpointContribution,
  LogFileContribution,
  MetricsContribution,
  ModelClientContribution,
  ModelServerContribution,
  ProbeContribution,
  RoleContribution,
  ScraperContribution,
  ScrapeTargetContribution,
  StateContribution,
} from './contributions.js';
export type { Examiner } from './examiner.js';
export { failed, ok, skipped, warning, type Finding } from './finding.js';
export { Fleet, type FleetInventory, type Member } from './fleet.js';
export type { FolderFile, LockChange, LockedSource, LockResult, LockWorld, ModelLock } from './model-lock.js';
export type { RebootCare } from './reboot-care.js';
export type { Loss, RoleRecovery } from './recovery.js';
export type { Role } from './role.js';
export type { Silencer } from './silencer.js';
export { defineSite, type Site, type SiteProps } from './site.js';
export { ROLE_API_VERSION } from '../inventory/index.js';
