package io.tollgate.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Answers from sums that follow the usage log; every answer says up to when it is complete. Days
 * are local days of the workspace. Corrections and charges of expired holds count as cost, not as
 * requests; tokens and cost count whatever the outcome.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class AnalyticsServiceGrpc {

  private AnalyticsServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "tollgate.v1.AnalyticsService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.GetDashboardRequest,
      io.tollgate.v1.GetDashboardResponse> getGetDashboardMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetDashboard",
      requestType = io.tollgate.v1.GetDashboardRequest.class,
      responseType = io.tollgate.v1.GetDashboardResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.GetDashboardRequest,
      io.tollgate.v1.GetDashboardResponse> getGetDashboardMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.GetDashboardRequest, io.tollgate.v1.GetDashboardResponse> getGetDashboardMethod;
    if ((getGetDashboardMethod = AnalyticsServiceGrpc.getGetDashboardMethod) == null) {
      synchronized (AnalyticsServiceGrpc.class) {
        if ((getGetDashboardMethod = AnalyticsServiceGrpc.getGetDashboardMethod) == null) {
          AnalyticsServiceGrpc.getGetDashboardMethod = getGetDashboardMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.GetDashboardRequest, io.tollgate.v1.GetDashboardResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetDashboard"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetDashboardRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetDashboardResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AnalyticsServiceMethodDescriptorSupplier("GetDashboard"))
              .build();
        }
      }
    }
    return getGetDashboardMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.GetOverviewRequest,
      io.tollgate.v1.GetOverviewResponse> getGetOverviewMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetOverview",
      requestType = io.tollgate.v1.GetOverviewRequest.class,
      responseType = io.tollgate.v1.GetOverviewResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.GetOverviewRequest,
      io.tollgate.v1.GetOverviewResponse> getGetOverviewMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.GetOverviewRequest, io.tollgate.v1.GetOverviewResponse> getGetOverviewMethod;
    if ((getGetOverviewMethod = AnalyticsServiceGrpc.getGetOverviewMethod) == null) {
      synchronized (AnalyticsServiceGrpc.class) {
        if ((getGetOverviewMethod = AnalyticsServiceGrpc.getGetOverviewMethod) == null) {
          AnalyticsServiceGrpc.getGetOverviewMethod = getGetOverviewMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.GetOverviewRequest, io.tollgate.v1.GetOverviewResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetOverview"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetOverviewRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetOverviewResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AnalyticsServiceMethodDescriptorSupplier("GetOverview"))
              .build();
        }
      }
    }
    return getGetOverviewMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.GetActiveUsersRequest,
      io.tollgate.v1.GetActiveUsersResponse> getGetActiveUsersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetActiveUsers",
      requestType = io.tollgate.v1.GetActiveUsersRequest.class,
      responseType = io.tollgate.v1.GetActiveUsersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.GetActiveUsersRequest,
      io.tollgate.v1.GetActiveUsersResponse> getGetActiveUsersMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.GetActiveUsersRequest, io.tollgate.v1.GetActiveUsersResponse> getGetActiveUsersMethod;
    if ((getGetActiveUsersMethod = AnalyticsServiceGrpc.getGetActiveUsersMethod) == null) {
      synchronized (AnalyticsServiceGrpc.class) {
        if ((getGetActiveUsersMethod = AnalyticsServiceGrpc.getGetActiveUsersMethod) == null) {
          AnalyticsServiceGrpc.getGetActiveUsersMethod = getGetActiveUsersMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.GetActiveUsersRequest, io.tollgate.v1.GetActiveUsersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetActiveUsers"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetActiveUsersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetActiveUsersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AnalyticsServiceMethodDescriptorSupplier("GetActiveUsers"))
              .build();
        }
      }
    }
    return getGetActiveUsersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.GetTokenUsageByTeamRequest,
      io.tollgate.v1.GetTokenUsageByTeamResponse> getGetTokenUsageByTeamMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetTokenUsageByTeam",
      requestType = io.tollgate.v1.GetTokenUsageByTeamRequest.class,
      responseType = io.tollgate.v1.GetTokenUsageByTeamResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.GetTokenUsageByTeamRequest,
      io.tollgate.v1.GetTokenUsageByTeamResponse> getGetTokenUsageByTeamMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.GetTokenUsageByTeamRequest, io.tollgate.v1.GetTokenUsageByTeamResponse> getGetTokenUsageByTeamMethod;
    if ((getGetTokenUsageByTeamMethod = AnalyticsServiceGrpc.getGetTokenUsageByTeamMethod) == null) {
      synchronized (AnalyticsServiceGrpc.class) {
        if ((getGetTokenUsageByTeamMethod = AnalyticsServiceGrpc.getGetTokenUsageByTeamMethod) == null) {
          AnalyticsServiceGrpc.getGetTokenUsageByTeamMethod = getGetTokenUsageByTeamMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.GetTokenUsageByTeamRequest, io.tollgate.v1.GetTokenUsageByTeamResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetTokenUsageByTeam"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetTokenUsageByTeamRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetTokenUsageByTeamResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AnalyticsServiceMethodDescriptorSupplier("GetTokenUsageByTeam"))
              .build();
        }
      }
    }
    return getGetTokenUsageByTeamMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.GetTopWorkflowsRequest,
      io.tollgate.v1.GetTopWorkflowsResponse> getGetTopWorkflowsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetTopWorkflows",
      requestType = io.tollgate.v1.GetTopWorkflowsRequest.class,
      responseType = io.tollgate.v1.GetTopWorkflowsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.GetTopWorkflowsRequest,
      io.tollgate.v1.GetTopWorkflowsResponse> getGetTopWorkflowsMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.GetTopWorkflowsRequest, io.tollgate.v1.GetTopWorkflowsResponse> getGetTopWorkflowsMethod;
    if ((getGetTopWorkflowsMethod = AnalyticsServiceGrpc.getGetTopWorkflowsMethod) == null) {
      synchronized (AnalyticsServiceGrpc.class) {
        if ((getGetTopWorkflowsMethod = AnalyticsServiceGrpc.getGetTopWorkflowsMethod) == null) {
          AnalyticsServiceGrpc.getGetTopWorkflowsMethod = getGetTopWorkflowsMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.GetTopWorkflowsRequest, io.tollgate.v1.GetTopWorkflowsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetTopWorkflows"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetTopWorkflowsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetTopWorkflowsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AnalyticsServiceMethodDescriptorSupplier("GetTopWorkflows"))
              .build();
        }
      }
    }
    return getGetTopWorkflowsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.GetTopAssistantsRequest,
      io.tollgate.v1.GetTopAssistantsResponse> getGetTopAssistantsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetTopAssistants",
      requestType = io.tollgate.v1.GetTopAssistantsRequest.class,
      responseType = io.tollgate.v1.GetTopAssistantsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.GetTopAssistantsRequest,
      io.tollgate.v1.GetTopAssistantsResponse> getGetTopAssistantsMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.GetTopAssistantsRequest, io.tollgate.v1.GetTopAssistantsResponse> getGetTopAssistantsMethod;
    if ((getGetTopAssistantsMethod = AnalyticsServiceGrpc.getGetTopAssistantsMethod) == null) {
      synchronized (AnalyticsServiceGrpc.class) {
        if ((getGetTopAssistantsMethod = AnalyticsServiceGrpc.getGetTopAssistantsMethod) == null) {
          AnalyticsServiceGrpc.getGetTopAssistantsMethod = getGetTopAssistantsMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.GetTopAssistantsRequest, io.tollgate.v1.GetTopAssistantsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetTopAssistants"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetTopAssistantsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetTopAssistantsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AnalyticsServiceMethodDescriptorSupplier("GetTopAssistants"))
              .build();
        }
      }
    }
    return getGetTopAssistantsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.GetTimeToFirstValueRequest,
      io.tollgate.v1.GetTimeToFirstValueResponse> getGetTimeToFirstValueMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetTimeToFirstValue",
      requestType = io.tollgate.v1.GetTimeToFirstValueRequest.class,
      responseType = io.tollgate.v1.GetTimeToFirstValueResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.GetTimeToFirstValueRequest,
      io.tollgate.v1.GetTimeToFirstValueResponse> getGetTimeToFirstValueMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.GetTimeToFirstValueRequest, io.tollgate.v1.GetTimeToFirstValueResponse> getGetTimeToFirstValueMethod;
    if ((getGetTimeToFirstValueMethod = AnalyticsServiceGrpc.getGetTimeToFirstValueMethod) == null) {
      synchronized (AnalyticsServiceGrpc.class) {
        if ((getGetTimeToFirstValueMethod = AnalyticsServiceGrpc.getGetTimeToFirstValueMethod) == null) {
          AnalyticsServiceGrpc.getGetTimeToFirstValueMethod = getGetTimeToFirstValueMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.GetTimeToFirstValueRequest, io.tollgate.v1.GetTimeToFirstValueResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetTimeToFirstValue"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetTimeToFirstValueRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetTimeToFirstValueResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AnalyticsServiceMethodDescriptorSupplier("GetTimeToFirstValue"))
              .build();
        }
      }
    }
    return getGetTimeToFirstValueMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListNeverActiveUsersRequest,
      io.tollgate.v1.ListNeverActiveUsersResponse> getListNeverActiveUsersMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListNeverActiveUsers",
      requestType = io.tollgate.v1.ListNeverActiveUsersRequest.class,
      responseType = io.tollgate.v1.ListNeverActiveUsersResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListNeverActiveUsersRequest,
      io.tollgate.v1.ListNeverActiveUsersResponse> getListNeverActiveUsersMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListNeverActiveUsersRequest, io.tollgate.v1.ListNeverActiveUsersResponse> getListNeverActiveUsersMethod;
    if ((getListNeverActiveUsersMethod = AnalyticsServiceGrpc.getListNeverActiveUsersMethod) == null) {
      synchronized (AnalyticsServiceGrpc.class) {
        if ((getListNeverActiveUsersMethod = AnalyticsServiceGrpc.getListNeverActiveUsersMethod) == null) {
          AnalyticsServiceGrpc.getListNeverActiveUsersMethod = getListNeverActiveUsersMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListNeverActiveUsersRequest, io.tollgate.v1.ListNeverActiveUsersResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListNeverActiveUsers"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListNeverActiveUsersRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListNeverActiveUsersResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AnalyticsServiceMethodDescriptorSupplier("ListNeverActiveUsers"))
              .build();
        }
      }
    }
    return getListNeverActiveUsersMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.GetLiveMetricsRequest,
      io.tollgate.v1.GetLiveMetricsResponse> getGetLiveMetricsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetLiveMetrics",
      requestType = io.tollgate.v1.GetLiveMetricsRequest.class,
      responseType = io.tollgate.v1.GetLiveMetricsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.GetLiveMetricsRequest,
      io.tollgate.v1.GetLiveMetricsResponse> getGetLiveMetricsMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.GetLiveMetricsRequest, io.tollgate.v1.GetLiveMetricsResponse> getGetLiveMetricsMethod;
    if ((getGetLiveMetricsMethod = AnalyticsServiceGrpc.getGetLiveMetricsMethod) == null) {
      synchronized (AnalyticsServiceGrpc.class) {
        if ((getGetLiveMetricsMethod = AnalyticsServiceGrpc.getGetLiveMetricsMethod) == null) {
          AnalyticsServiceGrpc.getGetLiveMetricsMethod = getGetLiveMetricsMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.GetLiveMetricsRequest, io.tollgate.v1.GetLiveMetricsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetLiveMetrics"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetLiveMetricsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetLiveMetricsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AnalyticsServiceMethodDescriptorSupplier("GetLiveMetrics"))
              .build();
        }
      }
    }
    return getGetLiveMetricsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.WatchLiveMetricsRequest,
      io.tollgate.v1.WatchLiveMetricsResponse> getWatchLiveMetricsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchLiveMetrics",
      requestType = io.tollgate.v1.WatchLiveMetricsRequest.class,
      responseType = io.tollgate.v1.WatchLiveMetricsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.WatchLiveMetricsRequest,
      io.tollgate.v1.WatchLiveMetricsResponse> getWatchLiveMetricsMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.WatchLiveMetricsRequest, io.tollgate.v1.WatchLiveMetricsResponse> getWatchLiveMetricsMethod;
    if ((getWatchLiveMetricsMethod = AnalyticsServiceGrpc.getWatchLiveMetricsMethod) == null) {
      synchronized (AnalyticsServiceGrpc.class) {
        if ((getWatchLiveMetricsMethod = AnalyticsServiceGrpc.getWatchLiveMetricsMethod) == null) {
          AnalyticsServiceGrpc.getWatchLiveMetricsMethod = getWatchLiveMetricsMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.WatchLiveMetricsRequest, io.tollgate.v1.WatchLiveMetricsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchLiveMetrics"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.WatchLiveMetricsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.WatchLiveMetricsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AnalyticsServiceMethodDescriptorSupplier("WatchLiveMetrics"))
              .build();
        }
      }
    }
    return getWatchLiveMetricsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.QueryUsageRequest,
      io.tollgate.v1.QueryUsageResponse> getQueryUsageMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "QueryUsage",
      requestType = io.tollgate.v1.QueryUsageRequest.class,
      responseType = io.tollgate.v1.QueryUsageResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.QueryUsageRequest,
      io.tollgate.v1.QueryUsageResponse> getQueryUsageMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.QueryUsageRequest, io.tollgate.v1.QueryUsageResponse> getQueryUsageMethod;
    if ((getQueryUsageMethod = AnalyticsServiceGrpc.getQueryUsageMethod) == null) {
      synchronized (AnalyticsServiceGrpc.class) {
        if ((getQueryUsageMethod = AnalyticsServiceGrpc.getQueryUsageMethod) == null) {
          AnalyticsServiceGrpc.getQueryUsageMethod = getQueryUsageMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.QueryUsageRequest, io.tollgate.v1.QueryUsageResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "QueryUsage"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.QueryUsageRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.QueryUsageResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AnalyticsServiceMethodDescriptorSupplier("QueryUsage"))
              .build();
        }
      }
    }
    return getQueryUsageMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ExportUsageRequest,
      io.tollgate.v1.ExportUsageResponse> getExportUsageMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ExportUsage",
      requestType = io.tollgate.v1.ExportUsageRequest.class,
      responseType = io.tollgate.v1.ExportUsageResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ExportUsageRequest,
      io.tollgate.v1.ExportUsageResponse> getExportUsageMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ExportUsageRequest, io.tollgate.v1.ExportUsageResponse> getExportUsageMethod;
    if ((getExportUsageMethod = AnalyticsServiceGrpc.getExportUsageMethod) == null) {
      synchronized (AnalyticsServiceGrpc.class) {
        if ((getExportUsageMethod = AnalyticsServiceGrpc.getExportUsageMethod) == null) {
          AnalyticsServiceGrpc.getExportUsageMethod = getExportUsageMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ExportUsageRequest, io.tollgate.v1.ExportUsageResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ExportUsage"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ExportUsageRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ExportUsageResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AnalyticsServiceMethodDescriptorSupplier("ExportUsage"))
              .build();
        }
      }
    }
    return getExportUsageMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static AnalyticsServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AnalyticsServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AnalyticsServiceStub>() {
        @java.lang.Override
        public AnalyticsServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AnalyticsServiceStub(channel, callOptions);
        }
      };
    return AnalyticsServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static AnalyticsServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AnalyticsServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AnalyticsServiceBlockingV2Stub>() {
        @java.lang.Override
        public AnalyticsServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AnalyticsServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return AnalyticsServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static AnalyticsServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AnalyticsServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AnalyticsServiceBlockingStub>() {
        @java.lang.Override
        public AnalyticsServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AnalyticsServiceBlockingStub(channel, callOptions);
        }
      };
    return AnalyticsServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static AnalyticsServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AnalyticsServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AnalyticsServiceFutureStub>() {
        @java.lang.Override
        public AnalyticsServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AnalyticsServiceFutureStub(channel, callOptions);
        }
      };
    return AnalyticsServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Answers from sums that follow the usage log; every answer says up to when it is complete. Days
   * are local days of the workspace. Corrections and charges of expired holds count as cost, not as
   * requests; tokens and cost count whatever the outcome.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Returns everything that the page of an administrator shows, from one state of the data.
     * </pre>
     */
    default void getDashboard(io.tollgate.v1.GetDashboardRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetDashboardResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetDashboardMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns the key figures, each beside the one of the previous period.
     * </pre>
     */
    default void getOverview(io.tollgate.v1.GetOverviewRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetOverviewResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetOverviewMethod(), responseObserver);
    }

    /**
     * <pre>
     * Counts the users with at least one request in each bucket, each user once.
     * </pre>
     */
    default void getActiveUsers(io.tollgate.v1.GetActiveUsersRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetActiveUsersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetActiveUsersMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns the tokens of each department, and of requests without one.
     * </pre>
     */
    default void getTokenUsageByTeam(io.tollgate.v1.GetTokenUsageByTeamRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetTokenUsageByTeamResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetTokenUsageByTeamMethod(), responseObserver);
    }

    /**
     * <pre>
     * Ranks workflows by the tokens they used.
     * </pre>
     */
    default void getTopWorkflows(io.tollgate.v1.GetTopWorkflowsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetTopWorkflowsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetTopWorkflowsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Ranks assistants by the tokens they used.
     * </pre>
     */
    default void getTopAssistants(io.tollgate.v1.GetTopAssistantsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetTopAssistantsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetTopAssistantsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Tells how long users took from sign-up to their first value.
     * </pre>
     */
    default void getTimeToFirstValue(io.tollgate.v1.GetTimeToFirstValueRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetTimeToFirstValueResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetTimeToFirstValueMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists users who signed up in a range of time and have not reached value yet, by sign-up time,
     * latest first.
     * </pre>
     */
    default void listNeverActiveUsers(io.tollgate.v1.ListNeverActiveUsersRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListNeverActiveUsersResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListNeverActiveUsersMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns where the workspace stands now.
     * </pre>
     */
    default void getLiveMetrics(io.tollgate.v1.GetLiveMetricsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetLiveMetricsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetLiveMetricsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams where the workspace stands: at once, and then whenever something has changed, at most
     * once an interval. Ends with UNAVAILABLE when the server stops.
     * </pre>
     */
    default void watchLiveMetrics(io.tollgate.v1.WatchLiveMetricsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.WatchLiveMetricsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchLiveMetricsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns metrics by up to two dimensions over time. A question that sums do not answer is
     * answered from the usage log, for at most 1,000,000 of its entries; beyond, it is refused with
     * FAILED_PRECONDITION and a hint.
     * </pre>
     */
    default void queryUsage(io.tollgate.v1.QueryUsageRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.QueryUsageResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getQueryUsageMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams a report or the usage log as a file.
     * </pre>
     */
    default void exportUsage(io.tollgate.v1.ExportUsageRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ExportUsageResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getExportUsageMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service AnalyticsService.
   * <pre>
   * Answers from sums that follow the usage log; every answer says up to when it is complete. Days
   * are local days of the workspace. Corrections and charges of expired holds count as cost, not as
   * requests; tokens and cost count whatever the outcome.
   * </pre>
   */
  public static abstract class AnalyticsServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return AnalyticsServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service AnalyticsService.
   * <pre>
   * Answers from sums that follow the usage log; every answer says up to when it is complete. Days
   * are local days of the workspace. Corrections and charges of expired holds count as cost, not as
   * requests; tokens and cost count whatever the outcome.
   * </pre>
   */
  public static final class AnalyticsServiceStub
      extends io.grpc.stub.AbstractAsyncStub<AnalyticsServiceStub> {
    private AnalyticsServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AnalyticsServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AnalyticsServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns everything that the page of an administrator shows, from one state of the data.
     * </pre>
     */
    public void getDashboard(io.tollgate.v1.GetDashboardRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetDashboardResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetDashboardMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns the key figures, each beside the one of the previous period.
     * </pre>
     */
    public void getOverview(io.tollgate.v1.GetOverviewRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetOverviewResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetOverviewMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Counts the users with at least one request in each bucket, each user once.
     * </pre>
     */
    public void getActiveUsers(io.tollgate.v1.GetActiveUsersRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetActiveUsersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetActiveUsersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns the tokens of each department, and of requests without one.
     * </pre>
     */
    public void getTokenUsageByTeam(io.tollgate.v1.GetTokenUsageByTeamRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetTokenUsageByTeamResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetTokenUsageByTeamMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Ranks workflows by the tokens they used.
     * </pre>
     */
    public void getTopWorkflows(io.tollgate.v1.GetTopWorkflowsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetTopWorkflowsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetTopWorkflowsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Ranks assistants by the tokens they used.
     * </pre>
     */
    public void getTopAssistants(io.tollgate.v1.GetTopAssistantsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetTopAssistantsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetTopAssistantsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Tells how long users took from sign-up to their first value.
     * </pre>
     */
    public void getTimeToFirstValue(io.tollgate.v1.GetTimeToFirstValueRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetTimeToFirstValueResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetTimeToFirstValueMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists users who signed up in a range of time and have not reached value yet, by sign-up time,
     * latest first.
     * </pre>
     */
    public void listNeverActiveUsers(io.tollgate.v1.ListNeverActiveUsersRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListNeverActiveUsersResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListNeverActiveUsersMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns where the workspace stands now.
     * </pre>
     */
    public void getLiveMetrics(io.tollgate.v1.GetLiveMetricsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetLiveMetricsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetLiveMetricsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams where the workspace stands: at once, and then whenever something has changed, at most
     * once an interval. Ends with UNAVAILABLE when the server stops.
     * </pre>
     */
    public void watchLiveMetrics(io.tollgate.v1.WatchLiveMetricsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.WatchLiveMetricsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchLiveMetricsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns metrics by up to two dimensions over time. A question that sums do not answer is
     * answered from the usage log, for at most 1,000,000 of its entries; beyond, it is refused with
     * FAILED_PRECONDITION and a hint.
     * </pre>
     */
    public void queryUsage(io.tollgate.v1.QueryUsageRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.QueryUsageResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getQueryUsageMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams a report or the usage log as a file.
     * </pre>
     */
    public void exportUsage(io.tollgate.v1.ExportUsageRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ExportUsageResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getExportUsageMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service AnalyticsService.
   * <pre>
   * Answers from sums that follow the usage log; every answer says up to when it is complete. Days
   * are local days of the workspace. Corrections and charges of expired holds count as cost, not as
   * requests; tokens and cost count whatever the outcome.
   * </pre>
   */
  public static final class AnalyticsServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<AnalyticsServiceBlockingV2Stub> {
    private AnalyticsServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AnalyticsServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AnalyticsServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns everything that the page of an administrator shows, from one state of the data.
     * </pre>
     */
    public io.tollgate.v1.GetDashboardResponse getDashboard(io.tollgate.v1.GetDashboardRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetDashboardMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the key figures, each beside the one of the previous period.
     * </pre>
     */
    public io.tollgate.v1.GetOverviewResponse getOverview(io.tollgate.v1.GetOverviewRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetOverviewMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Counts the users with at least one request in each bucket, each user once.
     * </pre>
     */
    public io.tollgate.v1.GetActiveUsersResponse getActiveUsers(io.tollgate.v1.GetActiveUsersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetActiveUsersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the tokens of each department, and of requests without one.
     * </pre>
     */
    public io.tollgate.v1.GetTokenUsageByTeamResponse getTokenUsageByTeam(io.tollgate.v1.GetTokenUsageByTeamRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetTokenUsageByTeamMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ranks workflows by the tokens they used.
     * </pre>
     */
    public io.tollgate.v1.GetTopWorkflowsResponse getTopWorkflows(io.tollgate.v1.GetTopWorkflowsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetTopWorkflowsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ranks assistants by the tokens they used.
     * </pre>
     */
    public io.tollgate.v1.GetTopAssistantsResponse getTopAssistants(io.tollgate.v1.GetTopAssistantsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetTopAssistantsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells how long users took from sign-up to their first value.
     * </pre>
     */
    public io.tollgate.v1.GetTimeToFirstValueResponse getTimeToFirstValue(io.tollgate.v1.GetTimeToFirstValueRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetTimeToFirstValueMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists users who signed up in a range of time and have not reached value yet, by sign-up time,
     * latest first.
     * </pre>
     */
    public io.tollgate.v1.ListNeverActiveUsersResponse listNeverActiveUsers(io.tollgate.v1.ListNeverActiveUsersRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListNeverActiveUsersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns where the workspace stands now.
     * </pre>
     */
    public io.tollgate.v1.GetLiveMetricsResponse getLiveMetrics(io.tollgate.v1.GetLiveMetricsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetLiveMetricsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams where the workspace stands: at once, and then whenever something has changed, at most
     * once an interval. Ends with UNAVAILABLE when the server stops.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.tollgate.v1.WatchLiveMetricsResponse>
        watchLiveMetrics(io.tollgate.v1.WatchLiveMetricsRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchLiveMetricsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns metrics by up to two dimensions over time. A question that sums do not answer is
     * answered from the usage log, for at most 1,000,000 of its entries; beyond, it is refused with
     * FAILED_PRECONDITION and a hint.
     * </pre>
     */
    public io.tollgate.v1.QueryUsageResponse queryUsage(io.tollgate.v1.QueryUsageRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getQueryUsageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams a report or the usage log as a file.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.tollgate.v1.ExportUsageResponse>
        exportUsage(io.tollgate.v1.ExportUsageRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getExportUsageMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service AnalyticsService.
   * <pre>
   * Answers from sums that follow the usage log; every answer says up to when it is complete. Days
   * are local days of the workspace. Corrections and charges of expired holds count as cost, not as
   * requests; tokens and cost count whatever the outcome.
   * </pre>
   */
  public static final class AnalyticsServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<AnalyticsServiceBlockingStub> {
    private AnalyticsServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AnalyticsServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AnalyticsServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns everything that the page of an administrator shows, from one state of the data.
     * </pre>
     */
    public io.tollgate.v1.GetDashboardResponse getDashboard(io.tollgate.v1.GetDashboardRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetDashboardMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the key figures, each beside the one of the previous period.
     * </pre>
     */
    public io.tollgate.v1.GetOverviewResponse getOverview(io.tollgate.v1.GetOverviewRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetOverviewMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Counts the users with at least one request in each bucket, each user once.
     * </pre>
     */
    public io.tollgate.v1.GetActiveUsersResponse getActiveUsers(io.tollgate.v1.GetActiveUsersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetActiveUsersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns the tokens of each department, and of requests without one.
     * </pre>
     */
    public io.tollgate.v1.GetTokenUsageByTeamResponse getTokenUsageByTeam(io.tollgate.v1.GetTokenUsageByTeamRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetTokenUsageByTeamMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ranks workflows by the tokens they used.
     * </pre>
     */
    public io.tollgate.v1.GetTopWorkflowsResponse getTopWorkflows(io.tollgate.v1.GetTopWorkflowsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetTopWorkflowsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ranks assistants by the tokens they used.
     * </pre>
     */
    public io.tollgate.v1.GetTopAssistantsResponse getTopAssistants(io.tollgate.v1.GetTopAssistantsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetTopAssistantsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Tells how long users took from sign-up to their first value.
     * </pre>
     */
    public io.tollgate.v1.GetTimeToFirstValueResponse getTimeToFirstValue(io.tollgate.v1.GetTimeToFirstValueRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetTimeToFirstValueMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists users who signed up in a range of time and have not reached value yet, by sign-up time,
     * latest first.
     * </pre>
     */
    public io.tollgate.v1.ListNeverActiveUsersResponse listNeverActiveUsers(io.tollgate.v1.ListNeverActiveUsersRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListNeverActiveUsersMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns where the workspace stands now.
     * </pre>
     */
    public io.tollgate.v1.GetLiveMetricsResponse getLiveMetrics(io.tollgate.v1.GetLiveMetricsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetLiveMetricsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams where the workspace stands: at once, and then whenever something has changed, at most
     * once an interval. Ends with UNAVAILABLE when the server stops.
     * </pre>
     */
    public java.util.Iterator<io.tollgate.v1.WatchLiveMetricsResponse> watchLiveMetrics(
        io.tollgate.v1.WatchLiveMetricsRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchLiveMetricsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns metrics by up to two dimensions over time. A question that sums do not answer is
     * answered from the usage log, for at most 1,000,000 of its entries; beyond, it is refused with
     * FAILED_PRECONDITION and a hint.
     * </pre>
     */
    public io.tollgate.v1.QueryUsageResponse queryUsage(io.tollgate.v1.QueryUsageRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getQueryUsageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams a report or the usage log as a file.
     * </pre>
     */
    public java.util.Iterator<io.tollgate.v1.ExportUsageResponse> exportUsage(
        io.tollgate.v1.ExportUsageRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getExportUsageMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service AnalyticsService.
   * <pre>
   * Answers from sums that follow the usage log; every answer says up to when it is complete. Days
   * are local days of the workspace. Corrections and charges of expired holds count as cost, not as
   * requests; tokens and cost count whatever the outcome.
   * </pre>
   */
  public static final class AnalyticsServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<AnalyticsServiceFutureStub> {
    private AnalyticsServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AnalyticsServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AnalyticsServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns everything that the page of an administrator shows, from one state of the data.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.GetDashboardResponse> getDashboard(
        io.tollgate.v1.GetDashboardRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetDashboardMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns the key figures, each beside the one of the previous period.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.GetOverviewResponse> getOverview(
        io.tollgate.v1.GetOverviewRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetOverviewMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Counts the users with at least one request in each bucket, each user once.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.GetActiveUsersResponse> getActiveUsers(
        io.tollgate.v1.GetActiveUsersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetActiveUsersMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns the tokens of each department, and of requests without one.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.GetTokenUsageByTeamResponse> getTokenUsageByTeam(
        io.tollgate.v1.GetTokenUsageByTeamRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetTokenUsageByTeamMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Ranks workflows by the tokens they used.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.GetTopWorkflowsResponse> getTopWorkflows(
        io.tollgate.v1.GetTopWorkflowsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetTopWorkflowsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Ranks assistants by the tokens they used.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.GetTopAssistantsResponse> getTopAssistants(
        io.tollgate.v1.GetTopAssistantsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetTopAssistantsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Tells how long users took from sign-up to their first value.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.GetTimeToFirstValueResponse> getTimeToFirstValue(
        io.tollgate.v1.GetTimeToFirstValueRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetTimeToFirstValueMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists users who signed up in a range of time and have not reached value yet, by sign-up time,
     * latest first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListNeverActiveUsersResponse> listNeverActiveUsers(
        io.tollgate.v1.ListNeverActiveUsersRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListNeverActiveUsersMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns where the workspace stands now.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.GetLiveMetricsResponse> getLiveMetrics(
        io.tollgate.v1.GetLiveMetricsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetLiveMetricsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns metrics by up to two dimensions over time. A question that sums do not answer is
     * answered from the usage log, for at most 1,000,000 of its entries; beyond, it is refused with
     * FAILED_PRECONDITION and a hint.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.QueryUsageResponse> queryUsage(
        io.tollgate.v1.QueryUsageRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getQueryUsageMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_DASHBOARD = 0;
  private static final int METHODID_GET_OVERVIEW = 1;
  private static final int METHODID_GET_ACTIVE_USERS = 2;
  private static final int METHODID_GET_TOKEN_USAGE_BY_TEAM = 3;
  private static final int METHODID_GET_TOP_WORKFLOWS = 4;
  private static final int METHODID_GET_TOP_ASSISTANTS = 5;
  private static final int METHODID_GET_TIME_TO_FIRST_VALUE = 6;
  private static final int METHODID_LIST_NEVER_ACTIVE_USERS = 7;
  private static final int METHODID_GET_LIVE_METRICS = 8;
  private static final int METHODID_WATCH_LIVE_METRICS = 9;
  private static final int METHODID_QUERY_USAGE = 10;
  private static final int METHODID_EXPORT_USAGE = 11;

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
        case METHODID_GET_DASHBOARD:
          serviceImpl.getDashboard((io.tollgate.v1.GetDashboardRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.GetDashboardResponse>) responseObserver);
          break;
        case METHODID_GET_OVERVIEW:
          serviceImpl.getOverview((io.tollgate.v1.GetOverviewRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.GetOverviewResponse>) responseObserver);
          break;
        case METHODID_GET_ACTIVE_USERS:
          serviceImpl.getActiveUsers((io.tollgate.v1.GetActiveUsersRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.GetActiveUsersResponse>) responseObserver);
          break;
        case METHODID_GET_TOKEN_USAGE_BY_TEAM:
          serviceImpl.getTokenUsageByTeam((io.tollgate.v1.GetTokenUsageByTeamRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.GetTokenUsageByTeamResponse>) responseObserver);
          break;
        case METHODID_GET_TOP_WORKFLOWS:
          serviceImpl.getTopWorkflows((io.tollgate.v1.GetTopWorkflowsRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.GetTopWorkflowsResponse>) responseObserver);
          break;
        case METHODID_GET_TOP_ASSISTANTS:
          serviceImpl.getTopAssistants((io.tollgate.v1.GetTopAssistantsRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.GetTopAssistantsResponse>) responseObserver);
          break;
        case METHODID_GET_TIME_TO_FIRST_VALUE:
          serviceImpl.getTimeToFirstValue((io.tollgate.v1.GetTimeToFirstValueRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.GetTimeToFirstValueResponse>) responseObserver);
          break;
        case METHODID_LIST_NEVER_ACTIVE_USERS:
          serviceImpl.listNeverActiveUsers((io.tollgate.v1.ListNeverActiveUsersRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListNeverActiveUsersResponse>) responseObserver);
          break;
        case METHODID_GET_LIVE_METRICS:
          serviceImpl.getLiveMetrics((io.tollgate.v1.GetLiveMetricsRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.GetLiveMetricsResponse>) responseObserver);
          break;
        case METHODID_WATCH_LIVE_METRICS:
          serviceImpl.watchLiveMetrics((io.tollgate.v1.WatchLiveMetricsRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.WatchLiveMetricsResponse>) responseObserver);
          break;
        case METHODID_QUERY_USAGE:
          serviceImpl.queryUsage((io.tollgate.v1.QueryUsageRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.QueryUsageResponse>) responseObserver);
          break;
        case METHODID_EXPORT_USAGE:
          serviceImpl.exportUsage((io.tollgate.v1.ExportUsageRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ExportUsageResponse>) responseObserver);
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
          getGetDashboardMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.GetDashboardRequest,
              io.tollgate.v1.GetDashboardResponse>(
                service, METHODID_GET_DASHBOARD)))
        .addMethod(
          getGetOverviewMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.GetOverviewRequest,
              io.tollgate.v1.GetOverviewResponse>(
                service, METHODID_GET_OVERVIEW)))
        .addMethod(
          getGetActiveUsersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.GetActiveUsersRequest,
              io.tollgate.v1.GetActiveUsersResponse>(
                service, METHODID_GET_ACTIVE_USERS)))
        .addMethod(
          getGetTokenUsageByTeamMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.GetTokenUsageByTeamRequest,
              io.tollgate.v1.GetTokenUsageByTeamResponse>(
                service, METHODID_GET_TOKEN_USAGE_BY_TEAM)))
        .addMethod(
          getGetTopWorkflowsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.GetTopWorkflowsRequest,
              io.tollgate.v1.GetTopWorkflowsResponse>(
                service, METHODID_GET_TOP_WORKFLOWS)))
        .addMethod(
          getGetTopAssistantsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.GetTopAssistantsRequest,
              io.tollgate.v1.GetTopAssistantsResponse>(
                service, METHODID_GET_TOP_ASSISTANTS)))
        .addMethod(
          getGetTimeToFirstValueMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.GetTimeToFirstValueRequest,
              io.tollgate.v1.GetTimeToFirstValueResponse>(
                service, METHODID_GET_TIME_TO_FIRST_VALUE)))
        .addMethod(
          getListNeverActiveUsersMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListNeverActiveUsersRequest,
              io.tollgate.v1.ListNeverActiveUsersResponse>(
                service, METHODID_LIST_NEVER_ACTIVE_USERS)))
        .addMethod(
          getGetLiveMetricsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.GetLiveMetricsRequest,
              io.tollgate.v1.GetLiveMetricsResponse>(
                service, METHODID_GET_LIVE_METRICS)))
        .addMethod(
          getWatchLiveMetricsMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.tollgate.v1.WatchLiveMetricsRequest,
              io.tollgate.v1.WatchLiveMetricsResponse>(
                service, METHODID_WATCH_LIVE_METRICS)))
        .addMethod(
          getQueryUsageMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.QueryUsageRequest,
              io.tollgate.v1.QueryUsageResponse>(
                service, METHODID_QUERY_USAGE)))
        .addMethod(
          getExportUsageMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.tollgate.v1.ExportUsageRequest,
              io.tollgate.v1.ExportUsageResponse>(
                service, METHODID_EXPORT_USAGE)))
        .build();
  }

  private static abstract class AnalyticsServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    AnalyticsServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.tollgate.v1.AnalyticsServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("AnalyticsService");
    }
  }

  private static final class AnalyticsServiceFileDescriptorSupplier
      extends AnalyticsServiceBaseDescriptorSupplier {
    AnalyticsServiceFileDescriptorSupplier() {}
  }

  private static final class AnalyticsServiceMethodDescriptorSupplier
      extends AnalyticsServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    AnalyticsServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (AnalyticsServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new AnalyticsServiceFileDescriptorSupplier())
              .addMethod(getGetDashboardMethod())
              .addMethod(getGetOverviewMethod())
              .addMethod(getGetActiveUsersMethod())
              .addMethod(getGetTokenUsageByTeamMethod())
              .addMethod(getGetTopWorkflowsMethod())
              .addMethod(getGetTopAssistantsMethod())
              .addMethod(getGetTimeToFirstValueMethod())
              .addMethod(getListNeverActiveUsersMethod())
              .addMethod(getGetLiveMetricsMethod())
              .addMethod(getWatchLiveMetricsMethod())
              .addMethod(getQueryUsageMethod())
              .addMethod(getExportUsageMethod())
              .build();
        }
      }
    }
    return result;
  }
}
