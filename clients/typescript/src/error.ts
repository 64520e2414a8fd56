/** Everything that this package throws by itself; errors of gRPC stay `ConnectError`. */
export class TollgateError extends Error {
  override name = "TollgateError";
}
