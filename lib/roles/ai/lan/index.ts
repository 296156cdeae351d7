export { LAN_DIRECTORY, LAN_SOCKET, lanConfiguration, type LanConfiguration } from './configuration.js';
export { LanSide, type LanSettings, type LanSideProps } from './lan-side.js';
