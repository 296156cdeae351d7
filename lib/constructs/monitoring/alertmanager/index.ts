export { AlertmanagerServer, type AlertmanagerServerProps } from './alertmanager-server.js';
export type { Inhibition, Notification, Receivers, Route, TimeWindow } from './routing.js';
