package io.tollgate.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Knows users, departments, assistants, workflows, features, projects and investigations by their
 * ids. Nothing has to be registered before it is used: an id that was only seen in usage is listed
 * as such.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class DirectoryServiceGrpc {

  private DirectoryServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "tollgate.v1.DirectoryService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.UpsertEntriesRequest,
      io.tollgate.v1.UpsertEntriesResponse> getUpsertEntriesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpsertEntries",
      requestType = io.tollgate.v1.UpsertEntriesRequest.class,
      responseType = io.tollgate.v1.UpsertEntriesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.UpsertEntriesRequest,
      io.tollgate.v1.UpsertEntriesResponse> getUpsertEntriesMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.UpsertEntriesRequest, io.tollgate.v1.UpsertEntriesResponse> getUpsertEntriesMethod;
    if ((getUpsertEntriesMethod = DirectoryServiceGrpc.getUpsertEntriesMethod) == null) {
      synchronized (DirectoryServiceGrpc.class) {
        if ((getUpsertEntriesMethod = DirectoryServiceGrpc.getUpsertEntriesMethod) == null) {
          DirectoryServiceGrpc.getUpsertEntriesMethod = getUpsertEntriesMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.UpsertEntriesRequest, io.tollgate.v1.UpsertEntriesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpsertEntries"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.UpsertEntriesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.UpsertEntriesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DirectoryServiceMethodDescriptorSupplier("UpsertEntries"))
              .build();
        }
      }
    }
    return getUpsertEntriesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.GetEntryRequest,
      io.tollgate.v1.GetEntryResponse> getGetEntryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetEntry",
      requestType = io.tollgate.v1.GetEntryRequest.class,
      responseType = io.tollgate.v1.GetEntryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.GetEntryRequest,
      io.tollgate.v1.GetEntryResponse> getGetEntryMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.GetEntryRequest, io.tollgate.v1.GetEntryResponse> getGetEntryMethod;
    if ((getGetEntryMethod = DirectoryServiceGrpc.getGetEntryMethod) == null) {
      synchronized (DirectoryServiceGrpc.class) {
        if ((getGetEntryMethod = DirectoryServiceGrpc.getGetEntryMethod) == null) {
          DirectoryServiceGrpc.getGetEntryMethod = getGetEntryMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.GetEntryRequest, io.tollgate.v1.GetEntryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetEntry"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetEntryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetEntryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DirectoryServiceMethodDescriptorSupplier("GetEntry"))
              .build();
        }
      }
    }
    return getGetEntryMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListEntriesRequest,
      io.tollgate.v1.ListEntriesResponse> getListEntriesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListEntries",
      requestType = io.tollgate.v1.ListEntriesRequest.class,
      responseType = io.tollgate.v1.ListEntriesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListEntriesRequest,
      io.tollgate.v1.ListEntriesResponse> getListEntriesMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListEntriesRequest, io.tollgate.v1.ListEntriesResponse> getListEntriesMethod;
    if ((getListEntriesMethod = DirectoryServiceGrpc.getListEntriesMethod) == null) {
      synchronized (DirectoryServiceGrpc.class) {
        if ((getListEntriesMethod = DirectoryServiceGrpc.getListEntriesMethod) == null) {
          DirectoryServiceGrpc.getListEntriesMethod = getListEntriesMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListEntriesRequest, io.tollgate.v1.ListEntriesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListEntries"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListEntriesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListEntriesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DirectoryServiceMethodDescriptorSupplier("ListEntries"))
              .build();
        }
      }
    }
    return getListEntriesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ArchiveEntriesRequest,
      io.tollgate.v1.ArchiveEntriesResponse> getArchiveEntriesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ArchiveEntries",
      requestType = io.tollgate.v1.ArchiveEntriesRequest.class,
      responseType = io.tollgate.v1.ArchiveEntriesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ArchiveEntriesRequest,
      io.tollgate.v1.ArchiveEntriesResponse> getArchiveEntriesMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ArchiveEntriesRequest, io.tollgate.v1.ArchiveEntriesResponse> getArchiveEntriesMethod;
    if ((getArchiveEntriesMethod = DirectoryServiceGrpc.getArchiveEntriesMethod) == null) {
      synchronized (DirectoryServiceGrpc.class) {
        if ((getArchiveEntriesMethod = DirectoryServiceGrpc.getArchiveEntriesMethod) == null) {
          DirectoryServiceGrpc.getArchiveEntriesMethod = getArchiveEntriesMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ArchiveEntriesRequest, io.tollgate.v1.ArchiveEntriesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ArchiveEntries"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ArchiveEntriesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ArchiveEntriesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DirectoryServiceMethodDescriptorSupplier("ArchiveEntries"))
              .build();
        }
      }
    }
    return getArchiveEntriesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.RestoreEntriesRequest,
      io.tollgate.v1.RestoreEntriesResponse> getRestoreEntriesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RestoreEntries",
      requestType = io.tollgate.v1.RestoreEntriesRequest.class,
      responseType = io.tollgate.v1.RestoreEntriesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.RestoreEntriesRequest,
      io.tollgate.v1.RestoreEntriesResponse> getRestoreEntriesMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.RestoreEntriesRequest, io.tollgate.v1.RestoreEntriesResponse> getRestoreEntriesMethod;
    if ((getRestoreEntriesMethod = DirectoryServiceGrpc.getRestoreEntriesMethod) == null) {
      synchronized (DirectoryServiceGrpc.class) {
        if ((getRestoreEntriesMethod = DirectoryServiceGrpc.getRestoreEntriesMethod) == null) {
          DirectoryServiceGrpc.getRestoreEntriesMethod = getRestoreEntriesMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.RestoreEntriesRequest, io.tollgate.v1.RestoreEntriesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RestoreEntries"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.RestoreEntriesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.RestoreEntriesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DirectoryServiceMethodDescriptorSupplier("RestoreEntries"))
              .build();
        }
      }
    }
    return getRestoreEntriesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.EraseUserRequest,
      io.tollgate.v1.EraseUserResponse> getEraseUserMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "EraseUser",
      requestType = io.tollgate.v1.EraseUserRequest.class,
      responseType = io.tollgate.v1.EraseUserResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.EraseUserRequest,
      io.tollgate.v1.EraseUserResponse> getEraseUserMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.EraseUserRequest, io.tollgate.v1.EraseUserResponse> getEraseUserMethod;
    if ((getEraseUserMethod = DirectoryServiceGrpc.getEraseUserMethod) == null) {
      synchronized (DirectoryServiceGrpc.class) {
        if ((getEraseUserMethod = DirectoryServiceGrpc.getEraseUserMethod) == null) {
          DirectoryServiceGrpc.getEraseUserMethod = getEraseUserMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.EraseUserRequest, io.tollgate.v1.EraseUserResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "EraseUser"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.EraseUserRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.EraseUserResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DirectoryServiceMethodDescriptorSupplier("EraseUser"))
              .build();
        }
      }
    }
    return getEraseUserMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static DirectoryServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DirectoryServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DirectoryServiceStub>() {
        @java.lang.Override
        public DirectoryServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DirectoryServiceStub(channel, callOptions);
        }
      };
    return DirectoryServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static DirectoryServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DirectoryServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DirectoryServiceBlockingV2Stub>() {
        @java.lang.Override
        public DirectoryServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DirectoryServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return DirectoryServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static DirectoryServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DirectoryServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DirectoryServiceBlockingStub>() {
        @java.lang.Override
        public DirectoryServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DirectoryServiceBlockingStub(channel, callOptions);
        }
      };
    return DirectoryServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static DirectoryServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DirectoryServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DirectoryServiceFutureStub>() {
        @java.lang.Override
        public DirectoryServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DirectoryServiceFutureStub(channel, callOptions);
        }
      };
    return DirectoryServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Knows users, departments, assistants, workflows, features, projects and investigations by their
   * ids. Nothing has to be registered before it is used: an id that was only seen in usage is listed
   * as such.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Registers entries, or replaces what is registered under their ids: all of them or none. An
     * entry that is archived stays archived. Another department of a user counts from the next
     * request on; what was recorded keeps the department of its day.
     * </pre>
     */
    default void upsertEntries(io.tollgate.v1.UpsertEntriesRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.UpsertEntriesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpsertEntriesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns one entry, registered or seen in usage.
     * </pre>
     */
    default void getEntry(io.tollgate.v1.GetEntryRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetEntryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetEntryMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists entries of one kind by id: those that are registered, and those seen in usage.
     * </pre>
     */
    default void listEntries(io.tollgate.v1.ListEntriesRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListEntriesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListEntriesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Archives registered entries: they are no longer listed, nor counted as users, unless asked
     * for. Usage may still name them. All or none; one that is archived already stays as it is.
     * </pre>
     */
    default void archiveEntries(io.tollgate.v1.ArchiveEntriesRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ArchiveEntriesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getArchiveEntriesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Takes entries back out of the archive. All or none.
     * </pre>
     */
    default void restoreEntries(io.tollgate.v1.RestoreEntriesRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.RestoreEntriesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRestoreEntriesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Removes a user (right to erasure): its entry, its quotas and rate limits are deleted, and a
     * pseudonym that nobody can lead back takes the place of its id everywhere else, in the usage
     * log too. Every sum stays as it was. Cannot be undone. A request in flight is recorded under
     * the pseudonym.
     * </pre>
     */
    default void eraseUser(io.tollgate.v1.EraseUserRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.EraseUserResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getEraseUserMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service DirectoryService.
   * <pre>
   * Knows users, departments, assistants, workflows, features, projects and investigations by their
   * ids. Nothing has to be registered before it is used: an id that was only seen in usage is listed
   * as such.
   * </pre>
   */
  public static abstract class DirectoryServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return DirectoryServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service DirectoryService.
   * <pre>
   * Knows users, departments, assistants, workflows, features, projects and investigations by their
   * ids. Nothing has to be registered before it is used: an id that was only seen in usage is listed
   * as such.
   * </pre>
   */
  public static final class DirectoryServiceStub
      extends io.grpc.stub.AbstractAsyncStub<DirectoryServiceStub> {
    private DirectoryServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DirectoryServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DirectoryServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Registers entries, or replaces what is registered under their ids: all of them or none. An
     * entry that is archived stays archived. Another department of a user counts from the next
     * request on; what was recorded keeps the department of its day.
     * </pre>
     */
    public void upsertEntries(io.tollgate.v1.UpsertEntriesRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.UpsertEntriesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpsertEntriesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns one entry, registered or seen in usage.
     * </pre>
     */
    public void getEntry(io.tollgate.v1.GetEntryRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetEntryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetEntryMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists entries of one kind by id: those that are registered, and those seen in usage.
     * </pre>
     */
    public void listEntries(io.tollgate.v1.ListEntriesRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListEntriesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListEntriesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Archives registered entries: they are no longer listed, nor counted as users, unless asked
     * for. Usage may still name them. All or none; one that is archived already stays as it is.
     * </pre>
     */
    public void archiveEntries(io.tollgate.v1.ArchiveEntriesRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ArchiveEntriesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getArchiveEntriesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Takes entries back out of the archive. All or none.
     * </pre>
     */
    public void restoreEntries(io.tollgate.v1.RestoreEntriesRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.RestoreEntriesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRestoreEntriesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Removes a user (right to erasure): its entry, its quotas and rate limits are deleted, and a
     * pseudonym that nobody can lead back takes the place of its id everywhere else, in the usage
     * log too. Every sum stays as it was. Cannot be undone. A request in flight is recorded under
     * the pseudonym.
     * </pre>
     */
    public void eraseUser(io.tollgate.v1.EraseUserRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.EraseUserResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getEraseUserMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service DirectoryService.
   * <pre>
   * Knows users, departments, assistants, workflows, features, projects and investigations by their
   * ids. Nothing has to be registered before it is used: an id that was only seen in usage is listed
   * as such.
   * </pre>
   */
  public static final class DirectoryServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<DirectoryServiceBlockingV2Stub> {
    private DirectoryServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DirectoryServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DirectoryServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Registers entries, or replaces what is registered under their ids: all of them or none. An
     * entry that is archived stays archived. Another department of a user counts from the next
     * request on; what was recorded keeps the department of its day.
     * </pre>
     */
    public io.tollgate.v1.UpsertEntriesResponse upsertEntries(io.tollgate.v1.UpsertEntriesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpsertEntriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one entry, registered or seen in usage.
     * </pre>
     */
    public io.tollgate.v1.GetEntryResponse getEntry(io.tollgate.v1.GetEntryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetEntryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists entries of one kind by id: those that are registered, and those seen in usage.
     * </pre>
     */
    public io.tollgate.v1.ListEntriesResponse listEntries(io.tollgate.v1.ListEntriesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListEntriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Archives registered entries: they are no longer listed, nor counted as users, unless asked
     * for. Usage may still name them. All or none; one that is archived already stays as it is.
     * </pre>
     */
    public io.tollgate.v1.ArchiveEntriesResponse archiveEntries(io.tollgate.v1.ArchiveEntriesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getArchiveEntriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes entries back out of the archive. All or none.
     * </pre>
     */
    public io.tollgate.v1.RestoreEntriesResponse restoreEntries(io.tollgate.v1.RestoreEntriesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRestoreEntriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Removes a user (right to erasure): its entry, its quotas and rate limits are deleted, and a
     * pseudonym that nobody can lead back takes the place of its id everywhere else, in the usage
     * log too. Every sum stays as it was. Cannot be undone. A request in flight is recorded under
     * the pseudonym.
     * </pre>
     */
    public io.tollgate.v1.EraseUserResponse eraseUser(io.tollgate.v1.EraseUserRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getEraseUserMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service DirectoryService.
   * <pre>
   * Knows users, departments, assistants, workflows, features, projects and investigations by their
   * ids. Nothing has to be registered before it is used: an id that was only seen in usage is listed
   * as such.
   * </pre>
   */
  public static final class DirectoryServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<DirectoryServiceBlockingStub> {
    private DirectoryServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DirectoryServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DirectoryServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Registers entries, or replaces what is registered under their ids: all of them or none. An
     * entry that is archived stays archived. Another department of a user counts from the next
     * request on; what was recorded keeps the department of its day.
     * </pre>
     */
    public io.tollgate.v1.UpsertEntriesResponse upsertEntries(io.tollgate.v1.UpsertEntriesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpsertEntriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one entry, registered or seen in usage.
     * </pre>
     */
    public io.tollgate.v1.GetEntryResponse getEntry(io.tollgate.v1.GetEntryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetEntryMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists entries of one kind by id: those that are registered, and those seen in usage.
     * </pre>
     */
    public io.tollgate.v1.ListEntriesResponse listEntries(io.tollgate.v1.ListEntriesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListEntriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Archives registered entries: they are no longer listed, nor counted as users, unless asked
     * for. Usage may still name them. All or none; one that is archived already stays as it is.
     * </pre>
     */
    public io.tollgate.v1.ArchiveEntriesResponse archiveEntries(io.tollgate.v1.ArchiveEntriesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getArchiveEntriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Takes entries back out of the archive. All or none.
     * </pre>
     */
    public io.tollgate.v1.RestoreEntriesResponse restoreEntries(io.tollgate.v1.RestoreEntriesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRestoreEntriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Removes a user (right to erasure): its entry, its quotas and rate limits are deleted, and a
     * pseudonym that nobody can lead back takes the place of its id everywhere else, in the usage
     * log too. Every sum stays as it was. Cannot be undone. A request in flight is recorded under
     * the pseudonym.
     * </pre>
     */
    public io.tollgate.v1.EraseUserResponse eraseUser(io.tollgate.v1.EraseUserRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getEraseUserMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service DirectoryService.
   * <pre>
   * Knows users, departments, assistants, workflows, features, projects and investigations by their
   * ids. Nothing has to be registered before it is used: an id that was only seen in usage is listed
   * as such.
   * </pre>
   */
  public static final class DirectoryServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<DirectoryServiceFutureStub> {
    private DirectoryServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DirectoryServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DirectoryServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Registers entries, or replaces what is registered under their ids: all of them or none. An
     * entry that is archived stays archived. Another department of a user counts from the next
     * request on; what was recorded keeps the department of its day.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.UpsertEntriesResponse> upsertEntries(
        io.tollgate.v1.UpsertEntriesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpsertEntriesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns one entry, registered or seen in usage.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.GetEntryResponse> getEntry(
        io.tollgate.v1.GetEntryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetEntryMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists entries of one kind by id: those that are registered, and those seen in usage.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListEntriesResponse> listEntries(
        io.tollgate.v1.ListEntriesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListEntriesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Archives registered entries: they are no longer listed, nor counted as users, unless asked
     * for. Usage may still name them. All or none; one that is archived already stays as it is.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ArchiveEntriesResponse> archiveEntries(
        io.tollgate.v1.ArchiveEntriesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getArchiveEntriesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Takes entries back out of the archive. All or none.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.RestoreEntriesResponse> restoreEntries(
        io.tollgate.v1.RestoreEntriesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRestoreEntriesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Removes a user (right to erasure): its entry, its quotas and rate limits are deleted, and a
     * pseudonym that nobody can lead back takes the place of its id everywhere else, in the usage
     * log too. Every sum stays as it was. Cannot be undone. A request in flight is recorded under
     * the pseudonym.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.EraseUserResponse> eraseUser(
        io.tollgate.v1.EraseUserRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getEraseUserMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_UPSERT_ENTRIES = 0;
  private static final int METHODID_GET_ENTRY = 1;
  private static final int METHODID_LIST_ENTRIES = 2;
  private static final int METHODID_ARCHIVE_ENTRIES = 3;
  private static final int METHODID_RESTORE_ENTRIES = 4;
  private static final int METHODID_ERASE_USER = 5;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_UPSERT_ENTRIES:
          serviceImpl.upsertEntries((io.tollgate.v1.UpsertEntriesRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.UpsertEntriesResponse>) responseObserver);
          break;
        case METHODID_GET_ENTRY:
          serviceImpl.getEntry((io.tollgate.v1.GetEntryRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.GetEntryResponse>) responseObserver);
          break;
        case METHODID_LIST_ENTRIES:
          serviceImpl.listEntries((io.tollgate.v1.ListEntriesRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListEntriesResponse>) responseObserver);
          break;
        case METHODID_ARCHIVE_ENTRIES:
          serviceImpl.archiveEntries((io.tollgate.v1.ArchiveEntriesRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ArchiveEntriesResponse>) responseObserver);
          break;
        case METHODID_RESTORE_ENTRIES:
          serviceImpl.restoreEntries((io.tollgate.v1.RestoreEntriesRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.RestoreEntriesResponse>) responseObserver);
          break;
        case METHODID_ERASE_USER:
          serviceImpl.eraseUser((io.tollgate.v1.EraseUserRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.EraseUserResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getUpsertEntriesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.UpsertEntriesRequest,
              io.tollgate.v1.UpsertEntriesResponse>(
                service, METHODID_UPSERT_ENTRIES)))
        .addMethod(
          getGetEntryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.GetEntryRequest,
              io.tollgate.v1.GetEntryResponse>(
                service, METHODID_GET_ENTRY)))
        .addMethod(
          getListEntriesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListEntriesRequest,
              io.tollgate.v1.ListEntriesResponse>(
                service, METHODID_LIST_ENTRIES)))
        .addMethod(
          getArchiveEntriesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ArchiveEntriesRequest,
              io.tollgate.v1.ArchiveEntriesResponse>(
                service, METHODID_ARCHIVE_ENTRIES)))
        .addMethod(
          getRestoreEntriesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.RestoreEntriesRequest,
              io.tollgate.v1.RestoreEntriesResponse>(
                service, METHODID_RESTORE_ENTRIES)))
        .addMethod(
          getEraseUserMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.EraseUserRequest,
              io.tollgate.v1.EraseUserResponse>(
                service, METHODID_ERASE_USER)))
        .build();
  }

  private static abstract class DirectoryServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    DirectoryServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.tollgate.v1.DirectoryServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("DirectoryService");
    }
  }

  private static final class DirectoryServiceFileDescriptorSupplier
      extends DirectoryServiceBaseDescriptorSupplier {
    DirectoryServiceFileDescriptorSupplier() {}
  }

  private static final class DirectoryServiceMethodDescriptorSupplier
      extends DirectoryServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    DirectoryServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (DirectoryServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new DirectoryServiceFileDescriptorSupplier())
              .addMethod(getUpsertEntriesMethod())
              .addMethod(getGetEntryMethod())
              .addMethod(getListEntriesMethod())
              .addMethod(getArchiveEntriesMethod())
              .addMethod(getRestoreEntriesMethod())
              .addMethod(getEraseUserMethod())
              .build();
        }
      }
    }
    return result;
  }
}
