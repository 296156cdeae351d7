export { Hostname, HostsEntries, Locale, TimeZone } from './identity.js';
export type { HostnameProps, HostsEntriesProps, LocaleProps, TimeZoneProps } from './identity.js';
export { KernelModule, Sysctl, type KernelModuleProps, type SysctlProps } from './kernel.js';
export { RunOnce, type RunOnceProps } from './run-once.js';
export { SshServer, SudoRule, type SshServerProps, type SudoRuleProps } from './access.js';
export { UnattendedUpgrades, type UnattendedUpgradesProps } from './apt-upgrades.js';
export { Journald, type JournaldProps } from './logging.js';
export { JournalUpload, type JournalUploadProps } from './journal-upload.js';
export { Resolver, TimeSync, type ResolverProps, type TimeSyncProps } from './network.js';
export { NginxSite, type NginxSiteProps } from './nginx-site.js';
export { Certificate, type CertificateProps } from './certificate.js';
export {
  Container,
  type ContainerPort,
  type ContainerProps,
  type ContainerVolume,
  type ImageArchive,
} from './container.js';
export { InitialFile, type InitialFileProps } from './initial-file.js';
export { ScheduledJob, type ScheduledJobProps } from './scheduled-job.js';
export { Swap, type SwapProps } from './swap.js';
export { AptPin, type AptPinProps } from './apt-pin.js';
export { DebconfAnswers, type DebconfAnswer, type DebconfAnswersProps } from './debconf-answers.js';
export { NetworkMount, type NetworkMountProps } from './network-mount.js';
export { WireGuard, type WireGuardPeer, type WireGuardProps } from './wireguard.js';
export { PostgresServer, type PostgresAccess, type PostgresServerProps } from './postgres.js';
