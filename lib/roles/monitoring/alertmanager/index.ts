export { AlertmanagerServer, type AlertmanagerServerProps } from './alertmanager-server.js';
export { ALERTMANAGER_VERSIONS, type AlertmanagerVersion, type Notification } from './notification.js';
export type { Inhibition, Receivers, Route, TimeWindow } from './routing.js';
