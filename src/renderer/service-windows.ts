import type { ServiceCard } from '../contract/bridge.ts';

export interface ServiceWindow {
  group: ServiceCard['group'];
  services: ServiceCard[];
}

/** As many panes as the hub has windows. */
const panes = 6;

/** One pane a service while they fit, else one a group, in the order in which the services come. */
export function serviceWindows(services: ServiceCard[]): ServiceWindow[] {
  if (services.length <= panes) return services.map((service) => ({ group: service.group, services: [service] }));
  return [...Map.groupBy(services, (service) => service.group)].map(([group, inside]) => ({ group, services: inside }));
}
