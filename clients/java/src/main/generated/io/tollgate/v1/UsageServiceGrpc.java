package io.tollgate.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Decides before each LLM request whether it may run and on which model, and records after it
 * what it used.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class UsageServiceGrpc {

  private UsageServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "tollgate.v1.UsageService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.CheckAndRouteRequest,
      io.tollgate.v1.CheckAndRouteResponse> getCheckAndRouteMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CheckAndRoute",
      requestType = io.tollgate.v1.CheckAndRouteRequest.class,
      responseType = io.tollgate.v1.CheckAndRouteResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.CheckAndRouteRequest,
      io.tollgate.v1.CheckAndRouteResponse> getCheckAndRouteMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.CheckAndRouteRequest, io.tollgate.v1.CheckAndRouteResponse> getCheckAndRouteMethod;
    if ((getCheckAndRouteMethod = UsageServiceGrpc.getCheckAndRouteMethod) == null) {
      synchronized (UsageServiceGrpc.class) {
        if ((getCheckAndRouteMethod = UsageServiceGrpc.getCheckAndRouteMethod) == null) {
          UsageServiceGrpc.getCheckAndRouteMethod = getCheckAndRouteMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.CheckAndRouteRequest, io.tollgate.v1.CheckAndRouteResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CheckAndRoute"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CheckAndRouteRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CheckAndRouteResponse.getDefaultInstance()))
              .setSchemaDescriptor(new UsageServiceMethodDescriptorSupplier("CheckAndRoute"))
              .build();
        }
      }
    }
    return getCheckAndRouteMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.CheckAndRouteStreamRequest,
      io.tollgate.v1.CheckAndRouteStreamResponse> getCheckAndRouteStreamMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CheckAndRouteStream",
      requestType = io.tollgate.v1.CheckAndRouteStreamRequest.class,
      responseType = io.tollgate.v1.CheckAndRouteStreamResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.CheckAndRouteStreamRequest,
      io.tollgate.v1.CheckAndRouteStreamResponse> getCheckAndRouteStreamMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.CheckAndRouteStreamRequest, io.tollgate.v1.CheckAndRouteStreamResponse> getCheckAndRouteStreamMethod;
    if ((getCheckAndRouteStreamMethod = UsageServiceGrpc.getCheckAndRouteStreamMethod) == null) {
      synchronized (UsageServiceGrpc.class) {
        if ((getCheckAndRouteStreamMethod = UsageServiceGrpc.getCheckAndRouteStreamMethod) == null) {
          UsageServiceGrpc.getCheckAndRouteStreamMethod = getCheckAndRouteStreamMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.CheckAndRouteStreamRequest, io.tollgate.v1.CheckAndRouteStreamResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CheckAndRouteStream"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CheckAndRouteStreamRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CheckAndRouteStreamResponse.getDefaultInstance()))
              .setSchemaDescriptor(new UsageServiceMethodDescriptorSupplier("CheckAndRouteStream"))
              .build();
        }
      }
    }
    return getCheckAndRouteStreamMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.RecordUsageRequest,
      io.tollgate.v1.RecordUsageResponse> getRecordUsageMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RecordUsage",
      requestType = io.tollgate.v1.RecordUsageRequest.class,
      responseType = io.tollgate.v1.RecordUsageResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.RecordUsageRequest,
      io.tollgate.v1.RecordUsageResponse> getRecordUsageMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.RecordUsageRequest, io.tollgate.v1.RecordUsageResponse> getRecordUsageMethod;
    if ((getRecordUsageMethod = UsageServiceGrpc.getRecordUsageMethod) == null) {
      synchronized (UsageServiceGrpc.class) {
        if ((getRecordUsageMethod = UsageServiceGrpc.getRecordUsageMethod) == null) {
          UsageServiceGrpc.getRecordUsageMethod = getRecordUsageMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.RecordUsageRequest, io.tollgate.v1.RecordUsageResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RecordUsage"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.RecordUsageRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.RecordUsageResponse.getDefaultInstance()))
              .setSchemaDescriptor(new UsageServiceMethodDescriptorSupplier("RecordUsage"))
              .build();
        }
      }
    }
    return getRecordUsageMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.RecordUsageBatchRequest,
      io.tollgate.v1.RecordUsageBatchResponse> getRecordUsageBatchMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RecordUsageBatch",
      requestType = io.tollgate.v1.RecordUsageBatchRequest.class,
      responseType = io.tollgate.v1.RecordUsageBatchResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.RecordUsageBatchRequest,
      io.tollgate.v1.RecordUsageBatchResponse> getRecordUsageBatchMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.RecordUsageBatchRequest, io.tollgate.v1.RecordUsageBatchResponse> getRecordUsageBatchMethod;
    if ((getRecordUsageBatchMethod = UsageServiceGrpc.getRecordUsageBatchMethod) == null) {
      synchronized (UsageServiceGrpc.class) {
        if ((getRecordUsageBatchMethod = UsageServiceGrpc.getRecordUsageBatchMethod) == null) {
          UsageServiceGrpc.getRecordUsageBatchMethod = getRecordUsageBatchMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.RecordUsageBatchRequest, io.tollgate.v1.RecordUsageBatchResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RecordUsageBatch"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.RecordUsageBatchRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.RecordUsageBatchResponse.getDefaultInstance()))
              .setSchemaDescriptor(new UsageServiceMethodDescriptorSupplier("RecordUsageBatch"))
              .build();
        }
      }
    }
    return getRecordUsageBatchMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ReleaseHoldRequest,
      io.tollgate.v1.ReleaseHoldResponse> getReleaseHoldMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ReleaseHold",
      requestType = io.tollgate.v1.ReleaseHoldRequest.class,
      responseType = io.tollgate.v1.ReleaseHoldResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ReleaseHoldRequest,
      io.tollgate.v1.ReleaseHoldResponse> getReleaseHoldMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ReleaseHoldRequest, io.tollgate.v1.ReleaseHoldResponse> getReleaseHoldMethod;
    if ((getReleaseHoldMethod = UsageServiceGrpc.getReleaseHoldMethod) == null) {
      synchronized (UsageServiceGrpc.class) {
        if ((getReleaseHoldMethod = UsageServiceGrpc.getReleaseHoldMethod) == null) {
          UsageServiceGrpc.getReleaseHoldMethod = getReleaseHoldMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ReleaseHoldRequest, io.tollgate.v1.ReleaseHoldResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ReleaseHold"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ReleaseHoldRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ReleaseHoldResponse.getDefaultInstance()))
              .setSchemaDescriptor(new UsageServiceMethodDescriptorSupplier("ReleaseHold"))
              .build();
        }
      }
    }
    return getReleaseHoldMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ExtendHoldRequest,
      io.tollgate.v1.ExtendHoldResponse> getExtendHoldMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ExtendHold",
      requestType = io.tollgate.v1.ExtendHoldRequest.class,
      responseType = io.tollgate.v1.ExtendHoldResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ExtendHoldRequest,
      io.tollgate.v1.ExtendHoldResponse> getExtendHoldMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ExtendHoldRequest, io.tollgate.v1.ExtendHoldResponse> getExtendHoldMethod;
    if ((getExtendHoldMethod = UsageServiceGrpc.getExtendHoldMethod) == null) {
      synchronized (UsageServiceGrpc.class) {
        if ((getExtendHoldMethod = UsageServiceGrpc.getExtendHoldMethod) == null) {
          UsageServiceGrpc.getExtendHoldMethod = getExtendHoldMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ExtendHoldRequest, io.tollgate.v1.ExtendHoldResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ExtendHold"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ExtendHoldRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ExtendHoldResponse.getDefaultInstance()))
              .setSchemaDescriptor(new UsageServiceMethodDescriptorSupplier("ExtendHold"))
              .build();
        }
      }
    }
    return getExtendHoldMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListHoldsRequest,
      io.tollgate.v1.ListHoldsResponse> getListHoldsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListHolds",
      requestType = io.tollgate.v1.ListHoldsRequest.class,
      responseType = io.tollgate.v1.ListHoldsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListHoldsRequest,
      io.tollgate.v1.ListHoldsResponse> getListHoldsMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListHoldsRequest, io.tollgate.v1.ListHoldsResponse> getListHoldsMethod;
    if ((getListHoldsMethod = UsageServiceGrpc.getListHoldsMethod) == null) {
      synchronized (UsageServiceGrpc.class) {
        if ((getListHoldsMethod = UsageServiceGrpc.getListHoldsMethod) == null) {
          UsageServiceGrpc.getListHoldsMethod = getListHoldsMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListHoldsRequest, io.tollgate.v1.ListHoldsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListHolds"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListHoldsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListHoldsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new UsageServiceMethodDescriptorSupplier("ListHolds"))
              .build();
        }
      }
    }
    return getListHoldsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListUsageRecordsRequest,
      io.tollgate.v1.ListUsageRecordsResponse> getListUsageRecordsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListUsageRecords",
      requestType = io.tollgate.v1.ListUsageRecordsRequest.class,
      responseType = io.tollgate.v1.ListUsageRecordsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListUsageRecordsRequest,
      io.tollgate.v1.ListUsageRecordsResponse> getListUsageRecordsMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListUsageRecordsRequest, io.tollgate.v1.ListUsageRecordsResponse> getListUsageRecordsMethod;
    if ((getListUsageRecordsMethod = UsageServiceGrpc.getListUsageRecordsMethod) == null) {
      synchronized (UsageServiceGrpc.class) {
        if ((getListUsageRecordsMethod = UsageServiceGrpc.getListUsageRecordsMethod) == null) {
          UsageServiceGrpc.getListUsageRecordsMethod = getListUsageRecordsMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListUsageRecordsRequest, io.tollgate.v1.ListUsageRecordsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListUsageRecords"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListUsageRecordsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListUsageRecordsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new UsageServiceMethodDescriptorSupplier("ListUsageRecords"))
              .build();
        }
      }
    }
    return getListUsageRecordsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.RepriceUsageRequest,
      io.tollgate.v1.RepriceUsageResponse> getRepriceUsageMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RepriceUsage",
      requestType = io.tollgate.v1.RepriceUsageRequest.class,
      responseType = io.tollgate.v1.RepriceUsageResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.RepriceUsageRequest,
      io.tollgate.v1.RepriceUsageResponse> getRepriceUsageMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.RepriceUsageRequest, io.tollgate.v1.RepriceUsageResponse> getRepriceUsageMethod;
    if ((getRepriceUsageMethod = UsageServiceGrpc.getRepriceUsageMethod) == null) {
      synchronized (UsageServiceGrpc.class) {
        if ((getRepriceUsageMethod = UsageServiceGrpc.getRepriceUsageMethod) == null) {
          UsageServiceGrpc.getRepriceUsageMethod = getRepriceUsageMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.RepriceUsageRequest, io.tollgate.v1.RepriceUsageResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RepriceUsage"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.RepriceUsageRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.RepriceUsageResponse.getDefaultInstance()))
              .setSchemaDescriptor(new UsageServiceMethodDescriptorSupplier("RepriceUsage"))
              .build();
        }
      }
    }
    return getRepriceUsageMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static UsageServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<UsageServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<UsageServiceStub>() {
        @java.lang.Override
        public UsageServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new UsageServiceStub(channel, callOptions);
        }
      };
    return UsageServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static UsageServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<UsageServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<UsageServiceBlockingV2Stub>() {
        @java.lang.Override
        public UsageServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new UsageServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return UsageServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static UsageServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<UsageServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<UsageServiceBlockingStub>() {
        @java.lang.Override
        public UsageServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new UsageServiceBlockingStub(channel, callOptions);
        }
      };
    return UsageServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static UsageServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<UsageServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<UsageServiceFutureStub>() {
        @java.lang.Override
        public UsageServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new UsageServiceFutureStub(channel, callOptions);
        }
      };
    return UsageServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Decides before each LLM request whether it may run and on which model, and records after it
   * what it used.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Decides whether a request may run and on which model, and sets its worst-case cost aside in
     * every limit that applies: all of them or none. Answers from memory. A refusal is an answer
     * with DECISION_BLOCKED, not an error.
     * </pre>
     */
    default void checkAndRoute(io.tollgate.v1.CheckAndRouteRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CheckAndRouteResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCheckAndRouteMethod(), responseObserver);
    }

    /**
     * <pre>
     * Does the same on one stream, many in flight; answers carry the request_id and may come in any
     * order. For gateways at high volume. The stream stays open until the caller closes it or the
     * server stops; one bad request is answered with an error and does not end it.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<io.tollgate.v1.CheckAndRouteStreamRequest> checkAndRouteStream(
        io.grpc.stub.StreamObserver<io.tollgate.v1.CheckAndRouteStreamResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getCheckAndRouteStreamMethod(), responseObserver);
    }

    /**
     * <pre>
     * Records one billed attempt, settles its hold and answers when the record is durable. The same
     * workspace_id, request_id and attempt again with the same content is counted once and
     * answered alike; with other content it is refused with ALREADY_EXISTS.
     * </pre>
     */
    default void recordUsage(io.tollgate.v1.RecordUsageRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.RecordUsageResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRecordUsageMethod(), responseObserver);
    }

    /**
     * <pre>
     * Records up to 1,000 attempts in one call, with an answer for each: one that is refused does
     * not keep the others from being recorded.
     * </pre>
     */
    default void recordUsageBatch(io.tollgate.v1.RecordUsageBatchRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.RecordUsageBatchResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRecordUsageBatchMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gives a hold back when the request never ran. Releasing a hold that has already ended
     * answers NOT_FOUND.
     * </pre>
     */
    default void releaseHold(io.tollgate.v1.ReleaseHoldRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ReleaseHoldResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReleaseHoldMethod(), responseObserver);
    }

    /**
     * <pre>
     * Moves the expiry of a live hold to now plus the given time; for long runs.
     * </pre>
     */
    default void extendHold(io.tollgate.v1.ExtendHoldRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ExtendHoldResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getExtendHoldMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the live holds of a workspace and those that expired unsettled lately, oldest first.
     * </pre>
     */
    default void listHolds(io.tollgate.v1.ListHoldsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListHoldsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListHoldsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the usage log of a workspace, newest first: what was recorded, and corrections. Records
     * that are older than the workspace keeps them (usage_retention_days) are not there.
     * </pre>
     */
    default void listUsageRecords(io.tollgate.v1.ListUsageRecordsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListUsageRecordsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListUsageRecordsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Prices records of a time range anew, with the prices valid at their time, and writes the
     * differences as corrections to the log. Changes no record. Idempotent: a second call finds
     * nothing to correct. Records that are older than the workspace keeps them are left alone.
     * </pre>
     */
    default void repriceUsage(io.tollgate.v1.RepriceUsageRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.RepriceUsageResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRepriceUsageMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service UsageService.
   * <pre>
   * Decides before each LLM request whether it may run and on which model, and records after it
   * what it used.
   * </pre>
   */
  public static abstract class UsageServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return UsageServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service UsageService.
   * <pre>
   * Decides before each LLM request whether it may run and on which model, and records after it
   * what it used.
   * </pre>
   */
  public static final class UsageServiceStub
      extends io.grpc.stub.AbstractAsyncStub<UsageServiceStub> {
    private UsageServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected UsageServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new UsageServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Decides whether a request may run and on which model, and sets its worst-case cost aside in
     * every limit that applies: all of them or none. Answers from memory. A refusal is an answer
     * with DECISION_BLOCKED, not an error.
     * </pre>
     */
    public void checkAndRoute(io.tollgate.v1.CheckAndRouteRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CheckAndRouteResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCheckAndRouteMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Does the same on one stream, many in flight; answers carry the request_id and may come in any
     * order. For gateways at high volume. The stream stays open until the caller closes it or the
     * server stops; one bad request is answered with an error and does not end it.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<io.tollgate.v1.CheckAndRouteStreamRequest> checkAndRouteStream(
        io.grpc.stub.StreamObserver<io.tollgate.v1.CheckAndRouteStreamResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getCheckAndRouteStreamMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Records one billed attempt, settles its hold and answers when the record is durable. The same
     * workspace_id, request_id and attempt again with the same content is counted once and
     * answered alike; with other content it is refused with ALREADY_EXISTS.
     * </pre>
     */
    public void recordUsage(io.tollgate.v1.RecordUsageRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.RecordUsageResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRecordUsageMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Records up to 1,000 attempts in one call, with an answer for each: one that is refused does
     * not keep the others from being recorded.
     * </pre>
     */
    public void recordUsageBatch(io.tollgate.v1.RecordUsageBatchRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.RecordUsageBatchResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRecordUsageBatchMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gives a hold back when the request never ran. Releasing a hold that has already ended
     * answers NOT_FOUND.
     * </pre>
     */
    public void releaseHold(io.tollgate.v1.ReleaseHoldRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ReleaseHoldResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getReleaseHoldMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Moves the expiry of a live hold to now plus the given time; for long runs.
     * </pre>
     */
    public void extendHold(io.tollgate.v1.ExtendHoldRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ExtendHoldResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getExtendHoldMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the live holds of a workspace and those that expired unsettled lately, oldest first.
     * </pre>
     */
    public void listHolds(io.tollgate.v1.ListHoldsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListHoldsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListHoldsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the usage log of a workspace, newest first: what was recorded, and corrections. Records
     * that are older than the workspace keeps them (usage_retention_days) are not there.
     * </pre>
     */
    public void listUsageRecords(io.tollgate.v1.ListUsageRecordsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListUsageRecordsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListUsageRecordsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Prices records of a time range anew, with the prices valid at their time, and writes the
     * differences as corrections to the log. Changes no record. Idempotent: a second call finds
     * nothing to correct. Records that are older than the workspace keeps them are left alone.
     * </pre>
     */
    public void repriceUsage(io.tollgate.v1.RepriceUsageRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.RepriceUsageResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRepriceUsageMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service UsageService.
   * <pre>
   * Decides before each LLM request whether it may run and on which model, and records after it
   * what it used.
   * </pre>
   */
  public static final class UsageServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<UsageServiceBlockingV2Stub> {
    private UsageServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected UsageServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new UsageServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Decides whether a request may run and on which model, and sets its worst-case cost aside in
     * every limit that applies: all of them or none. Answers from memory. A refusal is an answer
     * with DECISION_BLOCKED, not an error.
     * </pre>
     */
    public io.tollgate.v1.CheckAndRouteResponse checkAndRoute(io.tollgate.v1.CheckAndRouteRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCheckAndRouteMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Does the same on one stream, many in flight; answers carry the request_id and may come in any
     * order. For gateways at high volume. The stream stays open until the caller closes it or the
     * server stops; one bad request is answered with an error and does not end it.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<io.tollgate.v1.CheckAndRouteStreamRequest, io.tollgate.v1.CheckAndRouteStreamResponse>
        checkAndRouteStream() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getCheckAndRouteStreamMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Records one billed attempt, settles its hold and answers when the record is durable. The same
     * workspace_id, request_id and attempt again with the same content is counted once and
     * answered alike; with other content it is refused with ALREADY_EXISTS.
     * </pre>
     */
    public io.tollgate.v1.RecordUsageResponse recordUsage(io.tollgate.v1.RecordUsageRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRecordUsageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Records up to 1,000 attempts in one call, with an answer for each: one that is refused does
     * not keep the others from being recorded.
     * </pre>
     */
    public io.tollgate.v1.RecordUsageBatchResponse recordUsageBatch(io.tollgate.v1.RecordUsageBatchRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRecordUsageBatchMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gives a hold back when the request never ran. Releasing a hold that has already ended
     * answers NOT_FOUND.
     * </pre>
     */
    public io.tollgate.v1.ReleaseHoldResponse releaseHold(io.tollgate.v1.ReleaseHoldRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getReleaseHoldMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Moves the expiry of a live hold to now plus the given time; for long runs.
     * </pre>
     */
    public io.tollgate.v1.ExtendHoldResponse extendHold(io.tollgate.v1.ExtendHoldRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getExtendHoldMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the live holds of a workspace and those that expired unsettled lately, oldest first.
     * </pre>
     */
    public io.tollgate.v1.ListHoldsResponse listHolds(io.tollgate.v1.ListHoldsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListHoldsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the usage log of a workspace, newest first: what was recorded, and corrections. Records
     * that are older than the workspace keeps them (usage_retention_days) are not there.
     * </pre>
     */
    public io.tollgate.v1.ListUsageRecordsResponse listUsageRecords(io.tollgate.v1.ListUsageRecordsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListUsageRecordsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Prices records of a time range anew, with the prices valid at their time, and writes the
     * differences as corrections to the log. Changes no record. Idempotent: a second call finds
     * nothing to correct. Records that are older than the workspace keeps them are left alone.
     * </pre>
     */
    public io.tollgate.v1.RepriceUsageResponse repriceUsage(io.tollgate.v1.RepriceUsageRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRepriceUsageMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service UsageService.
   * <pre>
   * Decides before each LLM request whether it may run and on which model, and records after it
   * what it used.
   * </pre>
   */
  public static final class UsageServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<UsageServiceBlockingStub> {
    private UsageServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected UsageServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new UsageServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Decides whether a request may run and on which model, and sets its worst-case cost aside in
     * every limit that applies: all of them or none. Answers from memory. A refusal is an answer
     * with DECISION_BLOCKED, not an error.
     * </pre>
     */
    public io.tollgate.v1.CheckAndRouteResponse checkAndRoute(io.tollgate.v1.CheckAndRouteRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCheckAndRouteMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Records one billed attempt, settles its hold and answers when the record is durable. The same
     * workspace_id, request_id and attempt again with the same content is counted once and
     * answered alike; with other content it is refused with ALREADY_EXISTS.
     * </pre>
     */
    public io.tollgate.v1.RecordUsageResponse recordUsage(io.tollgate.v1.RecordUsageRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRecordUsageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Records up to 1,000 attempts in one call, with an answer for each: one that is refused does
     * not keep the others from being recorded.
     * </pre>
     */
    public io.tollgate.v1.RecordUsageBatchResponse recordUsageBatch(io.tollgate.v1.RecordUsageBatchRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRecordUsageBatchMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gives a hold back when the request never ran. Releasing a hold that has already ended
     * answers NOT_FOUND.
     * </pre>
     */
    public io.tollgate.v1.ReleaseHoldResponse releaseHold(io.tollgate.v1.ReleaseHoldRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReleaseHoldMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Moves the expiry of a live hold to now plus the given time; for long runs.
     * </pre>
     */
    public io.tollgate.v1.ExtendHoldResponse extendHold(io.tollgate.v1.ExtendHoldRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getExtendHoldMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the live holds of a workspace and those that expired unsettled lately, oldest first.
     * </pre>
     */
    public io.tollgate.v1.ListHoldsResponse listHolds(io.tollgate.v1.ListHoldsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListHoldsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the usage log of a workspace, newest first: what was recorded, and corrections. Records
     * that are older than the workspace keeps them (usage_retention_days) are not there.
     * </pre>
     */
    public io.tollgate.v1.ListUsageRecordsResponse listUsageRecords(io.tollgate.v1.ListUsageRecordsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListUsageRecordsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Prices records of a time range anew, with the prices valid at their time, and writes the
     * differences as corrections to the log. Changes no record. Idempotent: a second call finds
     * nothing to correct. Records that are older than the workspace keeps them are left alone.
     * </pre>
     */
    public io.tollgate.v1.RepriceUsageResponse repriceUsage(io.tollgate.v1.RepriceUsageRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRepriceUsageMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service UsageService.
   * <pre>
   * Decides before each LLM request whether it may run and on which model, and records after it
   * what it used.
   * </pre>
   */
  public static final class UsageServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<UsageServiceFutureStub> {
    private UsageServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected UsageServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new UsageServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Decides whether a request may run and on which model, and sets its worst-case cost aside in
     * every limit that applies: all of them or none. Answers from memory. A refusal is an answer
     * with DECISION_BLOCKED, not an error.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.CheckAndRouteResponse> checkAndRoute(
        io.tollgate.v1.CheckAndRouteRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCheckAndRouteMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Records one billed attempt, settles its hold and answers when the record is durable. The same
     * workspace_id, request_id and attempt again with the same content is counted once and
     * answered alike; with other content it is refused with ALREADY_EXISTS.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.RecordUsageResponse> recordUsage(
        io.tollgate.v1.RecordUsageRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRecordUsageMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Records up to 1,000 attempts in one call, with an answer for each: one that is refused does
     * not keep the others from being recorded.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.RecordUsageBatchResponse> recordUsageBatch(
        io.tollgate.v1.RecordUsageBatchRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRecordUsageBatchMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gives a hold back when the request never ran. Releasing a hold that has already ended
     * answers NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ReleaseHoldResponse> releaseHold(
        io.tollgate.v1.ReleaseHoldRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getReleaseHoldMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Moves the expiry of a live hold to now plus the given time; for long runs.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ExtendHoldResponse> extendHold(
        io.tollgate.v1.ExtendHoldRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getExtendHoldMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the live holds of a workspace and those that expired unsettled lately, oldest first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListHoldsResponse> listHolds(
        io.tollgate.v1.ListHoldsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListHoldsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the usage log of a workspace, newest first: what was recorded, and corrections. Records
     * that are older than the workspace keeps them (usage_retention_days) are not there.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListUsageRecordsResponse> listUsageRecords(
        io.tollgate.v1.ListUsageRecordsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListUsageRecordsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Prices records of a time range anew, with the prices valid at their time, and writes the
     * differences as corrections to the log. Changes no record. Idempotent: a second call finds
     * nothing to correct. Records that are older than the workspace keeps them are left alone.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.RepriceUsageResponse> repriceUsage(
        io.tollgate.v1.RepriceUsageRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRepriceUsageMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CHECK_AND_ROUTE = 0;
  private static final int METHODID_RECORD_USAGE = 1;
  private static final int METHODID_RECORD_USAGE_BATCH = 2;
  private static final int METHODID_RELEASE_HOLD = 3;
  private static final int METHODID_EXTEND_HOLD = 4;
  private static final int METHODID_LIST_HOLDS = 5;
  private static final int METHODID_LIST_USAGE_RECORDS = 6;
  private static final int METHODID_REPRICE_USAGE = 7;
  private static final int METHODID_CHECK_AND_ROUTE_STREAM = 8;

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
        case METHODID_CHECK_AND_ROUTE:
          serviceImpl.checkAndRoute((io.tollgate.v1.CheckAndRouteRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.CheckAndRouteResponse>) responseObserver);
          break;
        case METHODID_RECORD_USAGE:
          serviceImpl.recordUsage((io.tollgate.v1.RecordUsageRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.RecordUsageResponse>) responseObserver);
          break;
        case METHODID_RECORD_USAGE_BATCH:
          serviceImpl.recordUsageBatch((io.tollgate.v1.RecordUsageBatchRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.RecordUsageBatchResponse>) responseObserver);
          break;
        case METHODID_RELEASE_HOLD:
          serviceImpl.releaseHold((io.tollgate.v1.ReleaseHoldRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ReleaseHoldResponse>) responseObserver);
          break;
        case METHODID_EXTEND_HOLD:
          serviceImpl.extendHold((io.tollgate.v1.ExtendHoldRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ExtendHoldResponse>) responseObserver);
          break;
        case METHODID_LIST_HOLDS:
          serviceImpl.listHolds((io.tollgate.v1.ListHoldsRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListHoldsResponse>) responseObserver);
          break;
        case METHODID_LIST_USAGE_RECORDS:
          serviceImpl.listUsageRecords((io.tollgate.v1.ListUsageRecordsRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListUsageRecordsResponse>) responseObserver);
          break;
        case METHODID_REPRICE_USAGE:
          serviceImpl.repriceUsage((io.tollgate.v1.RepriceUsageRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.RepriceUsageResponse>) responseObserver);
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
        case METHODID_CHECK_AND_ROUTE_STREAM:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.checkAndRouteStream(
              (io.grpc.stub.StreamObserver<io.tollgate.v1.CheckAndRouteStreamResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getCheckAndRouteMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.CheckAndRouteRequest,
              io.tollgate.v1.CheckAndRouteResponse>(
                service, METHODID_CHECK_AND_ROUTE)))
        .addMethod(
          getCheckAndRouteStreamMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              io.tollgate.v1.CheckAndRouteStreamRequest,
              io.tollgate.v1.CheckAndRouteStreamResponse>(
                service, METHODID_CHECK_AND_ROUTE_STREAM)))
        .addMethod(
          getRecordUsageMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.RecordUsageRequest,
              io.tollgate.v1.RecordUsageResponse>(
                service, METHODID_RECORD_USAGE)))
        .addMethod(
          getRecordUsageBatchMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.RecordUsageBatchRequest,
              io.tollgate.v1.RecordUsageBatchResponse>(
                service, METHODID_RECORD_USAGE_BATCH)))
        .addMethod(
          getReleaseHoldMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ReleaseHoldRequest,
              io.tollgate.v1.ReleaseHoldResponse>(
                service, METHODID_RELEASE_HOLD)))
        .addMethod(
          getExtendHoldMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ExtendHoldRequest,
              io.tollgate.v1.ExtendHoldResponse>(
                service, METHODID_EXTEND_HOLD)))
        .addMethod(
          getListHoldsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListHoldsRequest,
              io.tollgate.v1.ListHoldsResponse>(
                service, METHODID_LIST_HOLDS)))
        .addMethod(
          getListUsageRecordsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListUsageRecordsRequest,
              io.tollgate.v1.ListUsageRecordsResponse>(
                service, METHODID_LIST_USAGE_RECORDS)))
        .addMethod(
          getRepriceUsageMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.RepriceUsageRequest,
              io.tollgate.v1.RepriceUsageResponse>(
                service, METHODID_REPRICE_USAGE)))
        .build();
  }

  private static abstract class UsageServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    UsageServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.tollgate.v1.UsageServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("UsageService");
    }
  }

  private static final class UsageServiceFileDescriptorSupplier
      extends UsageServiceBaseDescriptorSupplier {
    UsageServiceFileDescriptorSupplier() {}
  }

  private static final class UsageServiceMethodDescriptorSupplier
      extends UsageServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    UsageServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (UsageServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new UsageServiceFileDescriptorSupplier())
              .addMethod(getCheckAndRouteMethod())
              .addMethod(getCheckAndRouteStreamMethod())
              .addMethod(getRecordUsageMethod())
              .addMethod(getRecordUsageBatchMethod())
              .addMethod(getReleaseHoldMethod())
              .addMethod(getExtendHoldMethod())
              .addMethod(getListHoldsMethod())
              .addMethod(getListUsageRecordsMethod())
              .addMethod(getRepriceUsageMethod())
              .build();
        }
      }
    }
    return result;
  }
}
