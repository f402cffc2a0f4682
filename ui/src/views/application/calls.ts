// Where the calls of one application and of its objects are.

import type { Named, Right, Row } from "../../api/types";
import { t } from "../../i18n";

export const appPath = (row: Row) => `api/v1/applications/${encodeURIComponent(row.name)}`;
export const viewPath = (row: Row) => `api/v1/view/applications/${encodeURIComponent(row.namespace)}/${encodeURIComponent(row.name)}`;
export const scope = (row: Row) => ({ appNamespace: row.namespace, project: row.project });

/** ofObject returns what names an object in a call; a group that is empty is sent as such. */
export function ofObject(row: Row, node: Named & { version?: string }): string {
  const query = new URLSearchParams({ ...scope(row), group: node.group, version: node.version ?? "", kind: node.kind, namespace: node.namespace ?? "", resourceName: node.name });
  return query.toString();
}

/** missing returns why somebody may not do what needs a right, or undefined where he may. */
export const missing = (row: Row, right: Right) => (row.rights.includes(right) ? undefined : t("denied", { right }));
