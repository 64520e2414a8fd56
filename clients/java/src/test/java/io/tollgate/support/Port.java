package io.tollgate.support;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;

/**
 * A port where nobody listens yet. On Linux one that is bound can be listened on by a server all
 * the same, and is given to nobody else: before the server starts, or while it is down.
 */
public final class Port implements AutoCloseable {

  private final Socket kept = new Socket();
  private final int number;

  public Port() throws IOException {
    kept.setReuseAddress(true);
    kept.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    number = kept.getLocalPort();
    if (!System.getProperty("os.name").equals("Linux")) {
      kept.close();
    }
  }

  public int number() {
    return number;
  }

  @Override
  public void close() throws IOException {
    kept.close();
  }
}
