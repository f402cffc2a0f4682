/** Refusal is what the server answers where it does not do what was asked; its status is 0 where it does not answer. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}
