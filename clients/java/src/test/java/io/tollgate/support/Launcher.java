package io.tollgate.support;

import io.grpc.StatusRuntimeException;
import io.tollgate.Client;
import io.tollgate.GuardRequest;
import java.time.Duration;
import java.util.Arrays;

/**
 * Runs a main class with the classes of gRPC loaded, which on a busy machine takes longer than the
 * default deadline of a call.
 */
public final class Launcher {
  private Launcher() {}

  public static void main(String[] arguments) throws ReflectiveOperationException {
    GuardRequest request = GuardRequest.builder("nowhere", "none").inputTokens(1).build();
    try (Client client = Client.builder().timeout(Duration.ofSeconds(30)).build()) {
      client.guard(request).close();
    } catch (StatusRuntimeException expected) {
      // There is no such workspace.
    }
    Class.forName(arguments[0])
        .getMethod("main", String[].class)
        .invoke(null, (Object) Arrays.copyOfRange(arguments, 1, arguments.length));
  }
}
