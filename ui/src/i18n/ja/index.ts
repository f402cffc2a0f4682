import { application } from "./application";
import { applications } from "./applications";
import { create } from "./create";
import { delivery } from "./delivery";
import { rollout } from "./rollout";
import { settings } from "./settings";
import { shell } from "./shell";
import { status } from "./status";

export const ja = { ...shell, ...status, ...applications, ...application, ...rollout, ...delivery, ...create, ...settings };
export { default as said } from "./said.json";
export { default as phrases } from "./phrases.json";
