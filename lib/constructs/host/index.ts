export {
  ExistingGroup,
  ExistingUser,
  UserAccount,
  UserGroup,
  type UserAccountProps,
  type UserGroupProps,
} from './account.js';
export { Aspects, type Aspect } from './aspects.js';
export { AptRepository, type AptRepositoryProps } from './apt-repository.js';
export { ManagedBlock, type ManagedBlockProps } from './block.js';
export { HealthCheck, type HealthCheckProps } from './check.js';
export type { Contribution, Trigger } from './contribution.js';
export { CronFile, type CronFileProps } from './cron-file.js';
export { Directory, type DirectoryProps } from './directory.js';
export { SystemdDropIn, type SystemdDropInProps } from './drop-in.js';
export { HostFile, type HostFileProps } from './file.js';
export { Host, type HostOs, type HostProps } from './host.js';
export { FirewallRules, type FirewallRulesProps } from './firewall.js';
export { IpProtocol, type IpProtocolProps } from './ip-protocol.js';
export { HostItem } from './item.js';
export type { ListenProps } from './listen.js';
export { LogrotateFile, type LogrotateFileProps } from './logrotate-file.js';
export { Mount, type MountProps, type MountSource } from './mount.js';
export type { OwnershipProps, PathLike } from './ownership.js';
export { AptPackage, type AptPackageProps } from './package.js';
export { PackageUnit, type PackageUnitProps } from './package-unit.js';
export { Port, type PortProps, type PortReach } from './port.js';
export { addRule, type OwnProblem } from './problems.js';
export { Symlink, type SymlinkProps } from './symlink.js';
export { hostsIn, synthesizeHosts, validateTree } from './synthesize.js';
export { SystemdUnit, type SystemdUnitProps } from './unit.js';
export type { DirectiveScalar, UnitSections } from './unit-sections.js';
export type { UnitStateProps } from './unit-state.js';
export { oncePerPass } from './validation-pass.js';
