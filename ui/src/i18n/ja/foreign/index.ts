import calls from "./calls.json";
import causes from "./causes.json";
import doing from "./doing.json";
import kubernetes from "./kubernetes.json";
import manifests from "./manifests.json";
import operations from "./operations.json";
import settings from "./settings.json";
import sources from "./sources.json";

/** foreign are words for what the server says without a code and seldom: they come after the first view. */
export const foreign: Record<string, string> = { ...settings, ...sources, ...manifests, ...operations, ...calls, ...causes, ...doing, ...kubernetes };
