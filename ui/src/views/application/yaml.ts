// A value as YAML that people read: the page shows manifests, it never reads any.

const plain = /^[A-Za-z_./$(][\w ./$()@+=~^-]*$/;
const reserved = /^(?:true|false|yes|no|on|off|null|y|n|~)$/i;

function scalar(value: unknown, indent: string): string {
  if (value === null || value === undefined) return "null";
  if (typeof value !== "string") return JSON.stringify(value);
  if (value.includes("\n") && !/[^\P{C}\n\t]/u.test(value) && !/^[\s]/.test(value)) {
    const keep = value.endsWith("\n\n") ? "|+" : value.endsWith("\n") ? "|" : "|-";
    const body = value.replace(/\n$/, "").split("\n");
    return `${keep}\n${body.map((l) => (l === "" ? "" : `${indent}  ${l}`)).join("\n")}`;
  }
  return plain.test(value) && !value.endsWith(" ") && !reserved.test(value) ? value : JSON.stringify(value);
}

const empty = (value: unknown) => typeof value === "object" && value !== null && Object.keys(value).length === 0;

function put(value: unknown, indent: string, out: string[]): void {
  const entries: [string, unknown][] = Array.isArray(value) ? value.map((v) => ["-", v]) : Object.entries(value as object).map(([k, v]) => [`${scalar(k, "")}:`, v]);
  for (const [head, v] of entries) {
    if (empty(v)) out.push(`${indent}${head} ${Array.isArray(v) ? "[]" : "{}"}`);
    else if (typeof v !== "object" || v === null) out.push(`${indent}${head} ${scalar(v, indent)}`);
    else if (head === "-") {
      const inner: string[] = [];
      put(v, `${indent}  `, inner);
      out.push(`${indent}- ${inner[0]!.slice(indent.length + 2)}`, ...inner.slice(1));
    } else {
      out.push(`${indent}${head}`);
      put(v, Array.isArray(v) ? indent : `${indent}  `, out);
    }
  }
}

/** yaml returns a value as YAML. */
export function yaml(value: unknown): string {
  if (typeof value !== "object" || value === null || empty(value)) return `${empty(value) ? JSON.stringify(value) : scalar(value, "")}\n`;
  const out: string[] = [];
  put(value, "", out);
  return `${out.join("\n")}\n`;
}

/** withoutManagers returns a manifest without the record of who set which field. */
export function withoutManagers(manifest: unknown): unknown {
  const object = manifest as { metadata?: Record<string, unknown> };
  if (!object?.metadata?.managedFields) return manifest;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

export type Piece = { text: string; is?: "key" | "value" | "comment" };

/** pieces returns a line of YAML in parts that are coloured. */
export function pieces(line: string): Piece[] {
  if (/^\s*#/.test(line)) return [{ text: line, is: "comment" }];
  const found = /^(\s*(?:- )*)("[^"]*"|[^\s:"'][^:]*)(:)(\s.*|)$/.exec(line);
  if (!found) return [{ text: line }];
  return [{ text: found[1]! }, { text: found[2]! + found[3]!, is: "key" }, { text: found[4]!, is: "value" }];
}
