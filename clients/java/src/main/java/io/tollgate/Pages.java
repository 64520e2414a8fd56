package io.tollgate;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.HashSet;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * The pages of a List call, each of which is asked for when it is needed.
 *
 * <pre>{@code
 * var request = ListUsageRecordsRequest.newBuilder().setWorkspaceId("acme").build();
 * for (var page : Pages.of(client.usage()::listUsageRecords, request)) {
 *   page.getRecordsList().forEach(record -> ...);
 * }
 * }</pre>
 *
 * @param <A> the response of the call
 */
public final class Pages<A extends Message> implements Iterable<A> {

  private static final String TOKEN = "page_token";
  private static final String NEXT_TOKEN = "next_page_token";

  private final Function<Message, A> list;
  private final Message first;

  private Pages(Function<Message, A> list, Message first) {
    this.list = list;
    this.first = first;
  }

  /**
   * The pages from that of the request's {@code page_token} on. Every iterator starts there. It
   * throws what the call throws, and {@link TollgateException} if the server gives a page token again,
   * as there would be no end.
   *
   * @param list the method of a stub, for example {@code client.usage()::listUsageRecords}
   * @throws IllegalArgumentException if the call has no pages
   */
  public static <Q extends Message, A extends Message> Pages<A> of(Function<Q, A> list, Q request) {
    field(request, TOKEN);
    // What follows is built from the request, and of its type.
    @SuppressWarnings("unchecked")
    Function<Message, A> ask = message -> list.apply((Q) message);
    return new Pages<>(ask, request);
  }

  /** Begins at the first page. */
  @Override
  public Iterator<A> iterator() {
    return new Walk();
  }

  /** The pages as a stream, in their order. */
  public Stream<A> stream() {
    return StreamSupport.stream(spliterator(), false);
  }

  private static FieldDescriptor field(Message message, String name) {
    FieldDescriptor field = message.getDescriptorForType().findFieldByName(name);
    if (field == null) {
      String type = message.getDescriptorForType().getName();
      throw new IllegalArgumentException(type + " has no " + name + ": the call has no pages");
    }
    return field;
  }

  private final class Walk implements Iterator<A> {
    private final Set<Object> seen = new HashSet<>();
    /** Null at the end. */
    private Message request = first;

    Walk() {
      seen.add(first.getField(field(first, TOKEN)));
    }

    @Override
    public boolean hasNext() {
      return request != null;
    }

    @Override
    public A next() {
      if (request == null) {
        throw new NoSuchElementException();
      }
      String token = (String) request.getField(field(request, TOKEN));
      if (!seen.add(token) && request != first) {
        throw new TollgateException("the server gave a page token again", null);
      }
      A page = list.apply(request);
      Object next = page.getField(field(page, NEXT_TOKEN));
      request =
          next.equals("")
              ? null
              : request.toBuilder().setField(field(request, TOKEN), next).build();
      return page;
    }
  }
}
