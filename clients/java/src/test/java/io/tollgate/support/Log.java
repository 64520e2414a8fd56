package io.tollgate.support;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** What the client logs while this is open. */
public final class Log extends Handler implements AutoCloseable {

  private static final Logger LOGGER = Logger.getLogger("tollgate");

  private final List<String> lines = new CopyOnWriteArrayList<>();

  public Log() {
    LOGGER.addHandler(this);
    LOGGER.setUseParentHandlers(false);
  }

  public String text() {
    return String.join("\n", lines);
  }

  @Override
  public void publish(LogRecord entry) {
    lines.add(entry.getLevel() + " " + new SimpleFormatter().formatMessage(entry));
  }

  @Override
  public void flush() {}

  @Override
  public void close() {
    LOGGER.removeHandler(this);
    LOGGER.setUseParentHandlers(true);
  }
}
