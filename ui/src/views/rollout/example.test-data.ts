// Rollouts for tests.

import type { Lane, Pod, RolloutView } from "../../api/types";

export const pod = (change: Partial<Pod> = {}): Pod => ({ name: "p", phase: "Running", ready: true, restarts: 0, created: "2026-01-01T00:00:00Z", ...change });
export const lane = (revision: number, role: Lane["role"], change: Partial<Lane> = {}): Lane => ({ role, replicaSet: `web-${revision}`, revision, hash: `h${revision}`, images: [], desired: 2, ready: 2, available: 2, pods: [pod({ name: `${revision}-a` }), pod({ name: `${revision}-b` })], ...change });
export const view = (lanes: Lane[], change: Partial<RolloutView> = {}): RolloutView => ({
  namespace: "demo", name: "web", strategy: "BlueGreen", phase: "Healthy", paused: false, aborted: false, conditions: [], desired: 2, ready: 2, available: 2, updated: 2, lanes, services: [{ name: "web", role: "active", hash: lanes.find((l) => l.role === "active" || l.role === "both")?.hash ?? "", addresses: 2 }],
  gates: [], actions: [], revisions: [], events: [], rights: [], ...change,
});
