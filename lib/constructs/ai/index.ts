export { ModelService, type ModelServiceProps } from './model-service.js';
export { ModelServices, type ServiceProps } from './model-services.js';
