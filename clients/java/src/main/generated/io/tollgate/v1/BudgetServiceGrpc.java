package io.tollgate.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Holds workspaces and their budgets.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class BudgetServiceGrpc {

  private BudgetServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "tollgate.v1.BudgetService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.CreateWorkspaceRequest,
      io.tollgate.v1.CreateWorkspaceResponse> getCreateWorkspaceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateWorkspace",
      requestType = io.tollgate.v1.CreateWorkspaceRequest.class,
      responseType = io.tollgate.v1.CreateWorkspaceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.CreateWorkspaceRequest,
      io.tollgate.v1.CreateWorkspaceResponse> getCreateWorkspaceMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.CreateWorkspaceRequest, io.tollgate.v1.CreateWorkspaceResponse> getCreateWorkspaceMethod;
    if ((getCreateWorkspaceMethod = BudgetServiceGrpc.getCreateWorkspaceMethod) == null) {
      synchronized (BudgetServiceGrpc.class) {
        if ((getCreateWorkspaceMethod = BudgetServiceGrpc.getCreateWorkspaceMethod) == null) {
          BudgetServiceGrpc.getCreateWorkspaceMethod = getCreateWorkspaceMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.CreateWorkspaceRequest, io.tollgate.v1.CreateWorkspaceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateWorkspace"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CreateWorkspaceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CreateWorkspaceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new BudgetServiceMethodDescriptorSupplier("CreateWorkspace"))
              .build();
        }
      }
    }
    return getCreateWorkspaceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.GetWorkspaceRequest,
      io.tollgate.v1.GetWorkspaceResponse> getGetWorkspaceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetWorkspace",
      requestType = io.tollgate.v1.GetWorkspaceRequest.class,
      responseType = io.tollgate.v1.GetWorkspaceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.GetWorkspaceRequest,
      io.tollgate.v1.GetWorkspaceResponse> getGetWorkspaceMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.GetWorkspaceRequest, io.tollgate.v1.GetWorkspaceResponse> getGetWorkspaceMethod;
    if ((getGetWorkspaceMethod = BudgetServiceGrpc.getGetWorkspaceMethod) == null) {
      synchronized (BudgetServiceGrpc.class) {
        if ((getGetWorkspaceMethod = BudgetServiceGrpc.getGetWorkspaceMethod) == null) {
          BudgetServiceGrpc.getGetWorkspaceMethod = getGetWorkspaceMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.GetWorkspaceRequest, io.tollgate.v1.GetWorkspaceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetWorkspace"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetWorkspaceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetWorkspaceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new BudgetServiceMethodDescriptorSupplier("GetWorkspace"))
              .build();
        }
      }
    }
    return getGetWorkspaceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListWorkspacesRequest,
      io.tollgate.v1.ListWorkspacesResponse> getListWorkspacesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListWorkspaces",
      requestType = io.tollgate.v1.ListWorkspacesRequest.class,
      responseType = io.tollgate.v1.ListWorkspacesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListWorkspacesRequest,
      io.tollgate.v1.ListWorkspacesResponse> getListWorkspacesMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListWorkspacesRequest, io.tollgate.v1.ListWorkspacesResponse> getListWorkspacesMethod;
    if ((getListWorkspacesMethod = BudgetServiceGrpc.getListWorkspacesMethod) == null) {
      synchronized (BudgetServiceGrpc.class) {
        if ((getListWorkspacesMethod = BudgetServiceGrpc.getListWorkspacesMethod) == null) {
          BudgetServiceGrpc.getListWorkspacesMethod = getListWorkspacesMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListWorkspacesRequest, io.tollgate.v1.ListWorkspacesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListWorkspaces"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListWorkspacesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListWorkspacesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new BudgetServiceMethodDescriptorSupplier("ListWorkspaces"))
              .build();
        }
      }
    }
    return getListWorkspacesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.UpdateWorkspaceRequest,
      io.tollgate.v1.UpdateWorkspaceResponse> getUpdateWorkspaceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateWorkspace",
      requestType = io.tollgate.v1.UpdateWorkspaceRequest.class,
      responseType = io.tollgate.v1.UpdateWorkspaceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.UpdateWorkspaceRequest,
      io.tollgate.v1.UpdateWorkspaceResponse> getUpdateWorkspaceMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.UpdateWorkspaceRequest, io.tollgate.v1.UpdateWorkspaceResponse> getUpdateWorkspaceMethod;
    if ((getUpdateWorkspaceMethod = BudgetServiceGrpc.getUpdateWorkspaceMethod) == null) {
      synchronized (BudgetServiceGrpc.class) {
        if ((getUpdateWorkspaceMethod = BudgetServiceGrpc.getUpdateWorkspaceMethod) == null) {
          BudgetServiceGrpc.getUpdateWorkspaceMethod = getUpdateWorkspaceMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.UpdateWorkspaceRequest, io.tollgate.v1.UpdateWorkspaceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateWorkspace"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.UpdateWorkspaceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.UpdateWorkspaceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new BudgetServiceMethodDescriptorSupplier("UpdateWorkspace"))
              .build();
        }
      }
    }
    return getUpdateWorkspaceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.SetPlanRequest,
      io.tollgate.v1.SetPlanResponse> getSetPlanMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SetPlan",
      requestType = io.tollgate.v1.SetPlanRequest.class,
      responseType = io.tollgate.v1.SetPlanResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.SetPlanRequest,
      io.tollgate.v1.SetPlanResponse> getSetPlanMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.SetPlanRequest, io.tollgate.v1.SetPlanResponse> getSetPlanMethod;
    if ((getSetPlanMethod = BudgetServiceGrpc.getSetPlanMethod) == null) {
      synchronized (BudgetServiceGrpc.class) {
        if ((getSetPlanMethod = BudgetServiceGrpc.getSetPlanMethod) == null) {
          BudgetServiceGrpc.getSetPlanMethod = getSetPlanMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.SetPlanRequest, io.tollgate.v1.SetPlanResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SetPlan"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.SetPlanRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.SetPlanResponse.getDefaultInstance()))
              .setSchemaDescriptor(new BudgetServiceMethodDescriptorSupplier("SetPlan"))
              .build();
        }
      }
    }
    return getSetPlanMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.SetAutomaticFallbackRequest,
      io.tollgate.v1.SetAutomaticFallbackResponse> getSetAutomaticFallbackMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SetAutomaticFallback",
      requestType = io.tollgate.v1.SetAutomaticFallbackRequest.class,
      responseType = io.tollgate.v1.SetAutomaticFallbackResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.SetAutomaticFallbackRequest,
      io.tollgate.v1.SetAutomaticFallbackResponse> getSetAutomaticFallbackMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.SetAutomaticFallbackRequest, io.tollgate.v1.SetAutomaticFallbackResponse> getSetAutomaticFallbackMethod;
    if ((getSetAutomaticFallbackMethod = BudgetServiceGrpc.getSetAutomaticFallbackMethod) == null) {
      synchronized (BudgetServiceGrpc.class) {
        if ((getSetAutomaticFallbackMethod = BudgetServiceGrpc.getSetAutomaticFallbackMethod) == null) {
          BudgetServiceGrpc.getSetAutomaticFallbackMethod = getSetAutomaticFallbackMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.SetAutomaticFallbackRequest, io.tollgate.v1.SetAutomaticFallbackResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SetAutomaticFallback"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.SetAutomaticFallbackRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.SetAutomaticFallbackResponse.getDefaultInstance()))
              .setSchemaDescriptor(new BudgetServiceMethodDescriptorSupplier("SetAutomaticFallback"))
              .build();
        }
      }
    }
    return getSetAutomaticFallbackMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.GetBudgetRequest,
      io.tollgate.v1.GetBudgetResponse> getGetBudgetMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetBudget",
      requestType = io.tollgate.v1.GetBudgetRequest.class,
      responseType = io.tollgate.v1.GetBudgetResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.GetBudgetRequest,
      io.tollgate.v1.GetBudgetResponse> getGetBudgetMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.GetBudgetRequest, io.tollgate.v1.GetBudgetResponse> getGetBudgetMethod;
    if ((getGetBudgetMethod = BudgetServiceGrpc.getGetBudgetMethod) == null) {
      synchronized (BudgetServiceGrpc.class) {
        if ((getGetBudgetMethod = BudgetServiceGrpc.getGetBudgetMethod) == null) {
          BudgetServiceGrpc.getGetBudgetMethod = getGetBudgetMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.GetBudgetRequest, io.tollgate.v1.GetBudgetResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetBudget"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetBudgetRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetBudgetResponse.getDefaultInstance()))
              .setSchemaDescriptor(new BudgetServiceMethodDescriptorSupplier("GetBudget"))
              .build();
        }
      }
    }
    return getGetBudgetMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.WatchSpendRequest,
      io.tollgate.v1.WatchSpendResponse> getWatchSpendMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchSpend",
      requestType = io.tollgate.v1.WatchSpendRequest.class,
      responseType = io.tollgate.v1.WatchSpendResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.WatchSpendRequest,
      io.tollgate.v1.WatchSpendResponse> getWatchSpendMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.WatchSpendRequest, io.tollgate.v1.WatchSpendResponse> getWatchSpendMethod;
    if ((getWatchSpendMethod = BudgetServiceGrpc.getWatchSpendMethod) == null) {
      synchronized (BudgetServiceGrpc.class) {
        if ((getWatchSpendMethod = BudgetServiceGrpc.getWatchSpendMethod) == null) {
          BudgetServiceGrpc.getWatchSpendMethod = getWatchSpendMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.WatchSpendRequest, io.tollgate.v1.WatchSpendResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchSpend"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.WatchSpendRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.WatchSpendResponse.getDefaultInstance()))
              .setSchemaDescriptor(new BudgetServiceMethodDescriptorSupplier("WatchSpend"))
              .build();
        }
      }
    }
    return getWatchSpendMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.CreateBudgetBoostRequest,
      io.tollgate.v1.CreateBudgetBoostResponse> getCreateBudgetBoostMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateBudgetBoost",
      requestType = io.tollgate.v1.CreateBudgetBoostRequest.class,
      responseType = io.tollgate.v1.CreateBudgetBoostResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.CreateBudgetBoostRequest,
      io.tollgate.v1.CreateBudgetBoostResponse> getCreateBudgetBoostMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.CreateBudgetBoostRequest, io.tollgate.v1.CreateBudgetBoostResponse> getCreateBudgetBoostMethod;
    if ((getCreateBudgetBoostMethod = BudgetServiceGrpc.getCreateBudgetBoostMethod) == null) {
      synchronized (BudgetServiceGrpc.class) {
        if ((getCreateBudgetBoostMethod = BudgetServiceGrpc.getCreateBudgetBoostMethod) == null) {
          BudgetServiceGrpc.getCreateBudgetBoostMethod = getCreateBudgetBoostMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.CreateBudgetBoostRequest, io.tollgate.v1.CreateBudgetBoostResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateBudgetBoost"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CreateBudgetBoostRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CreateBudgetBoostResponse.getDefaultInstance()))
              .setSchemaDescriptor(new BudgetServiceMethodDescriptorSupplier("CreateBudgetBoost"))
              .build();
        }
      }
    }
    return getCreateBudgetBoostMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListBudgetBoostsRequest,
      io.tollgate.v1.ListBudgetBoostsResponse> getListBudgetBoostsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListBudgetBoosts",
      requestType = io.tollgate.v1.ListBudgetBoostsRequest.class,
      responseType = io.tollgate.v1.ListBudgetBoostsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListBudgetBoostsRequest,
      io.tollgate.v1.ListBudgetBoostsResponse> getListBudgetBoostsMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListBudgetBoostsRequest, io.tollgate.v1.ListBudgetBoostsResponse> getListBudgetBoostsMethod;
    if ((getListBudgetBoostsMethod = BudgetServiceGrpc.getListBudgetBoostsMethod) == null) {
      synchronized (BudgetServiceGrpc.class) {
        if ((getListBudgetBoostsMethod = BudgetServiceGrpc.getListBudgetBoostsMethod) == null) {
          BudgetServiceGrpc.getListBudgetBoostsMethod = getListBudgetBoostsMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListBudgetBoostsRequest, io.tollgate.v1.ListBudgetBoostsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListBudgetBoosts"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListBudgetBoostsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListBudgetBoostsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new BudgetServiceMethodDescriptorSupplier("ListBudgetBoosts"))
              .build();
        }
      }
    }
    return getListBudgetBoostsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.CancelBudgetBoostRequest,
      io.tollgate.v1.CancelBudgetBoostResponse> getCancelBudgetBoostMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CancelBudgetBoost",
      requestType = io.tollgate.v1.CancelBudgetBoostRequest.class,
      responseType = io.tollgate.v1.CancelBudgetBoostResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.CancelBudgetBoostRequest,
      io.tollgate.v1.CancelBudgetBoostResponse> getCancelBudgetBoostMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.CancelBudgetBoostRequest, io.tollgate.v1.CancelBudgetBoostResponse> getCancelBudgetBoostMethod;
    if ((getCancelBudgetBoostMethod = BudgetServiceGrpc.getCancelBudgetBoostMethod) == null) {
      synchronized (BudgetServiceGrpc.class) {
        if ((getCancelBudgetBoostMethod = BudgetServiceGrpc.getCancelBudgetBoostMethod) == null) {
          BudgetServiceGrpc.getCancelBudgetBoostMethod = getCancelBudgetBoostMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.CancelBudgetBoostRequest, io.tollgate.v1.CancelBudgetBoostResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CancelBudgetBoost"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CancelBudgetBoostRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CancelBudgetBoostResponse.getDefaultInstance()))
              .setSchemaDescriptor(new BudgetServiceMethodDescriptorSupplier("CancelBudgetBoost"))
              .build();
        }
      }
    }
    return getCancelBudgetBoostMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static BudgetServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<BudgetServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<BudgetServiceStub>() {
        @java.lang.Override
        public BudgetServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new BudgetServiceStub(channel, callOptions);
        }
      };
    return BudgetServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static BudgetServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<BudgetServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<BudgetServiceBlockingV2Stub>() {
        @java.lang.Override
        public BudgetServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new BudgetServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return BudgetServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static BudgetServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<BudgetServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<BudgetServiceBlockingStub>() {
        @java.lang.Override
        public BudgetServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new BudgetServiceBlockingStub(channel, callOptions);
        }
      };
    return BudgetServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static BudgetServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<BudgetServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<BudgetServiceFutureStub>() {
        @java.lang.Override
        public BudgetServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new BudgetServiceFutureStub(channel, callOptions);
        }
      };
    return BudgetServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Holds workspaces and their budgets.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Creates a workspace. It has no plan yet: checks that cost anything are blocked until SetPlan.
     * </pre>
     */
    default void createWorkspace(io.tollgate.v1.CreateWorkspaceRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CreateWorkspaceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateWorkspaceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns one workspace.
     * </pre>
     */
    default void getWorkspace(io.tollgate.v1.GetWorkspaceRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetWorkspaceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetWorkspaceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists workspaces by id.
     * </pre>
     */
    default void listWorkspaces(io.tollgate.v1.ListWorkspacesRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListWorkspacesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListWorkspacesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Changes the display name, currency, time zone or policies of a workspace. The currency can
     * change only while nothing is recorded, held or limited in it; another time zone re-cuts the
     * windows, and the totals follow from the usage log.
     * </pre>
     */
    default void updateWorkspace(io.tollgate.v1.UpdateWorkspaceRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateWorkspaceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateWorkspaceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Sets the plan of a workspace. Takes effect at once, also in the middle of a cycle, and loses
     * no spend; another start day re-cuts the cycles, and the totals follow from the usage log.
     * </pre>
     */
    default void setPlan(io.tollgate.v1.SetPlanRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.SetPlanResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSetPlanMethod(), responseObserver);
    }

    /**
     * <pre>
     * Switches automatic fallback to a cheaper model on or off.
     * </pre>
     */
    default void setAutomaticFallback(io.tollgate.v1.SetAutomaticFallbackRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.SetAutomaticFallbackResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSetAutomaticFallbackMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns where the running cycle stands: everything that a "Spending &amp; Budget" page shows.
     * </pre>
     */
    default void getBudget(io.tollgate.v1.GetBudgetRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetBudgetResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetBudgetMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams where the running cycle stands: a snapshot at once, then an update after each
     * committed change, at most 10 a second. A slow reader gets the newest state. Ends with
     * UNAVAILABLE when the server stops.
     * </pre>
     */
    default void watchSpend(io.tollgate.v1.WatchSpendRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.WatchSpendResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchSpendMethod(), responseObserver);
    }

    /**
     * <pre>
     * Raises the envelope of a workspace until a time. Takes effect at its start_time by the clock.
     * </pre>
     */
    default void createBudgetBoost(io.tollgate.v1.CreateBudgetBoostRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CreateBudgetBoostResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateBudgetBoostMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the boosts of the envelope, also those that are over, latest start first.
     * </pre>
     */
    default void listBudgetBoosts(io.tollgate.v1.ListBudgetBoostsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListBudgetBoostsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListBudgetBoostsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Ends a boost now. One that is over already stays as it is.
     * </pre>
     */
    default void cancelBudgetBoost(io.tollgate.v1.CancelBudgetBoostRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CancelBudgetBoostResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCancelBudgetBoostMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service BudgetService.
   * <pre>
   * Holds workspaces and their budgets.
   * </pre>
   */
  public static abstract class BudgetServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return BudgetServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service BudgetService.
   * <pre>
   * Holds workspaces and their budgets.
   * </pre>
   */
  public static final class BudgetServiceStub
      extends io.grpc.stub.AbstractAsyncStub<BudgetServiceStub> {
    private BudgetServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected BudgetServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new BudgetServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a workspace. It has no plan yet: checks that cost anything are blocked until SetPlan.
     * </pre>
     */
    public void createWorkspace(io.tollgate.v1.CreateWorkspaceRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CreateWorkspaceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateWorkspaceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns one workspace.
     * </pre>
     */
    public void getWorkspace(io.tollgate.v1.GetWorkspaceRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetWorkspaceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetWorkspaceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists workspaces by id.
     * </pre>
     */
    public void listWorkspaces(io.tollgate.v1.ListWorkspacesRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListWorkspacesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListWorkspacesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Changes the display name, currency, time zone or policies of a workspace. The currency can
     * change only while nothing is recorded, held or limited in it; another time zone re-cuts the
     * windows, and the totals follow from the usage log.
     * </pre>
     */
    public void updateWorkspace(io.tollgate.v1.UpdateWorkspaceRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateWorkspaceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateWorkspaceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Sets the plan of a workspace. Takes effect at once, also in the middle of a cycle, and loses
     * no spend; another start day re-cuts the cycles, and the totals follow from the usage log.
     * </pre>
     */
    public void setPlan(io.tollgate.v1.SetPlanRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.SetPlanResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSetPlanMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Switches automatic fallback to a cheaper model on or off.
     * </pre>
     */
    public void setAutomaticFallback(io.tollgate.v1.SetAutomaticFallbackRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.SetAutomaticFallbackResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSetAutomaticFallbackMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns where the running cycle stands: everything that a "Spending &amp; Budget" page shows.
     * </pre>
     */
    public void getBudget(io.tollgate.v1.GetBudgetRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetBudgetResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetBudgetMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams where the running cycle stands: a snapshot at once, then an update after each
     * committed change, at most 10 a second. A slow reader gets the newest state. Ends with
     * UNAVAILABLE when the server stops.
     * </pre>
     */
    public void watchSpend(io.tollgate.v1.WatchSpendRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.WatchSpendResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchSpendMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Raises the envelope of a workspace until a time. Takes effect at its start_time by the clock.
     * </pre>
     */
    public void createBudgetBoost(io.tollgate.v1.CreateBudgetBoostRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CreateBudgetBoostResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateBudgetBoostMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the boosts of the envelope, also those that are over, latest start first.
     * </pre>
     */
    public void listBudgetBoosts(io.tollgate.v1.ListBudgetBoostsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListBudgetBoostsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListBudgetBoostsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Ends a boost now. One that is over already stays as it is.
     * </pre>
     */
    public void cancelBudgetBoost(io.tollgate.v1.CancelBudgetBoostRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CancelBudgetBoostResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCancelBudgetBoostMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service BudgetService.
   * <pre>
   * Holds workspaces and their budgets.
   * </pre>
   */
  public static final class BudgetServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<BudgetServiceBlockingV2Stub> {
    private BudgetServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected BudgetServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new BudgetServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a workspace. It has no plan yet: checks that cost anything are blocked until SetPlan.
     * </pre>
     */
    public io.tollgate.v1.CreateWorkspaceResponse createWorkspace(io.tollgate.v1.CreateWorkspaceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one workspace.
     * </pre>
     */
    public io.tollgate.v1.GetWorkspaceResponse getWorkspace(io.tollgate.v1.GetWorkspaceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists workspaces by id.
     * </pre>
     */
    public io.tollgate.v1.ListWorkspacesResponse listWorkspaces(io.tollgate.v1.ListWorkspacesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListWorkspacesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes the display name, currency, time zone or policies of a workspace. The currency can
     * change only while nothing is recorded, held or limited in it; another time zone re-cuts the
     * windows, and the totals follow from the usage log.
     * </pre>
     */
    public io.tollgate.v1.UpdateWorkspaceResponse updateWorkspace(io.tollgate.v1.UpdateWorkspaceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sets the plan of a workspace. Takes effect at once, also in the middle of a cycle, and loses
     * no spend; another start day re-cuts the cycles, and the totals follow from the usage log.
     * </pre>
     */
    public io.tollgate.v1.SetPlanResponse setPlan(io.tollgate.v1.SetPlanRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSetPlanMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Switches automatic fallback to a cheaper model on or off.
     * </pre>
     */
    public io.tollgate.v1.SetAutomaticFallbackResponse setAutomaticFallback(io.tollgate.v1.SetAutomaticFallbackRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSetAutomaticFallbackMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns where the running cycle stands: everything that a "Spending &amp; Budget" page shows.
     * </pre>
     */
    public io.tollgate.v1.GetBudgetResponse getBudget(io.tollgate.v1.GetBudgetRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetBudgetMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams where the running cycle stands: a snapshot at once, then an update after each
     * committed change, at most 10 a second. A slow reader gets the newest state. Ends with
     * UNAVAILABLE when the server stops.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.tollgate.v1.WatchSpendResponse>
        watchSpend(io.tollgate.v1.WatchSpendRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchSpendMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Raises the envelope of a workspace until a time. Takes effect at its start_time by the clock.
     * </pre>
     */
    public io.tollgate.v1.CreateBudgetBoostResponse createBudgetBoost(io.tollgate.v1.CreateBudgetBoostRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateBudgetBoostMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the boosts of the envelope, also those that are over, latest start first.
     * </pre>
     */
    public io.tollgate.v1.ListBudgetBoostsResponse listBudgetBoosts(io.tollgate.v1.ListBudgetBoostsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListBudgetBoostsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends a boost now. One that is over already stays as it is.
     * </pre>
     */
    public io.tollgate.v1.CancelBudgetBoostResponse cancelBudgetBoost(io.tollgate.v1.CancelBudgetBoostRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCancelBudgetBoostMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service BudgetService.
   * <pre>
   * Holds workspaces and their budgets.
   * </pre>
   */
  public static final class BudgetServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<BudgetServiceBlockingStub> {
    private BudgetServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected BudgetServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new BudgetServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a workspace. It has no plan yet: checks that cost anything are blocked until SetPlan.
     * </pre>
     */
    public io.tollgate.v1.CreateWorkspaceResponse createWorkspace(io.tollgate.v1.CreateWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one workspace.
     * </pre>
     */
    public io.tollgate.v1.GetWorkspaceResponse getWorkspace(io.tollgate.v1.GetWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists workspaces by id.
     * </pre>
     */
    public io.tollgate.v1.ListWorkspacesResponse listWorkspaces(io.tollgate.v1.ListWorkspacesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListWorkspacesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes the display name, currency, time zone or policies of a workspace. The currency can
     * change only while nothing is recorded, held or limited in it; another time zone re-cuts the
     * windows, and the totals follow from the usage log.
     * </pre>
     */
    public io.tollgate.v1.UpdateWorkspaceResponse updateWorkspace(io.tollgate.v1.UpdateWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateWorkspaceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sets the plan of a workspace. Takes effect at once, also in the middle of a cycle, and loses
     * no spend; another start day re-cuts the cycles, and the totals follow from the usage log.
     * </pre>
     */
    public io.tollgate.v1.SetPlanResponse setPlan(io.tollgate.v1.SetPlanRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSetPlanMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Switches automatic fallback to a cheaper model on or off.
     * </pre>
     */
    public io.tollgate.v1.SetAutomaticFallbackResponse setAutomaticFallback(io.tollgate.v1.SetAutomaticFallbackRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSetAutomaticFallbackMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns where the running cycle stands: everything that a "Spending &amp; Budget" page shows.
     * </pre>
     */
    public io.tollgate.v1.GetBudgetResponse getBudget(io.tollgate.v1.GetBudgetRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetBudgetMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams where the running cycle stands: a snapshot at once, then an update after each
     * committed change, at most 10 a second. A slow reader gets the newest state. Ends with
     * UNAVAILABLE when the server stops.
     * </pre>
     */
    public java.util.Iterator<io.tollgate.v1.WatchSpendResponse> watchSpend(
        io.tollgate.v1.WatchSpendRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchSpendMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Raises the envelope of a workspace until a time. Takes effect at its start_time by the clock.
     * </pre>
     */
    public io.tollgate.v1.CreateBudgetBoostResponse createBudgetBoost(io.tollgate.v1.CreateBudgetBoostRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateBudgetBoostMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the boosts of the envelope, also those that are over, latest start first.
     * </pre>
     */
    public io.tollgate.v1.ListBudgetBoostsResponse listBudgetBoosts(io.tollgate.v1.ListBudgetBoostsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListBudgetBoostsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends a boost now. One that is over already stays as it is.
     * </pre>
     */
    public io.tollgate.v1.CancelBudgetBoostResponse cancelBudgetBoost(io.tollgate.v1.CancelBudgetBoostRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCancelBudgetBoostMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service BudgetService.
   * <pre>
   * Holds workspaces and their budgets.
   * </pre>
   */
  public static final class BudgetServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<BudgetServiceFutureStub> {
    private BudgetServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected BudgetServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new BudgetServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a workspace. It has no plan yet: checks that cost anything are blocked until SetPlan.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.CreateWorkspaceResponse> createWorkspace(
        io.tollgate.v1.CreateWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateWorkspaceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns one workspace.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.GetWorkspaceResponse> getWorkspace(
        io.tollgate.v1.GetWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetWorkspaceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists workspaces by id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListWorkspacesResponse> listWorkspaces(
        io.tollgate.v1.ListWorkspacesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListWorkspacesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Changes the display name, currency, time zone or policies of a workspace. The currency can
     * change only while nothing is recorded, held or limited in it; another time zone re-cuts the
     * windows, and the totals follow from the usage log.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.UpdateWorkspaceResponse> updateWorkspace(
        io.tollgate.v1.UpdateWorkspaceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateWorkspaceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Sets the plan of a workspace. Takes effect at once, also in the middle of a cycle, and loses
     * no spend; another start day re-cuts the cycles, and the totals follow from the usage log.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.SetPlanResponse> setPlan(
        io.tollgate.v1.SetPlanRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSetPlanMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Switches automatic fallback to a cheaper model on or off.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.SetAutomaticFallbackResponse> setAutomaticFallback(
        io.tollgate.v1.SetAutomaticFallbackRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSetAutomaticFallbackMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns where the running cycle stands: everything that a "Spending &amp; Budget" page shows.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.GetBudgetResponse> getBudget(
        io.tollgate.v1.GetBudgetRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetBudgetMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Raises the envelope of a workspace until a time. Takes effect at its start_time by the clock.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.CreateBudgetBoostResponse> createBudgetBoost(
        io.tollgate.v1.CreateBudgetBoostRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateBudgetBoostMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the boosts of the envelope, also those that are over, latest start first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListBudgetBoostsResponse> listBudgetBoosts(
        io.tollgate.v1.ListBudgetBoostsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListBudgetBoostsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Ends a boost now. One that is over already stays as it is.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.CancelBudgetBoostResponse> cancelBudgetBoost(
        io.tollgate.v1.CancelBudgetBoostRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCancelBudgetBoostMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CREATE_WORKSPACE = 0;
  private static final int METHODID_GET_WORKSPACE = 1;
  private static final int METHODID_LIST_WORKSPACES = 2;
  private static final int METHODID_UPDATE_WORKSPACE = 3;
  private static final int METHODID_SET_PLAN = 4;
  private static final int METHODID_SET_AUTOMATIC_FALLBACK = 5;
  private static final int METHODID_GET_BUDGET = 6;
  private static final int METHODID_WATCH_SPEND = 7;
  private static final int METHODID_CREATE_BUDGET_BOOST = 8;
  private static final int METHODID_LIST_BUDGET_BOOSTS = 9;
  private static final int METHODID_CANCEL_BUDGET_BOOST = 10;

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
        case METHODID_CREATE_WORKSPACE:
          serviceImpl.createWorkspace((io.tollgate.v1.CreateWorkspaceRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.CreateWorkspaceResponse>) responseObserver);
          break;
        case METHODID_GET_WORKSPACE:
          serviceImpl.getWorkspace((io.tollgate.v1.GetWorkspaceRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.GetWorkspaceResponse>) responseObserver);
          break;
        case METHODID_LIST_WORKSPACES:
          serviceImpl.listWorkspaces((io.tollgate.v1.ListWorkspacesRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListWorkspacesResponse>) responseObserver);
          break;
        case METHODID_UPDATE_WORKSPACE:
          serviceImpl.updateWorkspace((io.tollgate.v1.UpdateWorkspaceRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateWorkspaceResponse>) responseObserver);
          break;
        case METHODID_SET_PLAN:
          serviceImpl.setPlan((io.tollgate.v1.SetPlanRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.SetPlanResponse>) responseObserver);
          break;
        case METHODID_SET_AUTOMATIC_FALLBACK:
          serviceImpl.setAutomaticFallback((io.tollgate.v1.SetAutomaticFallbackRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.SetAutomaticFallbackResponse>) responseObserver);
          break;
        case METHODID_GET_BUDGET:
          serviceImpl.getBudget((io.tollgate.v1.GetBudgetRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.GetBudgetResponse>) responseObserver);
          break;
        case METHODID_WATCH_SPEND:
          serviceImpl.watchSpend((io.tollgate.v1.WatchSpendRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.WatchSpendResponse>) responseObserver);
          break;
        case METHODID_CREATE_BUDGET_BOOST:
          serviceImpl.createBudgetBoost((io.tollgate.v1.CreateBudgetBoostRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.CreateBudgetBoostResponse>) responseObserver);
          break;
        case METHODID_LIST_BUDGET_BOOSTS:
          serviceImpl.listBudgetBoosts((io.tollgate.v1.ListBudgetBoostsRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListBudgetBoostsResponse>) responseObserver);
          break;
        case METHODID_CANCEL_BUDGET_BOOST:
          serviceImpl.cancelBudgetBoost((io.tollgate.v1.CancelBudgetBoostRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.CancelBudgetBoostResponse>) responseObserver);
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
          getCreateWorkspaceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.CreateWorkspaceRequest,
              io.tollgate.v1.CreateWorkspaceResponse>(
                service, METHODID_CREATE_WORKSPACE)))
        .addMethod(
          getGetWorkspaceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.GetWorkspaceRequest,
              io.tollgate.v1.GetWorkspaceResponse>(
                service, METHODID_GET_WORKSPACE)))
        .addMethod(
          getListWorkspacesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListWorkspacesRequest,
              io.tollgate.v1.ListWorkspacesResponse>(
                service, METHODID_LIST_WORKSPACES)))
        .addMethod(
          getUpdateWorkspaceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.UpdateWorkspaceRequest,
              io.tollgate.v1.UpdateWorkspaceResponse>(
                service, METHODID_UPDATE_WORKSPACE)))
        .addMethod(
          getSetPlanMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.SetPlanRequest,
              io.tollgate.v1.SetPlanResponse>(
                service, METHODID_SET_PLAN)))
        .addMethod(
          getSetAutomaticFallbackMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.SetAutomaticFallbackRequest,
              io.tollgate.v1.SetAutomaticFallbackResponse>(
                service, METHODID_SET_AUTOMATIC_FALLBACK)))
        .addMethod(
          getGetBudgetMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.GetBudgetRequest,
              io.tollgate.v1.GetBudgetResponse>(
                service, METHODID_GET_BUDGET)))
        .addMethod(
          getWatchSpendMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.tollgate.v1.WatchSpendRequest,
              io.tollgate.v1.WatchSpendResponse>(
                service, METHODID_WATCH_SPEND)))
        .addMethod(
          getCreateBudgetBoostMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.CreateBudgetBoostRequest,
              io.tollgate.v1.CreateBudgetBoostResponse>(
                service, METHODID_CREATE_BUDGET_BOOST)))
        .addMethod(
          getListBudgetBoostsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListBudgetBoostsRequest,
              io.tollgate.v1.ListBudgetBoostsResponse>(
                service, METHODID_LIST_BUDGET_BOOSTS)))
        .addMethod(
          getCancelBudgetBoostMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.CancelBudgetBoostRequest,
              io.tollgate.v1.CancelBudgetBoostResponse>(
                service, METHODID_CANCEL_BUDGET_BOOST)))
        .build();
  }

  private static abstract class BudgetServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    BudgetServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.tollgate.v1.BudgetServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("BudgetService");
    }
  }

  private static final class BudgetServiceFileDescriptorSupplier
      extends BudgetServiceBaseDescriptorSupplier {
    BudgetServiceFileDescriptorSupplier() {}
  }

  private static final class BudgetServiceMethodDescriptorSupplier
      extends BudgetServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    BudgetServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (BudgetServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new BudgetServiceFileDescriptorSupplier())
              .addMethod(getCreateWorkspaceMethod())
              .addMethod(getGetWorkspaceMethod())
              .addMethod(getListWorkspacesMethod())
              .addMethod(getUpdateWorkspaceMethod())
              .addMethod(getSetPlanMethod())
              .addMethod(getSetAutomaticFallbackMethod())
              .addMethod(getGetBudgetMethod())
              .addMethod(getWatchSpendMethod())
              .addMethod(getCreateBudgetBoostMethod())
              .addMethod(getListBudgetBoostsMethod())
              .addMethod(getCancelBudgetBoostMethod())
              .build();
        }
      }
    }
    return result;
  }
}
