export const delivery = {
  "delivery.track": "The way of the commit",
  "delivery.lead": "from commit to traffic",
} as const;
