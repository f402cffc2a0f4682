export const delivery = {
  "delivery.track": "コミットの経路",
  "delivery.lead": "コミットから公開まで",
} as const;
