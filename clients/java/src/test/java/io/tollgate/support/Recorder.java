package io.tollgate.support;

import io.tollgate.Client;
import io.tollgate.GuardRequest;
import io.tollgate.Usage;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * A program that records and ends: {@code address workspace count how flush [queue file]},
 * without closing its client; how is {@code exit} or {@code kill}, flush the flush timeout.
 * Prints counts, and the time in milliseconds before it ends.
 */
public final class Recorder {
  private Recorder() {}

  public static void main(String[] arguments) throws InterruptedException {
    Client.Builder options =
        Client.builder()
            .address(arguments[0])
            .timeout(Wait.LONG)
            .queueMax(30)
            .flushTimeout(Duration.parse(arguments[4]));
    if (arguments.length > 5) {
      options.queuePath(Path.of(arguments[5]));
    }
    Client client = options.build();
    ExecutorService threads = Executors.newFixedThreadPool(40);
    for (int number = 0; number < Integer.parseInt(arguments[2]); number++) {
      GuardRequest request =
          GuardRequest.builder(arguments[1], "gpt-4.1")
              .inputTokens(1)
              .requestId("r" + number)
              .build();
      threads.execute(
          () ->
              client.guard(
                  request,
                  call -> {
                    call.record(Usage.of(1000, 100), call.model(), null);
                    return null;
                  }));
    }
    threads.shutdown();
    if (!threads.awaitTermination(4, TimeUnit.MINUTES)) {
      throw new IllegalStateException("the guards take too long");
    }
    System.out.println(client.stats());
    System.out.println(System.currentTimeMillis());
    System.out.flush();
    if (arguments[3].equals("kill")) {
      Runtime.getRuntime().halt(9);
    }
  }
}
