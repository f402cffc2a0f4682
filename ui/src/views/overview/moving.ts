import { key } from "../../api/rows";
import type { Delivery, Row } from "../../api/types";

/** goesOn reports whether a delivery has not ended. */
const goesOn = (d: Delivery) => d.state === "Running" || d.state === "Waiting";

/**
 * onTheirWay returns the deliveries that get somewhere by themselves. One that is tried again and again, of an application
 * that needs somebody for what is wrong in git, is told of there alone.
 */
export function onTheirWay(deliveries: Delivery[], attention: Row[]): Delivery[] {
  const failed = new Set(attention.filter((row) => row.attention?.reason === "Failed" || row.attention?.reason === "InvalidSpec").map(key));
  return deliveries.filter((d) => goesOn(d) && !failed.has(key({ namespace: d.namespace, name: d.application })));
}
