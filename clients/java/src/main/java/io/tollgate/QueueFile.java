package io.tollgate;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import io.tollgate.v1.RecordUsageRequest;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The file behind a queue: records that wait survive the process.
 *
 * <p>JSON lines of {@code RecordUsageRequest}, appended when a record is queued and taken out once
 * it is delivered. A record that a crash leaves in the file although it was delivered is sent again
 * under the same request id and counted once. It is written for the end of the process, not of the
 * machine: nothing is forced to the disk. The caller serialises the calls.
 */
final class QueueFile {

  private static final System.Logger LOG = System.getLogger("tollgate");
  private static final long BYTES_MAX = 256L << 20;
  private static final JsonFormat.Printer PRINTER =
      JsonFormat.printer().omittingInsignificantWhitespace();
  private static final JsonFormat.Parser PARSER = JsonFormat.parser().ignoringUnknownFields();
  /** A lock of a file is the whole process's, so that its clients exclude one another here. */
  private static final Set<Path> IN_USE = ConcurrentHashMap.newKeySet();

  private final Path path;
  private final Path lockPath;
  private final FileChannel lock;
  private FileChannel file;
  private long size;
  private boolean closed;
  // The file has lines of records that wait in memory, some of them delivered by now, and from one
  // place on those which found no room there.
  private int inMemory;
  private long beyondAt;
  private int beyond;

  /** Opens the file; fails if it cannot be used or another client has it. */
  QueueFile(Path where) {
    path = where.toAbsolutePath().normalize();
    try {
      lockPath = existing(path.resolveSibling(path.getFileName() + ".lock"));
      if (!IN_USE.add(lockPath)) {
        throw inUse();
      }
      lock = lock();
      file = open();
      size = file.size();
    } catch (IOException error) {
      throw new UncheckedIOException(error.getMessage(), error);
    }
  }

  /** How many records wait in the file alone. */
  int beyond() {
    return beyond;
  }

  /** Reads what an earlier process has left: at most so many, the others stay beyond. */
  List<RecordUsageRequest> load(int count) {
    if (size == 0) {
      return List.of();
    }
    try (InputStream lines = new BufferedInputStream(Files.newInputStream(path))) {
      byte[] line = readLine(lines);
      boolean whole = true;
      for (; line.length > 0; line = readLine(lines)) {
        beyond++;
        whole = line[line.length - 1] == '\n';
      }
      if (!whole) {
        // A process was killed while it wrote; what follows must be on a line of its own.
        write(new byte[] {'\n'});
      }
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
    return remove(List.of(), count);
  }

  /** Writes one line, for a record that waits in memory too or only here; says if it could. */
  boolean append(RecordUsageRequest record, boolean room) {
    try {
      byte[] line = line(record);
      if (size + line.length > BYTES_MAX) {
        return false;
      }
      write(line);
    } catch (IOException | RuntimeException error) {
      LOG.log(Level.ERROR, "tollgate: cannot write " + path, error);
      return false;
    }
    if (room) {
      beyondAt = size;
      inMemory++;
    } else {
      beyond++;
    }
    return true;
  }

  /**
   * Says whether at least half of the lines in memory are done, and the rest can move up. The file
   * is rewritten only then, so that a record costs the same however long the queue is.
   */
  boolean wantsRemoval(int waiting) {
    if (closed || (waiting > 0 && beyond > 0)) {
      return false;
    }
    return (beyond > 0 || inMemory > 0) && inMemory >= 2 * waiting;
  }

  /** Forgets all but what waits in memory and what is beyond; reads up to {@code room} of that. */
  List<RecordUsageRequest> remove(List<RecordUsageRequest> kept, int room) {
    try {
      List<RecordUsageRequest> read = rewrite(kept, room);
      while (read.isEmpty() && beyond > 0) {
        read = rewrite(kept, room);
      }
      return read;
    } catch (IOException error) {
      LOG.log(Level.ERROR, "tollgate: cannot rewrite " + path, error);
      return List.of();
    }
  }

  /** Lets another client have the file. */
  void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      file.close();
      lock.close();
    } catch (IOException error) {
      LOG.log(Level.ERROR, "tollgate: cannot close " + path, error);
    }
    IN_USE.remove(lockPath);
  }

  private List<RecordUsageRequest> rewrite(List<RecordUsageRequest> kept, int room)
      throws IOException {
    if (kept.isEmpty() && beyond == 0) {
      file.truncate(0);
      size = 0;
      beyondAt = 0;
      inMemory = 0;
      return List.of();
    }
    Path next = path.resolveSibling(path.getFileName() + ".new");
    List<RecordUsageRequest> read = new ArrayList<>();
    int taken = 0;
    long place = 0;
    try (InputStream old = new BufferedInputStream(Files.newInputStream(path));
        OutputStream fresh = Files.newOutputStream(next)) {
      old.skipNBytes(beyondAt);
      for (; taken < Math.min(room, beyond); taken++) {
        parse(readLine(old)).ifPresent(read::add);
      }
      ByteArrayOutputStream lines = new ByteArrayOutputStream();
      for (RecordUsageRequest record : kept) {
        lines.write(line(record));
      }
      for (RecordUsageRequest record : read) {
        lines.write(line(record));
      }
      lines.writeTo(fresh);
      place = lines.size();
      old.transferTo(fresh);
    }
    Files.move(
        next, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    file.close();
    file = open();
    size = file.size();
    beyondAt = place;
    inMemory = kept.size() + read.size();
    beyond -= taken;
    return read;
  }

  private FileChannel open() throws IOException {
    return FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  /** Writes all or nothing. */
  private void write(byte[] line) throws IOException {
    try {
      ByteBuffer bytes = ByteBuffer.wrap(line);
      while (bytes.hasRemaining()) {
        file.write(bytes);
      }
      size += line.length;
    } catch (IOException error) {
      file.truncate(size);
      throw error;
    }
  }

  /** Closing any channel of a file lets go of its lock: it is not opened before it is ours. */
  private static Path existing(Path made) throws IOException {
    try {
      Files.createFile(made);
    } catch (FileAlreadyExistsException theUsualCase) {
      // An earlier client has left it.
    }
    return made.toRealPath();
  }

  private FileChannel lock() throws IOException {
    FileChannel channel = null;
    try {
      channel = FileChannel.open(lockPath, StandardOpenOption.WRITE);
      if (channel.tryLock() == null) {
        throw inUse();
      }
      return channel;
    } catch (IOException error) {
      IN_USE.remove(lockPath);
      if (channel != null) {
        channel.close();
      }
      throw error;
    }
  }

  private IOException inUse() {
    return new IOException("another client uses the queue file " + path);
  }

  private static byte[] line(RecordUsageRequest record) throws IOException {
    return (PRINTER.print(record) + "\n").getBytes(StandardCharsets.UTF_8);
  }

  /** Reads up to and with the end of the line; nothing at the end of the file. */
  private static byte[] readLine(InputStream lines) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream(512);
    for (int next = lines.read(); next >= 0; next = lines.read()) {
      line.write(next);
      if (next == '\n') {
        break;
      }
    }
    return line.toByteArray();
  }

  private static Optional<RecordUsageRequest> parse(byte[] line) {
    RecordUsageRequest.Builder record = RecordUsageRequest.newBuilder();
    try {
      PARSER.merge(new String(line, StandardCharsets.UTF_8), record);
      return Optional.of(record.build());
    } catch (InvalidProtocolBufferException error) {
      LOG.log(Level.ERROR, "tollgate: a line of the queue file is not a record", error);
      return Optional.empty();
    }
  }
}
