package io.tollgate.support;

import io.tollgate.Client;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The real binary, on a port and with a SQLite file of its own; can be killed and started. */
public final class Server implements AutoCloseable {

  private static Server shared;

  private final Path folder;
  private final Port port;
  private final String address;
  private Process process;

  public Server() throws IOException {
    folder = Files.createTempDirectory("tollgate-java");
    port = new Port();
    address = "127.0.0.1:" + port.number();
    start();
  }

  /** One server for all tests that leave it alone. */
  public static synchronized Server shared() throws IOException {
    if (shared == null) {
      shared = new Server();
      Runtime.getRuntime().addShutdownHook(new Thread(shared::close));
    }
    return shared;
  }

  public String address() {
    return address;
  }

  public void start() throws IOException {
    Path binary = Path.of(System.getenv("TOLLGATE_TEST_BINARY"));
    Path log = folder.resolve("server.log");
    process =
        new ProcessBuilder(
                binary.toString(),
                "serve",
                "--listen",
                address,
                "--create",
                "--database",
                "sqlite:" + folder.resolve("tollgate.db"))
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start();
    Wait.until(this::listens, () -> "no server: " + read(log));
  }

  /** SIGKILL. */
  public void kill() {
    process.destroyForcibly();
    try {
      process.waitFor();
    } catch (InterruptedException error) {
      throw new IllegalStateException(error);
    }
  }

  public void pause() throws IOException, InterruptedException {
    signal("STOP");
    Wait.until(this::isStopped, () -> "the server does not stop");
  }

  public void resume() throws IOException, InterruptedException {
    signal("CONT");
  }

  /** A client with a deadline that a busy machine keeps. */
  public Client client() {
    return Client.builder().address(address).timeout(Wait.LONG).build();
  }

  @Override
  public void close() {
    kill();
    try (port;
        var files = Files.walk(folder)) {
      files.sorted(java.util.Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    } catch (IOException error) {
      throw new java.io.UncheckedIOException(error);
    }
  }

  private void signal(String name) throws IOException, InterruptedException {
    String pid = Long.toString(process.pid());
    Process kill = new ProcessBuilder("kill", "-" + name, pid).start();
    if (!kill.waitFor(Wait.LONG.toSeconds(), TimeUnit.SECONDS) || kill.exitValue() != 0) {
      throw new IllegalStateException("kill failed");
    }
  }

  /** All of its threads, where the system tells of them: some may just be answering. */
  private boolean isStopped() {
    try (var threads = Files.list(Path.of("/proc", Long.toString(process.pid()), "task"))) {
      return threads.allMatch(thread -> read(thread.resolve("stat")).contains(") T "));
    } catch (IOException error) {
      return true;
    }
  }

  private boolean listens() {
    if (!process.isAlive()) {
      throw new AssertionError("no server: " + read(folder.resolve("server.log")));
    }
    String[] parts = address.split(":", -1);
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(parts[0], Integer.parseInt(parts[1])), 1000);
      return true;
    } catch (IOException error) {
      return false;
    }
  }

  private static String read(Path log) {
    try {
      return Files.readString(log);
    } catch (IOException error) {
      return error.toString();
    }
  }
}
