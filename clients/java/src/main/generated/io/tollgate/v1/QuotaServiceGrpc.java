package io.tollgate.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Holds what bounds the members of a workspace. A quota or rate limit that is created, changed or
 * deleted takes effect on the next check; what was used before in the running window counts.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class QuotaServiceGrpc {

  private QuotaServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "tollgate.v1.QuotaService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.CreateQuotaRequest,
      io.tollgate.v1.CreateQuotaResponse> getCreateQuotaMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateQuota",
      requestType = io.tollgate.v1.CreateQuotaRequest.class,
      responseType = io.tollgate.v1.CreateQuotaResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.CreateQuotaRequest,
      io.tollgate.v1.CreateQuotaResponse> getCreateQuotaMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.CreateQuotaRequest, io.tollgate.v1.CreateQuotaResponse> getCreateQuotaMethod;
    if ((getCreateQuotaMethod = QuotaServiceGrpc.getCreateQuotaMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getCreateQuotaMethod = QuotaServiceGrpc.getCreateQuotaMethod) == null) {
          QuotaServiceGrpc.getCreateQuotaMethod = getCreateQuotaMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.CreateQuotaRequest, io.tollgate.v1.CreateQuotaResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateQuota"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CreateQuotaRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CreateQuotaResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("CreateQuota"))
              .build();
        }
      }
    }
    return getCreateQuotaMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.GetQuotaRequest,
      io.tollgate.v1.GetQuotaResponse> getGetQuotaMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetQuota",
      requestType = io.tollgate.v1.GetQuotaRequest.class,
      responseType = io.tollgate.v1.GetQuotaResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.GetQuotaRequest,
      io.tollgate.v1.GetQuotaResponse> getGetQuotaMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.GetQuotaRequest, io.tollgate.v1.GetQuotaResponse> getGetQuotaMethod;
    if ((getGetQuotaMethod = QuotaServiceGrpc.getGetQuotaMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getGetQuotaMethod = QuotaServiceGrpc.getGetQuotaMethod) == null) {
          QuotaServiceGrpc.getGetQuotaMethod = getGetQuotaMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.GetQuotaRequest, io.tollgate.v1.GetQuotaResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetQuota"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetQuotaRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetQuotaResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("GetQuota"))
              .build();
        }
      }
    }
    return getGetQuotaMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListQuotasRequest,
      io.tollgate.v1.ListQuotasResponse> getListQuotasMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListQuotas",
      requestType = io.tollgate.v1.ListQuotasRequest.class,
      responseType = io.tollgate.v1.ListQuotasResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListQuotasRequest,
      io.tollgate.v1.ListQuotasResponse> getListQuotasMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListQuotasRequest, io.tollgate.v1.ListQuotasResponse> getListQuotasMethod;
    if ((getListQuotasMethod = QuotaServiceGrpc.getListQuotasMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getListQuotasMethod = QuotaServiceGrpc.getListQuotasMethod) == null) {
          QuotaServiceGrpc.getListQuotasMethod = getListQuotasMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListQuotasRequest, io.tollgate.v1.ListQuotasResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListQuotas"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListQuotasRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListQuotasResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("ListQuotas"))
              .build();
        }
      }
    }
    return getListQuotasMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.UpdateQuotaRequest,
      io.tollgate.v1.UpdateQuotaResponse> getUpdateQuotaMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateQuota",
      requestType = io.tollgate.v1.UpdateQuotaRequest.class,
      responseType = io.tollgate.v1.UpdateQuotaResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.UpdateQuotaRequest,
      io.tollgate.v1.UpdateQuotaResponse> getUpdateQuotaMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.UpdateQuotaRequest, io.tollgate.v1.UpdateQuotaResponse> getUpdateQuotaMethod;
    if ((getUpdateQuotaMethod = QuotaServiceGrpc.getUpdateQuotaMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getUpdateQuotaMethod = QuotaServiceGrpc.getUpdateQuotaMethod) == null) {
          QuotaServiceGrpc.getUpdateQuotaMethod = getUpdateQuotaMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.UpdateQuotaRequest, io.tollgate.v1.UpdateQuotaResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateQuota"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.UpdateQuotaRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.UpdateQuotaResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("UpdateQuota"))
              .build();
        }
      }
    }
    return getUpdateQuotaMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.DeleteQuotaRequest,
      io.tollgate.v1.DeleteQuotaResponse> getDeleteQuotaMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteQuota",
      requestType = io.tollgate.v1.DeleteQuotaRequest.class,
      responseType = io.tollgate.v1.DeleteQuotaResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.DeleteQuotaRequest,
      io.tollgate.v1.DeleteQuotaResponse> getDeleteQuotaMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.DeleteQuotaRequest, io.tollgate.v1.DeleteQuotaResponse> getDeleteQuotaMethod;
    if ((getDeleteQuotaMethod = QuotaServiceGrpc.getDeleteQuotaMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getDeleteQuotaMethod = QuotaServiceGrpc.getDeleteQuotaMethod) == null) {
          QuotaServiceGrpc.getDeleteQuotaMethod = getDeleteQuotaMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.DeleteQuotaRequest, io.tollgate.v1.DeleteQuotaResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteQuota"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.DeleteQuotaRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.DeleteQuotaResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("DeleteQuota"))
              .build();
        }
      }
    }
    return getDeleteQuotaMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ResetQuotaRequest,
      io.tollgate.v1.ResetQuotaResponse> getResetQuotaMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ResetQuota",
      requestType = io.tollgate.v1.ResetQuotaRequest.class,
      responseType = io.tollgate.v1.ResetQuotaResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ResetQuotaRequest,
      io.tollgate.v1.ResetQuotaResponse> getResetQuotaMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ResetQuotaRequest, io.tollgate.v1.ResetQuotaResponse> getResetQuotaMethod;
    if ((getResetQuotaMethod = QuotaServiceGrpc.getResetQuotaMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getResetQuotaMethod = QuotaServiceGrpc.getResetQuotaMethod) == null) {
          QuotaServiceGrpc.getResetQuotaMethod = getResetQuotaMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ResetQuotaRequest, io.tollgate.v1.ResetQuotaResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ResetQuota"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ResetQuotaRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ResetQuotaResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("ResetQuota"))
              .build();
        }
      }
    }
    return getResetQuotaMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListQuotaUsageRequest,
      io.tollgate.v1.ListQuotaUsageResponse> getListQuotaUsageMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListQuotaUsage",
      requestType = io.tollgate.v1.ListQuotaUsageRequest.class,
      responseType = io.tollgate.v1.ListQuotaUsageResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListQuotaUsageRequest,
      io.tollgate.v1.ListQuotaUsageResponse> getListQuotaUsageMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListQuotaUsageRequest, io.tollgate.v1.ListQuotaUsageResponse> getListQuotaUsageMethod;
    if ((getListQuotaUsageMethod = QuotaServiceGrpc.getListQuotaUsageMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getListQuotaUsageMethod = QuotaServiceGrpc.getListQuotaUsageMethod) == null) {
          QuotaServiceGrpc.getListQuotaUsageMethod = getListQuotaUsageMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListQuotaUsageRequest, io.tollgate.v1.ListQuotaUsageResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListQuotaUsage"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListQuotaUsageRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListQuotaUsageResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("ListQuotaUsage"))
              .build();
        }
      }
    }
    return getListQuotaUsageMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.CreateQuotaBoostRequest,
      io.tollgate.v1.CreateQuotaBoostResponse> getCreateQuotaBoostMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateQuotaBoost",
      requestType = io.tollgate.v1.CreateQuotaBoostRequest.class,
      responseType = io.tollgate.v1.CreateQuotaBoostResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.CreateQuotaBoostRequest,
      io.tollgate.v1.CreateQuotaBoostResponse> getCreateQuotaBoostMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.CreateQuotaBoostRequest, io.tollgate.v1.CreateQuotaBoostResponse> getCreateQuotaBoostMethod;
    if ((getCreateQuotaBoostMethod = QuotaServiceGrpc.getCreateQuotaBoostMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getCreateQuotaBoostMethod = QuotaServiceGrpc.getCreateQuotaBoostMethod) == null) {
          QuotaServiceGrpc.getCreateQuotaBoostMethod = getCreateQuotaBoostMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.CreateQuotaBoostRequest, io.tollgate.v1.CreateQuotaBoostResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateQuotaBoost"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CreateQuotaBoostRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CreateQuotaBoostResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("CreateQuotaBoost"))
              .build();
        }
      }
    }
    return getCreateQuotaBoostMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListQuotaBoostsRequest,
      io.tollgate.v1.ListQuotaBoostsResponse> getListQuotaBoostsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListQuotaBoosts",
      requestType = io.tollgate.v1.ListQuotaBoostsRequest.class,
      responseType = io.tollgate.v1.ListQuotaBoostsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListQuotaBoostsRequest,
      io.tollgate.v1.ListQuotaBoostsResponse> getListQuotaBoostsMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListQuotaBoostsRequest, io.tollgate.v1.ListQuotaBoostsResponse> getListQuotaBoostsMethod;
    if ((getListQuotaBoostsMethod = QuotaServiceGrpc.getListQuotaBoostsMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getListQuotaBoostsMethod = QuotaServiceGrpc.getListQuotaBoostsMethod) == null) {
          QuotaServiceGrpc.getListQuotaBoostsMethod = getListQuotaBoostsMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListQuotaBoostsRequest, io.tollgate.v1.ListQuotaBoostsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListQuotaBoosts"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListQuotaBoostsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListQuotaBoostsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("ListQuotaBoosts"))
              .build();
        }
      }
    }
    return getListQuotaBoostsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.CancelQuotaBoostRequest,
      io.tollgate.v1.CancelQuotaBoostResponse> getCancelQuotaBoostMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CancelQuotaBoost",
      requestType = io.tollgate.v1.CancelQuotaBoostRequest.class,
      responseType = io.tollgate.v1.CancelQuotaBoostResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.CancelQuotaBoostRequest,
      io.tollgate.v1.CancelQuotaBoostResponse> getCancelQuotaBoostMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.CancelQuotaBoostRequest, io.tollgate.v1.CancelQuotaBoostResponse> getCancelQuotaBoostMethod;
    if ((getCancelQuotaBoostMethod = QuotaServiceGrpc.getCancelQuotaBoostMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getCancelQuotaBoostMethod = QuotaServiceGrpc.getCancelQuotaBoostMethod) == null) {
          QuotaServiceGrpc.getCancelQuotaBoostMethod = getCancelQuotaBoostMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.CancelQuotaBoostRequest, io.tollgate.v1.CancelQuotaBoostResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CancelQuotaBoost"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CancelQuotaBoostRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CancelQuotaBoostResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("CancelQuotaBoost"))
              .build();
        }
      }
    }
    return getCancelQuotaBoostMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.CreateRateLimitRequest,
      io.tollgate.v1.CreateRateLimitResponse> getCreateRateLimitMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateRateLimit",
      requestType = io.tollgate.v1.CreateRateLimitRequest.class,
      responseType = io.tollgate.v1.CreateRateLimitResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.CreateRateLimitRequest,
      io.tollgate.v1.CreateRateLimitResponse> getCreateRateLimitMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.CreateRateLimitRequest, io.tollgate.v1.CreateRateLimitResponse> getCreateRateLimitMethod;
    if ((getCreateRateLimitMethod = QuotaServiceGrpc.getCreateRateLimitMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getCreateRateLimitMethod = QuotaServiceGrpc.getCreateRateLimitMethod) == null) {
          QuotaServiceGrpc.getCreateRateLimitMethod = getCreateRateLimitMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.CreateRateLimitRequest, io.tollgate.v1.CreateRateLimitResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateRateLimit"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CreateRateLimitRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CreateRateLimitResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("CreateRateLimit"))
              .build();
        }
      }
    }
    return getCreateRateLimitMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.GetRateLimitRequest,
      io.tollgate.v1.GetRateLimitResponse> getGetRateLimitMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetRateLimit",
      requestType = io.tollgate.v1.GetRateLimitRequest.class,
      responseType = io.tollgate.v1.GetRateLimitResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.GetRateLimitRequest,
      io.tollgate.v1.GetRateLimitResponse> getGetRateLimitMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.GetRateLimitRequest, io.tollgate.v1.GetRateLimitResponse> getGetRateLimitMethod;
    if ((getGetRateLimitMethod = QuotaServiceGrpc.getGetRateLimitMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getGetRateLimitMethod = QuotaServiceGrpc.getGetRateLimitMethod) == null) {
          QuotaServiceGrpc.getGetRateLimitMethod = getGetRateLimitMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.GetRateLimitRequest, io.tollgate.v1.GetRateLimitResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetRateLimit"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetRateLimitRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetRateLimitResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("GetRateLimit"))
              .build();
        }
      }
    }
    return getGetRateLimitMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListRateLimitsRequest,
      io.tollgate.v1.ListRateLimitsResponse> getListRateLimitsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListRateLimits",
      requestType = io.tollgate.v1.ListRateLimitsRequest.class,
      responseType = io.tollgate.v1.ListRateLimitsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListRateLimitsRequest,
      io.tollgate.v1.ListRateLimitsResponse> getListRateLimitsMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListRateLimitsRequest, io.tollgate.v1.ListRateLimitsResponse> getListRateLimitsMethod;
    if ((getListRateLimitsMethod = QuotaServiceGrpc.getListRateLimitsMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getListRateLimitsMethod = QuotaServiceGrpc.getListRateLimitsMethod) == null) {
          QuotaServiceGrpc.getListRateLimitsMethod = getListRateLimitsMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListRateLimitsRequest, io.tollgate.v1.ListRateLimitsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListRateLimits"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListRateLimitsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListRateLimitsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("ListRateLimits"))
              .build();
        }
      }
    }
    return getListRateLimitsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.UpdateRateLimitRequest,
      io.tollgate.v1.UpdateRateLimitResponse> getUpdateRateLimitMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateRateLimit",
      requestType = io.tollgate.v1.UpdateRateLimitRequest.class,
      responseType = io.tollgate.v1.UpdateRateLimitResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.UpdateRateLimitRequest,
      io.tollgate.v1.UpdateRateLimitResponse> getUpdateRateLimitMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.UpdateRateLimitRequest, io.tollgate.v1.UpdateRateLimitResponse> getUpdateRateLimitMethod;
    if ((getUpdateRateLimitMethod = QuotaServiceGrpc.getUpdateRateLimitMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getUpdateRateLimitMethod = QuotaServiceGrpc.getUpdateRateLimitMethod) == null) {
          QuotaServiceGrpc.getUpdateRateLimitMethod = getUpdateRateLimitMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.UpdateRateLimitRequest, io.tollgate.v1.UpdateRateLimitResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateRateLimit"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.UpdateRateLimitRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.UpdateRateLimitResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("UpdateRateLimit"))
              .build();
        }
      }
    }
    return getUpdateRateLimitMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.DeleteRateLimitRequest,
      io.tollgate.v1.DeleteRateLimitResponse> getDeleteRateLimitMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteRateLimit",
      requestType = io.tollgate.v1.DeleteRateLimitRequest.class,
      responseType = io.tollgate.v1.DeleteRateLimitResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.DeleteRateLimitRequest,
      io.tollgate.v1.DeleteRateLimitResponse> getDeleteRateLimitMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.DeleteRateLimitRequest, io.tollgate.v1.DeleteRateLimitResponse> getDeleteRateLimitMethod;
    if ((getDeleteRateLimitMethod = QuotaServiceGrpc.getDeleteRateLimitMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getDeleteRateLimitMethod = QuotaServiceGrpc.getDeleteRateLimitMethod) == null) {
          QuotaServiceGrpc.getDeleteRateLimitMethod = getDeleteRateLimitMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.DeleteRateLimitRequest, io.tollgate.v1.DeleteRateLimitResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteRateLimit"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.DeleteRateLimitRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.DeleteRateLimitResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("DeleteRateLimit"))
              .build();
        }
      }
    }
    return getDeleteRateLimitMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.RegisterApiKeyRequest,
      io.tollgate.v1.RegisterApiKeyResponse> getRegisterApiKeyMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RegisterApiKey",
      requestType = io.tollgate.v1.RegisterApiKeyRequest.class,
      responseType = io.tollgate.v1.RegisterApiKeyResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.RegisterApiKeyRequest,
      io.tollgate.v1.RegisterApiKeyResponse> getRegisterApiKeyMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.RegisterApiKeyRequest, io.tollgate.v1.RegisterApiKeyResponse> getRegisterApiKeyMethod;
    if ((getRegisterApiKeyMethod = QuotaServiceGrpc.getRegisterApiKeyMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getRegisterApiKeyMethod = QuotaServiceGrpc.getRegisterApiKeyMethod) == null) {
          QuotaServiceGrpc.getRegisterApiKeyMethod = getRegisterApiKeyMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.RegisterApiKeyRequest, io.tollgate.v1.RegisterApiKeyResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RegisterApiKey"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.RegisterApiKeyRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.RegisterApiKeyResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("RegisterApiKey"))
              .build();
        }
      }
    }
    return getRegisterApiKeyMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.GetApiKeyRequest,
      io.tollgate.v1.GetApiKeyResponse> getGetApiKeyMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetApiKey",
      requestType = io.tollgate.v1.GetApiKeyRequest.class,
      responseType = io.tollgate.v1.GetApiKeyResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.GetApiKeyRequest,
      io.tollgate.v1.GetApiKeyResponse> getGetApiKeyMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.GetApiKeyRequest, io.tollgate.v1.GetApiKeyResponse> getGetApiKeyMethod;
    if ((getGetApiKeyMethod = QuotaServiceGrpc.getGetApiKeyMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getGetApiKeyMethod = QuotaServiceGrpc.getGetApiKeyMethod) == null) {
          QuotaServiceGrpc.getGetApiKeyMethod = getGetApiKeyMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.GetApiKeyRequest, io.tollgate.v1.GetApiKeyResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetApiKey"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetApiKeyRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetApiKeyResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("GetApiKey"))
              .build();
        }
      }
    }
    return getGetApiKeyMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListApiKeysRequest,
      io.tollgate.v1.ListApiKeysResponse> getListApiKeysMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListApiKeys",
      requestType = io.tollgate.v1.ListApiKeysRequest.class,
      responseType = io.tollgate.v1.ListApiKeysResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListApiKeysRequest,
      io.tollgate.v1.ListApiKeysResponse> getListApiKeysMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListApiKeysRequest, io.tollgate.v1.ListApiKeysResponse> getListApiKeysMethod;
    if ((getListApiKeysMethod = QuotaServiceGrpc.getListApiKeysMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getListApiKeysMethod = QuotaServiceGrpc.getListApiKeysMethod) == null) {
          QuotaServiceGrpc.getListApiKeysMethod = getListApiKeysMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListApiKeysRequest, io.tollgate.v1.ListApiKeysResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListApiKeys"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListApiKeysRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListApiKeysResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("ListApiKeys"))
              .build();
        }
      }
    }
    return getListApiKeysMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.UpdateApiKeyRequest,
      io.tollgate.v1.UpdateApiKeyResponse> getUpdateApiKeyMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateApiKey",
      requestType = io.tollgate.v1.UpdateApiKeyRequest.class,
      responseType = io.tollgate.v1.UpdateApiKeyResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.UpdateApiKeyRequest,
      io.tollgate.v1.UpdateApiKeyResponse> getUpdateApiKeyMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.UpdateApiKeyRequest, io.tollgate.v1.UpdateApiKeyResponse> getUpdateApiKeyMethod;
    if ((getUpdateApiKeyMethod = QuotaServiceGrpc.getUpdateApiKeyMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getUpdateApiKeyMethod = QuotaServiceGrpc.getUpdateApiKeyMethod) == null) {
          QuotaServiceGrpc.getUpdateApiKeyMethod = getUpdateApiKeyMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.UpdateApiKeyRequest, io.tollgate.v1.UpdateApiKeyResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateApiKey"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.UpdateApiKeyRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.UpdateApiKeyResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("UpdateApiKey"))
              .build();
        }
      }
    }
    return getUpdateApiKeyMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.DeleteApiKeyRequest,
      io.tollgate.v1.DeleteApiKeyResponse> getDeleteApiKeyMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteApiKey",
      requestType = io.tollgate.v1.DeleteApiKeyRequest.class,
      responseType = io.tollgate.v1.DeleteApiKeyResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.DeleteApiKeyRequest,
      io.tollgate.v1.DeleteApiKeyResponse> getDeleteApiKeyMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.DeleteApiKeyRequest, io.tollgate.v1.DeleteApiKeyResponse> getDeleteApiKeyMethod;
    if ((getDeleteApiKeyMethod = QuotaServiceGrpc.getDeleteApiKeyMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getDeleteApiKeyMethod = QuotaServiceGrpc.getDeleteApiKeyMethod) == null) {
          QuotaServiceGrpc.getDeleteApiKeyMethod = getDeleteApiKeyMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.DeleteApiKeyRequest, io.tollgate.v1.DeleteApiKeyResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteApiKey"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.DeleteApiKeyRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.DeleteApiKeyResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("DeleteApiKey"))
              .build();
        }
      }
    }
    return getDeleteApiKeyMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.CreateKeyGroupRequest,
      io.tollgate.v1.CreateKeyGroupResponse> getCreateKeyGroupMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateKeyGroup",
      requestType = io.tollgate.v1.CreateKeyGroupRequest.class,
      responseType = io.tollgate.v1.CreateKeyGroupResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.CreateKeyGroupRequest,
      io.tollgate.v1.CreateKeyGroupResponse> getCreateKeyGroupMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.CreateKeyGroupRequest, io.tollgate.v1.CreateKeyGroupResponse> getCreateKeyGroupMethod;
    if ((getCreateKeyGroupMethod = QuotaServiceGrpc.getCreateKeyGroupMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getCreateKeyGroupMethod = QuotaServiceGrpc.getCreateKeyGroupMethod) == null) {
          QuotaServiceGrpc.getCreateKeyGroupMethod = getCreateKeyGroupMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.CreateKeyGroupRequest, io.tollgate.v1.CreateKeyGroupResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateKeyGroup"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CreateKeyGroupRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CreateKeyGroupResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("CreateKeyGroup"))
              .build();
        }
      }
    }
    return getCreateKeyGroupMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.GetKeyGroupRequest,
      io.tollgate.v1.GetKeyGroupResponse> getGetKeyGroupMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetKeyGroup",
      requestType = io.tollgate.v1.GetKeyGroupRequest.class,
      responseType = io.tollgate.v1.GetKeyGroupResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.GetKeyGroupRequest,
      io.tollgate.v1.GetKeyGroupResponse> getGetKeyGroupMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.GetKeyGroupRequest, io.tollgate.v1.GetKeyGroupResponse> getGetKeyGroupMethod;
    if ((getGetKeyGroupMethod = QuotaServiceGrpc.getGetKeyGroupMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getGetKeyGroupMethod = QuotaServiceGrpc.getGetKeyGroupMethod) == null) {
          QuotaServiceGrpc.getGetKeyGroupMethod = getGetKeyGroupMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.GetKeyGroupRequest, io.tollgate.v1.GetKeyGroupResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetKeyGroup"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetKeyGroupRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetKeyGroupResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("GetKeyGroup"))
              .build();
        }
      }
    }
    return getGetKeyGroupMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListKeyGroupsRequest,
      io.tollgate.v1.ListKeyGroupsResponse> getListKeyGroupsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListKeyGroups",
      requestType = io.tollgate.v1.ListKeyGroupsRequest.class,
      responseType = io.tollgate.v1.ListKeyGroupsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListKeyGroupsRequest,
      io.tollgate.v1.ListKeyGroupsResponse> getListKeyGroupsMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListKeyGroupsRequest, io.tollgate.v1.ListKeyGroupsResponse> getListKeyGroupsMethod;
    if ((getListKeyGroupsMethod = QuotaServiceGrpc.getListKeyGroupsMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getListKeyGroupsMethod = QuotaServiceGrpc.getListKeyGroupsMethod) == null) {
          QuotaServiceGrpc.getListKeyGroupsMethod = getListKeyGroupsMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListKeyGroupsRequest, io.tollgate.v1.ListKeyGroupsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListKeyGroups"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListKeyGroupsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListKeyGroupsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("ListKeyGroups"))
              .build();
        }
      }
    }
    return getListKeyGroupsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.UpdateKeyGroupRequest,
      io.tollgate.v1.UpdateKeyGroupResponse> getUpdateKeyGroupMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateKeyGroup",
      requestType = io.tollgate.v1.UpdateKeyGroupRequest.class,
      responseType = io.tollgate.v1.UpdateKeyGroupResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.UpdateKeyGroupRequest,
      io.tollgate.v1.UpdateKeyGroupResponse> getUpdateKeyGroupMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.UpdateKeyGroupRequest, io.tollgate.v1.UpdateKeyGroupResponse> getUpdateKeyGroupMethod;
    if ((getUpdateKeyGroupMethod = QuotaServiceGrpc.getUpdateKeyGroupMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getUpdateKeyGroupMethod = QuotaServiceGrpc.getUpdateKeyGroupMethod) == null) {
          QuotaServiceGrpc.getUpdateKeyGroupMethod = getUpdateKeyGroupMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.UpdateKeyGroupRequest, io.tollgate.v1.UpdateKeyGroupResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateKeyGroup"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.UpdateKeyGroupRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.UpdateKeyGroupResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("UpdateKeyGroup"))
              .build();
        }
      }
    }
    return getUpdateKeyGroupMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.DeleteKeyGroupRequest,
      io.tollgate.v1.DeleteKeyGroupResponse> getDeleteKeyGroupMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteKeyGroup",
      requestType = io.tollgate.v1.DeleteKeyGroupRequest.class,
      responseType = io.tollgate.v1.DeleteKeyGroupResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.DeleteKeyGroupRequest,
      io.tollgate.v1.DeleteKeyGroupResponse> getDeleteKeyGroupMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.DeleteKeyGroupRequest, io.tollgate.v1.DeleteKeyGroupResponse> getDeleteKeyGroupMethod;
    if ((getDeleteKeyGroupMethod = QuotaServiceGrpc.getDeleteKeyGroupMethod) == null) {
      synchronized (QuotaServiceGrpc.class) {
        if ((getDeleteKeyGroupMethod = QuotaServiceGrpc.getDeleteKeyGroupMethod) == null) {
          QuotaServiceGrpc.getDeleteKeyGroupMethod = getDeleteKeyGroupMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.DeleteKeyGroupRequest, io.tollgate.v1.DeleteKeyGroupResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteKeyGroup"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.DeleteKeyGroupRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.DeleteKeyGroupResponse.getDefaultInstance()))
              .setSchemaDescriptor(new QuotaServiceMethodDescriptorSupplier("DeleteKeyGroup"))
              .build();
        }
      }
    }
    return getDeleteKeyGroupMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static QuotaServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<QuotaServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<QuotaServiceStub>() {
        @java.lang.Override
        public QuotaServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new QuotaServiceStub(channel, callOptions);
        }
      };
    return QuotaServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static QuotaServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<QuotaServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<QuotaServiceBlockingV2Stub>() {
        @java.lang.Override
        public QuotaServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new QuotaServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return QuotaServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static QuotaServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<QuotaServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<QuotaServiceBlockingStub>() {
        @java.lang.Override
        public QuotaServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new QuotaServiceBlockingStub(channel, callOptions);
        }
      };
    return QuotaServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static QuotaServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<QuotaServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<QuotaServiceFutureStub>() {
        @java.lang.Override
        public QuotaServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new QuotaServiceFutureStub(channel, callOptions);
        }
      };
    return QuotaServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Holds what bounds the members of a workspace. A quota or rate limit that is created, changed or
   * deleted takes effect on the next check; what was used before in the running window counts.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Creates a quota. Refused with ALREADY_EXISTS if the id is in use, or if there is a quota of
     * the same subject (or of each member of the same type), unit, period and model.
     * </pre>
     */
    default void createQuota(io.tollgate.v1.CreateQuotaRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CreateQuotaResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateQuotaMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns one quota.
     * </pre>
     */
    default void getQuota(io.tollgate.v1.GetQuotaRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetQuotaResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetQuotaMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists quotas by id.
     * </pre>
     */
    default void listQuotas(io.tollgate.v1.ListQuotasRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListQuotasResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListQuotasMethod(), responseObserver);
    }

    /**
     * <pre>
     * Changes the limit, enforcement, thresholds or display name of a quota. Nothing that was used
     * changes. Subject, unit, period and model cannot change: create another quota.
     * </pre>
     */
    default void updateQuota(io.tollgate.v1.UpdateQuotaRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateQuotaResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateQuotaMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes a quota with its boosts. What was used stays in the usage log. A second time answers
     * NOT_FOUND.
     * </pre>
     */
    default void deleteQuota(io.tollgate.v1.DeleteQuotaRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteQuotaResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteQuotaMethod(), responseObserver);
    }

    /**
     * <pre>
     * Begins a new window of a quota with LIMIT_PERIOD_UNTIL_RESET now, for all its members. Refused
     * with FAILED_PRECONDITION for other periods: they begin anew by the clock.
     * </pre>
     */
    default void resetQuota(io.tollgate.v1.ResetQuotaRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ResetQuotaResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getResetQuotaMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists where quotas stand in their running windows, most utilised first. Of a quota for each
     * member there is one entry for every member that used or holds something.
     * </pre>
     */
    default void listQuotaUsage(io.tollgate.v1.ListQuotaUsageRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListQuotaUsageResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListQuotaUsageMethod(), responseObserver);
    }

    /**
     * <pre>
     * Raises the limit of a quota until a time. Takes effect at its start_time by the clock.
     * </pre>
     */
    default void createQuotaBoost(io.tollgate.v1.CreateQuotaBoostRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CreateQuotaBoostResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateQuotaBoostMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists boosts of quotas, also those that are over, latest start first.
     * </pre>
     */
    default void listQuotaBoosts(io.tollgate.v1.ListQuotaBoostsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListQuotaBoostsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListQuotaBoostsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Ends a boost now. One that is over already stays as it is.
     * </pre>
     */
    default void cancelQuotaBoost(io.tollgate.v1.CancelQuotaBoostRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CancelQuotaBoostResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCancelQuotaBoostMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates a rate limit. Refused with ALREADY_EXISTS if the id is in use, or if there is one of
     * the same subject (or of each member of the same type) and model.
     * </pre>
     */
    default void createRateLimit(io.tollgate.v1.CreateRateLimitRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CreateRateLimitResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateRateLimitMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns one rate limit.
     * </pre>
     */
    default void getRateLimit(io.tollgate.v1.GetRateLimitRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetRateLimitResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetRateLimitMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists rate limits by id.
     * </pre>
     */
    default void listRateLimits(io.tollgate.v1.ListRateLimitsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListRateLimitsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListRateLimitsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Changes the limits, enforcement or display name of a rate limit. What was counted stays.
     * </pre>
     */
    default void updateRateLimit(io.tollgate.v1.UpdateRateLimitRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateRateLimitResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateRateLimitMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes a rate limit. A second time answers NOT_FOUND.
     * </pre>
     */
    default void deleteRateLimit(io.tollgate.v1.DeleteRateLimitRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteRateLimitResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteRateLimitMethod(), responseObserver);
    }

    /**
     * <pre>
     * Registers an API key by its id. Tollgate never sees a key's secret.
     * </pre>
     */
    default void registerApiKey(io.tollgate.v1.RegisterApiKeyRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.RegisterApiKeyResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRegisterApiKeyMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns one API key.
     * </pre>
     */
    default void getApiKey(io.tollgate.v1.GetApiKeyRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetApiKeyResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetApiKeyMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists API keys by id.
     * </pre>
     */
    default void listApiKeys(io.tollgate.v1.ListApiKeysRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListApiKeysResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListApiKeysMethod(), responseObserver);
    }

    /**
     * <pre>
     * Changes an API key: disables it, lets it expire, moves it to another group. What it used
     * before stays with the group it was in then.
     * </pre>
     */
    default void updateApiKey(io.tollgate.v1.UpdateApiKeyRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateApiKeyResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateApiKeyMethod(), responseObserver);
    }

    /**
     * <pre>
     * Forgets that an API key was registered; its usage stays. Refused with FAILED_PRECONDITION
     * while a quota or rate limit names it.
     * </pre>
     */
    default void deleteApiKey(io.tollgate.v1.DeleteApiKeyRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteApiKeyResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteApiKeyMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates a group of API keys. Groups hold keys, not groups, and a key is in one group at most:
     * there can be no cycle.
     * </pre>
     */
    default void createKeyGroup(io.tollgate.v1.CreateKeyGroupRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CreateKeyGroupResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateKeyGroupMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns one key group.
     * </pre>
     */
    default void getKeyGroup(io.tollgate.v1.GetKeyGroupRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetKeyGroupResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetKeyGroupMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists key groups by id.
     * </pre>
     */
    default void listKeyGroups(io.tollgate.v1.ListKeyGroupsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListKeyGroupsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListKeyGroupsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Changes the display name of a key group.
     * </pre>
     */
    default void updateKeyGroup(io.tollgate.v1.UpdateKeyGroupRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateKeyGroupResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateKeyGroupMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes a key group; its usage stays. Refused with FAILED_PRECONDITION while a key is in it or
     * a quota or rate limit names it.
     * </pre>
     */
    default void deleteKeyGroup(io.tollgate.v1.DeleteKeyGroupRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteKeyGroupResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteKeyGroupMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service QuotaService.
   * <pre>
   * Holds what bounds the members of a workspace. A quota or rate limit that is created, changed or
   * deleted takes effect on the next check; what was used before in the running window counts.
   * </pre>
   */
  public static abstract class QuotaServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return QuotaServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service QuotaService.
   * <pre>
   * Holds what bounds the members of a workspace. A quota or rate limit that is created, changed or
   * deleted takes effect on the next check; what was used before in the running window counts.
   * </pre>
   */
  public static final class QuotaServiceStub
      extends io.grpc.stub.AbstractAsyncStub<QuotaServiceStub> {
    private QuotaServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected QuotaServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new QuotaServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a quota. Refused with ALREADY_EXISTS if the id is in use, or if there is a quota of
     * the same subject (or of each member of the same type), unit, period and model.
     * </pre>
     */
    public void createQuota(io.tollgate.v1.CreateQuotaRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CreateQuotaResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateQuotaMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns one quota.
     * </pre>
     */
    public void getQuota(io.tollgate.v1.GetQuotaRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetQuotaResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetQuotaMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists quotas by id.
     * </pre>
     */
    public void listQuotas(io.tollgate.v1.ListQuotasRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListQuotasResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListQuotasMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Changes the limit, enforcement, thresholds or display name of a quota. Nothing that was used
     * changes. Subject, unit, period and model cannot change: create another quota.
     * </pre>
     */
    public void updateQuota(io.tollgate.v1.UpdateQuotaRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateQuotaResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateQuotaMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes a quota with its boosts. What was used stays in the usage log. A second time answers
     * NOT_FOUND.
     * </pre>
     */
    public void deleteQuota(io.tollgate.v1.DeleteQuotaRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteQuotaResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteQuotaMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Begins a new window of a quota with LIMIT_PERIOD_UNTIL_RESET now, for all its members. Refused
     * with FAILED_PRECONDITION for other periods: they begin anew by the clock.
     * </pre>
     */
    public void resetQuota(io.tollgate.v1.ResetQuotaRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ResetQuotaResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getResetQuotaMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists where quotas stand in their running windows, most utilised first. Of a quota for each
     * member there is one entry for every member that used or holds something.
     * </pre>
     */
    public void listQuotaUsage(io.tollgate.v1.ListQuotaUsageRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListQuotaUsageResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListQuotaUsageMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Raises the limit of a quota until a time. Takes effect at its start_time by the clock.
     * </pre>
     */
    public void createQuotaBoost(io.tollgate.v1.CreateQuotaBoostRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CreateQuotaBoostResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateQuotaBoostMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists boosts of quotas, also those that are over, latest start first.
     * </pre>
     */
    public void listQuotaBoosts(io.tollgate.v1.ListQuotaBoostsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListQuotaBoostsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListQuotaBoostsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Ends a boost now. One that is over already stays as it is.
     * </pre>
     */
    public void cancelQuotaBoost(io.tollgate.v1.CancelQuotaBoostRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CancelQuotaBoostResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCancelQuotaBoostMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates a rate limit. Refused with ALREADY_EXISTS if the id is in use, or if there is one of
     * the same subject (or of each member of the same type) and model.
     * </pre>
     */
    public void createRateLimit(io.tollgate.v1.CreateRateLimitRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CreateRateLimitResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateRateLimitMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns one rate limit.
     * </pre>
     */
    public void getRateLimit(io.tollgate.v1.GetRateLimitRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetRateLimitResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetRateLimitMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists rate limits by id.
     * </pre>
     */
    public void listRateLimits(io.tollgate.v1.ListRateLimitsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListRateLimitsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListRateLimitsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Changes the limits, enforcement or display name of a rate limit. What was counted stays.
     * </pre>
     */
    public void updateRateLimit(io.tollgate.v1.UpdateRateLimitRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateRateLimitResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateRateLimitMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes a rate limit. A second time answers NOT_FOUND.
     * </pre>
     */
    public void deleteRateLimit(io.tollgate.v1.DeleteRateLimitRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteRateLimitResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteRateLimitMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Registers an API key by its id. Tollgate never sees a key's secret.
     * </pre>
     */
    public void registerApiKey(io.tollgate.v1.RegisterApiKeyRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.RegisterApiKeyResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRegisterApiKeyMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns one API key.
     * </pre>
     */
    public void getApiKey(io.tollgate.v1.GetApiKeyRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetApiKeyResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetApiKeyMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists API keys by id.
     * </pre>
     */
    public void listApiKeys(io.tollgate.v1.ListApiKeysRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListApiKeysResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListApiKeysMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Changes an API key: disables it, lets it expire, moves it to another group. What it used
     * before stays with the group it was in then.
     * </pre>
     */
    public void updateApiKey(io.tollgate.v1.UpdateApiKeyRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateApiKeyResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateApiKeyMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Forgets that an API key was registered; its usage stays. Refused with FAILED_PRECONDITION
     * while a quota or rate limit names it.
     * </pre>
     */
    public void deleteApiKey(io.tollgate.v1.DeleteApiKeyRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteApiKeyResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteApiKeyMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates a group of API keys. Groups hold keys, not groups, and a key is in one group at most:
     * there can be no cycle.
     * </pre>
     */
    public void createKeyGroup(io.tollgate.v1.CreateKeyGroupRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CreateKeyGroupResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateKeyGroupMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns one key group.
     * </pre>
     */
    public void getKeyGroup(io.tollgate.v1.GetKeyGroupRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetKeyGroupResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetKeyGroupMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists key groups by id.
     * </pre>
     */
    public void listKeyGroups(io.tollgate.v1.ListKeyGroupsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListKeyGroupsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListKeyGroupsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Changes the display name of a key group.
     * </pre>
     */
    public void updateKeyGroup(io.tollgate.v1.UpdateKeyGroupRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateKeyGroupResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateKeyGroupMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes a key group; its usage stays. Refused with FAILED_PRECONDITION while a key is in it or
     * a quota or rate limit names it.
     * </pre>
     */
    public void deleteKeyGroup(io.tollgate.v1.DeleteKeyGroupRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteKeyGroupResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteKeyGroupMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service QuotaService.
   * <pre>
   * Holds what bounds the members of a workspace. A quota or rate limit that is created, changed or
   * deleted takes effect on the next check; what was used before in the running window counts.
   * </pre>
   */
  public static final class QuotaServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<QuotaServiceBlockingV2Stub> {
    private QuotaServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected QuotaServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new QuotaServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a quota. Refused with ALREADY_EXISTS if the id is in use, or if there is a quota of
     * the same subject (or of each member of the same type), unit, period and model.
     * </pre>
     */
    public io.tollgate.v1.CreateQuotaResponse createQuota(io.tollgate.v1.CreateQuotaRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateQuotaMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one quota.
     * </pre>
     */
    public io.tollgate.v1.GetQuotaResponse getQuota(io.tollgate.v1.GetQuotaRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetQuotaMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists quotas by id.
     * </pre>
     */
    public io.tollgate.v1.ListQuotasResponse listQuotas(io.tollgate.v1.ListQuotasRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListQuotasMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes the limit, enforcement, thresholds or display name of a quota. Nothing that was used
     * changes. Subject, unit, period and model cannot change: create another quota.
     * </pre>
     */
    public io.tollgate.v1.UpdateQuotaResponse updateQuota(io.tollgate.v1.UpdateQuotaRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateQuotaMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a quota with its boosts. What was used stays in the usage log. A second time answers
     * NOT_FOUND.
     * </pre>
     */
    public io.tollgate.v1.DeleteQuotaResponse deleteQuota(io.tollgate.v1.DeleteQuotaRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteQuotaMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Begins a new window of a quota with LIMIT_PERIOD_UNTIL_RESET now, for all its members. Refused
     * with FAILED_PRECONDITION for other periods: they begin anew by the clock.
     * </pre>
     */
    public io.tollgate.v1.ResetQuotaResponse resetQuota(io.tollgate.v1.ResetQuotaRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getResetQuotaMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists where quotas stand in their running windows, most utilised first. Of a quota for each
     * member there is one entry for every member that used or holds something.
     * </pre>
     */
    public io.tollgate.v1.ListQuotaUsageResponse listQuotaUsage(io.tollgate.v1.ListQuotaUsageRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListQuotaUsageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Raises the limit of a quota until a time. Takes effect at its start_time by the clock.
     * </pre>
     */
    public io.tollgate.v1.CreateQuotaBoostResponse createQuotaBoost(io.tollgate.v1.CreateQuotaBoostRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateQuotaBoostMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists boosts of quotas, also those that are over, latest start first.
     * </pre>
     */
    public io.tollgate.v1.ListQuotaBoostsResponse listQuotaBoosts(io.tollgate.v1.ListQuotaBoostsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListQuotaBoostsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends a boost now. One that is over already stays as it is.
     * </pre>
     */
    public io.tollgate.v1.CancelQuotaBoostResponse cancelQuotaBoost(io.tollgate.v1.CancelQuotaBoostRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCancelQuotaBoostMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a rate limit. Refused with ALREADY_EXISTS if the id is in use, or if there is one of
     * the same subject (or of each member of the same type) and model.
     * </pre>
     */
    public io.tollgate.v1.CreateRateLimitResponse createRateLimit(io.tollgate.v1.CreateRateLimitRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateRateLimitMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one rate limit.
     * </pre>
     */
    public io.tollgate.v1.GetRateLimitResponse getRateLimit(io.tollgate.v1.GetRateLimitRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetRateLimitMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists rate limits by id.
     * </pre>
     */
    public io.tollgate.v1.ListRateLimitsResponse listRateLimits(io.tollgate.v1.ListRateLimitsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListRateLimitsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes the limits, enforcement or display name of a rate limit. What was counted stays.
     * </pre>
     */
    public io.tollgate.v1.UpdateRateLimitResponse updateRateLimit(io.tollgate.v1.UpdateRateLimitRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateRateLimitMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a rate limit. A second time answers NOT_FOUND.
     * </pre>
     */
    public io.tollgate.v1.DeleteRateLimitResponse deleteRateLimit(io.tollgate.v1.DeleteRateLimitRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteRateLimitMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Registers an API key by its id. Tollgate never sees a key's secret.
     * </pre>
     */
    public io.tollgate.v1.RegisterApiKeyResponse registerApiKey(io.tollgate.v1.RegisterApiKeyRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRegisterApiKeyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one API key.
     * </pre>
     */
    public io.tollgate.v1.GetApiKeyResponse getApiKey(io.tollgate.v1.GetApiKeyRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetApiKeyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists API keys by id.
     * </pre>
     */
    public io.tollgate.v1.ListApiKeysResponse listApiKeys(io.tollgate.v1.ListApiKeysRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListApiKeysMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes an API key: disables it, lets it expire, moves it to another group. What it used
     * before stays with the group it was in then.
     * </pre>
     */
    public io.tollgate.v1.UpdateApiKeyResponse updateApiKey(io.tollgate.v1.UpdateApiKeyRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateApiKeyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Forgets that an API key was registered; its usage stays. Refused with FAILED_PRECONDITION
     * while a quota or rate limit names it.
     * </pre>
     */
    public io.tollgate.v1.DeleteApiKeyResponse deleteApiKey(io.tollgate.v1.DeleteApiKeyRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteApiKeyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a group of API keys. Groups hold keys, not groups, and a key is in one group at most:
     * there can be no cycle.
     * </pre>
     */
    public io.tollgate.v1.CreateKeyGroupResponse createKeyGroup(io.tollgate.v1.CreateKeyGroupRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateKeyGroupMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one key group.
     * </pre>
     */
    public io.tollgate.v1.GetKeyGroupResponse getKeyGroup(io.tollgate.v1.GetKeyGroupRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetKeyGroupMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists key groups by id.
     * </pre>
     */
    public io.tollgate.v1.ListKeyGroupsResponse listKeyGroups(io.tollgate.v1.ListKeyGroupsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListKeyGroupsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes the display name of a key group.
     * </pre>
     */
    public io.tollgate.v1.UpdateKeyGroupResponse updateKeyGroup(io.tollgate.v1.UpdateKeyGroupRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateKeyGroupMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a key group; its usage stays. Refused with FAILED_PRECONDITION while a key is in it or
     * a quota or rate limit names it.
     * </pre>
     */
    public io.tollgate.v1.DeleteKeyGroupResponse deleteKeyGroup(io.tollgate.v1.DeleteKeyGroupRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteKeyGroupMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service QuotaService.
   * <pre>
   * Holds what bounds the members of a workspace. A quota or rate limit that is created, changed or
   * deleted takes effect on the next check; what was used before in the running window counts.
   * </pre>
   */
  public static final class QuotaServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<QuotaServiceBlockingStub> {
    private QuotaServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected QuotaServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new QuotaServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a quota. Refused with ALREADY_EXISTS if the id is in use, or if there is a quota of
     * the same subject (or of each member of the same type), unit, period and model.
     * </pre>
     */
    public io.tollgate.v1.CreateQuotaResponse createQuota(io.tollgate.v1.CreateQuotaRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateQuotaMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one quota.
     * </pre>
     */
    public io.tollgate.v1.GetQuotaResponse getQuota(io.tollgate.v1.GetQuotaRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetQuotaMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists quotas by id.
     * </pre>
     */
    public io.tollgate.v1.ListQuotasResponse listQuotas(io.tollgate.v1.ListQuotasRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListQuotasMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes the limit, enforcement, thresholds or display name of a quota. Nothing that was used
     * changes. Subject, unit, period and model cannot change: create another quota.
     * </pre>
     */
    public io.tollgate.v1.UpdateQuotaResponse updateQuota(io.tollgate.v1.UpdateQuotaRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateQuotaMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a quota with its boosts. What was used stays in the usage log. A second time answers
     * NOT_FOUND.
     * </pre>
     */
    public io.tollgate.v1.DeleteQuotaResponse deleteQuota(io.tollgate.v1.DeleteQuotaRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteQuotaMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Begins a new window of a quota with LIMIT_PERIOD_UNTIL_RESET now, for all its members. Refused
     * with FAILED_PRECONDITION for other periods: they begin anew by the clock.
     * </pre>
     */
    public io.tollgate.v1.ResetQuotaResponse resetQuota(io.tollgate.v1.ResetQuotaRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getResetQuotaMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists where quotas stand in their running windows, most utilised first. Of a quota for each
     * member there is one entry for every member that used or holds something.
     * </pre>
     */
    public io.tollgate.v1.ListQuotaUsageResponse listQuotaUsage(io.tollgate.v1.ListQuotaUsageRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListQuotaUsageMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Raises the limit of a quota until a time. Takes effect at its start_time by the clock.
     * </pre>
     */
    public io.tollgate.v1.CreateQuotaBoostResponse createQuotaBoost(io.tollgate.v1.CreateQuotaBoostRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateQuotaBoostMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists boosts of quotas, also those that are over, latest start first.
     * </pre>
     */
    public io.tollgate.v1.ListQuotaBoostsResponse listQuotaBoosts(io.tollgate.v1.ListQuotaBoostsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListQuotaBoostsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends a boost now. One that is over already stays as it is.
     * </pre>
     */
    public io.tollgate.v1.CancelQuotaBoostResponse cancelQuotaBoost(io.tollgate.v1.CancelQuotaBoostRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCancelQuotaBoostMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a rate limit. Refused with ALREADY_EXISTS if the id is in use, or if there is one of
     * the same subject (or of each member of the same type) and model.
     * </pre>
     */
    public io.tollgate.v1.CreateRateLimitResponse createRateLimit(io.tollgate.v1.CreateRateLimitRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateRateLimitMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one rate limit.
     * </pre>
     */
    public io.tollgate.v1.GetRateLimitResponse getRateLimit(io.tollgate.v1.GetRateLimitRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetRateLimitMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists rate limits by id.
     * </pre>
     */
    public io.tollgate.v1.ListRateLimitsResponse listRateLimits(io.tollgate.v1.ListRateLimitsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListRateLimitsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes the limits, enforcement or display name of a rate limit. What was counted stays.
     * </pre>
     */
    public io.tollgate.v1.UpdateRateLimitResponse updateRateLimit(io.tollgate.v1.UpdateRateLimitRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateRateLimitMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a rate limit. A second time answers NOT_FOUND.
     * </pre>
     */
    public io.tollgate.v1.DeleteRateLimitResponse deleteRateLimit(io.tollgate.v1.DeleteRateLimitRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteRateLimitMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Registers an API key by its id. Tollgate never sees a key's secret.
     * </pre>
     */
    public io.tollgate.v1.RegisterApiKeyResponse registerApiKey(io.tollgate.v1.RegisterApiKeyRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRegisterApiKeyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one API key.
     * </pre>
     */
    public io.tollgate.v1.GetApiKeyResponse getApiKey(io.tollgate.v1.GetApiKeyRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetApiKeyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists API keys by id.
     * </pre>
     */
    public io.tollgate.v1.ListApiKeysResponse listApiKeys(io.tollgate.v1.ListApiKeysRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListApiKeysMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes an API key: disables it, lets it expire, moves it to another group. What it used
     * before stays with the group it was in then.
     * </pre>
     */
    public io.tollgate.v1.UpdateApiKeyResponse updateApiKey(io.tollgate.v1.UpdateApiKeyRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateApiKeyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Forgets that an API key was registered; its usage stays. Refused with FAILED_PRECONDITION
     * while a quota or rate limit names it.
     * </pre>
     */
    public io.tollgate.v1.DeleteApiKeyResponse deleteApiKey(io.tollgate.v1.DeleteApiKeyRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteApiKeyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a group of API keys. Groups hold keys, not groups, and a key is in one group at most:
     * there can be no cycle.
     * </pre>
     */
    public io.tollgate.v1.CreateKeyGroupResponse createKeyGroup(io.tollgate.v1.CreateKeyGroupRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateKeyGroupMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one key group.
     * </pre>
     */
    public io.tollgate.v1.GetKeyGroupResponse getKeyGroup(io.tollgate.v1.GetKeyGroupRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetKeyGroupMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists key groups by id.
     * </pre>
     */
    public io.tollgate.v1.ListKeyGroupsResponse listKeyGroups(io.tollgate.v1.ListKeyGroupsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListKeyGroupsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes the display name of a key group.
     * </pre>
     */
    public io.tollgate.v1.UpdateKeyGroupResponse updateKeyGroup(io.tollgate.v1.UpdateKeyGroupRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateKeyGroupMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a key group; its usage stays. Refused with FAILED_PRECONDITION while a key is in it or
     * a quota or rate limit names it.
     * </pre>
     */
    public io.tollgate.v1.DeleteKeyGroupResponse deleteKeyGroup(io.tollgate.v1.DeleteKeyGroupRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteKeyGroupMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service QuotaService.
   * <pre>
   * Holds what bounds the members of a workspace. A quota or rate limit that is created, changed or
   * deleted takes effect on the next check; what was used before in the running window counts.
   * </pre>
   */
  public static final class QuotaServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<QuotaServiceFutureStub> {
    private QuotaServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected QuotaServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new QuotaServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a quota. Refused with ALREADY_EXISTS if the id is in use, or if there is a quota of
     * the same subject (or of each member of the same type), unit, period and model.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.CreateQuotaResponse> createQuota(
        io.tollgate.v1.CreateQuotaRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateQuotaMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns one quota.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.GetQuotaResponse> getQuota(
        io.tollgate.v1.GetQuotaRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetQuotaMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists quotas by id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListQuotasResponse> listQuotas(
        io.tollgate.v1.ListQuotasRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListQuotasMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Changes the limit, enforcement, thresholds or display name of a quota. Nothing that was used
     * changes. Subject, unit, period and model cannot change: create another quota.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.UpdateQuotaResponse> updateQuota(
        io.tollgate.v1.UpdateQuotaRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateQuotaMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes a quota with its boosts. What was used stays in the usage log. A second time answers
     * NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.DeleteQuotaResponse> deleteQuota(
        io.tollgate.v1.DeleteQuotaRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteQuotaMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Begins a new window of a quota with LIMIT_PERIOD_UNTIL_RESET now, for all its members. Refused
     * with FAILED_PRECONDITION for other periods: they begin anew by the clock.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ResetQuotaResponse> resetQuota(
        io.tollgate.v1.ResetQuotaRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getResetQuotaMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists where quotas stand in their running windows, most utilised first. Of a quota for each
     * member there is one entry for every member that used or holds something.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListQuotaUsageResponse> listQuotaUsage(
        io.tollgate.v1.ListQuotaUsageRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListQuotaUsageMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Raises the limit of a quota until a time. Takes effect at its start_time by the clock.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.CreateQuotaBoostResponse> createQuotaBoost(
        io.tollgate.v1.CreateQuotaBoostRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateQuotaBoostMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists boosts of quotas, also those that are over, latest start first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListQuotaBoostsResponse> listQuotaBoosts(
        io.tollgate.v1.ListQuotaBoostsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListQuotaBoostsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Ends a boost now. One that is over already stays as it is.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.CancelQuotaBoostResponse> cancelQuotaBoost(
        io.tollgate.v1.CancelQuotaBoostRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCancelQuotaBoostMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates a rate limit. Refused with ALREADY_EXISTS if the id is in use, or if there is one of
     * the same subject (or of each member of the same type) and model.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.CreateRateLimitResponse> createRateLimit(
        io.tollgate.v1.CreateRateLimitRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateRateLimitMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns one rate limit.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.GetRateLimitResponse> getRateLimit(
        io.tollgate.v1.GetRateLimitRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetRateLimitMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists rate limits by id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListRateLimitsResponse> listRateLimits(
        io.tollgate.v1.ListRateLimitsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListRateLimitsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Changes the limits, enforcement or display name of a rate limit. What was counted stays.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.UpdateRateLimitResponse> updateRateLimit(
        io.tollgate.v1.UpdateRateLimitRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateRateLimitMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes a rate limit. A second time answers NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.DeleteRateLimitResponse> deleteRateLimit(
        io.tollgate.v1.DeleteRateLimitRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteRateLimitMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Registers an API key by its id. Tollgate never sees a key's secret.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.RegisterApiKeyResponse> registerApiKey(
        io.tollgate.v1.RegisterApiKeyRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRegisterApiKeyMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns one API key.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.GetApiKeyResponse> getApiKey(
        io.tollgate.v1.GetApiKeyRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetApiKeyMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists API keys by id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListApiKeysResponse> listApiKeys(
        io.tollgate.v1.ListApiKeysRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListApiKeysMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Changes an API key: disables it, lets it expire, moves it to another group. What it used
     * before stays with the group it was in then.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.UpdateApiKeyResponse> updateApiKey(
        io.tollgate.v1.UpdateApiKeyRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateApiKeyMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Forgets that an API key was registered; its usage stays. Refused with FAILED_PRECONDITION
     * while a quota or rate limit names it.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.DeleteApiKeyResponse> deleteApiKey(
        io.tollgate.v1.DeleteApiKeyRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteApiKeyMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates a group of API keys. Groups hold keys, not groups, and a key is in one group at most:
     * there can be no cycle.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.CreateKeyGroupResponse> createKeyGroup(
        io.tollgate.v1.CreateKeyGroupRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateKeyGroupMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns one key group.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.GetKeyGroupResponse> getKeyGroup(
        io.tollgate.v1.GetKeyGroupRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetKeyGroupMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists key groups by id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListKeyGroupsResponse> listKeyGroups(
        io.tollgate.v1.ListKeyGroupsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListKeyGroupsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Changes the display name of a key group.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.UpdateKeyGroupResponse> updateKeyGroup(
        io.tollgate.v1.UpdateKeyGroupRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateKeyGroupMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes a key group; its usage stays. Refused with FAILED_PRECONDITION while a key is in it or
     * a quota or rate limit names it.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.DeleteKeyGroupResponse> deleteKeyGroup(
        io.tollgate.v1.DeleteKeyGroupRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteKeyGroupMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CREATE_QUOTA = 0;
  private static final int METHODID_GET_QUOTA = 1;
  private static final int METHODID_LIST_QUOTAS = 2;
  private static final int METHODID_UPDATE_QUOTA = 3;
  private static final int METHODID_DELETE_QUOTA = 4;
  private static final int METHODID_RESET_QUOTA = 5;
  private static final int METHODID_LIST_QUOTA_USAGE = 6;
  private static final int METHODID_CREATE_QUOTA_BOOST = 7;
  private static final int METHODID_LIST_QUOTA_BOOSTS = 8;
  private static final int METHODID_CANCEL_QUOTA_BOOST = 9;
  private static final int METHODID_CREATE_RATE_LIMIT = 10;
  private static final int METHODID_GET_RATE_LIMIT = 11;
  private static final int METHODID_LIST_RATE_LIMITS = 12;
  private static final int METHODID_UPDATE_RATE_LIMIT = 13;
  private static final int METHODID_DELETE_RATE_LIMIT = 14;
  private static final int METHODID_REGISTER_API_KEY = 15;
  private static final int METHODID_GET_API_KEY = 16;
  private static final int METHODID_LIST_API_KEYS = 17;
  private static final int METHODID_UPDATE_API_KEY = 18;
  private static final int METHODID_DELETE_API_KEY = 19;
  private static final int METHODID_CREATE_KEY_GROUP = 20;
  private static final int METHODID_GET_KEY_GROUP = 21;
  private static final int METHODID_LIST_KEY_GROUPS = 22;
  private static final int METHODID_UPDATE_KEY_GROUP = 23;
  private static final int METHODID_DELETE_KEY_GROUP = 24;

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
        case METHODID_CREATE_QUOTA:
          serviceImpl.createQuota((io.tollgate.v1.CreateQuotaRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.CreateQuotaResponse>) responseObserver);
          break;
        case METHODID_GET_QUOTA:
          serviceImpl.getQuota((io.tollgate.v1.GetQuotaRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.GetQuotaResponse>) responseObserver);
          break;
        case METHODID_LIST_QUOTAS:
          serviceImpl.listQuotas((io.tollgate.v1.ListQuotasRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListQuotasResponse>) responseObserver);
          break;
        case METHODID_UPDATE_QUOTA:
          serviceImpl.updateQuota((io.tollgate.v1.UpdateQuotaRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateQuotaResponse>) responseObserver);
          break;
        case METHODID_DELETE_QUOTA:
          serviceImpl.deleteQuota((io.tollgate.v1.DeleteQuotaRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteQuotaResponse>) responseObserver);
          break;
        case METHODID_RESET_QUOTA:
          serviceImpl.resetQuota((io.tollgate.v1.ResetQuotaRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ResetQuotaResponse>) responseObserver);
          break;
        case METHODID_LIST_QUOTA_USAGE:
          serviceImpl.listQuotaUsage((io.tollgate.v1.ListQuotaUsageRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListQuotaUsageResponse>) responseObserver);
          break;
        case METHODID_CREATE_QUOTA_BOOST:
          serviceImpl.createQuotaBoost((io.tollgate.v1.CreateQuotaBoostRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.CreateQuotaBoostResponse>) responseObserver);
          break;
        case METHODID_LIST_QUOTA_BOOSTS:
          serviceImpl.listQuotaBoosts((io.tollgate.v1.ListQuotaBoostsRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListQuotaBoostsResponse>) responseObserver);
          break;
        case METHODID_CANCEL_QUOTA_BOOST:
          serviceImpl.cancelQuotaBoost((io.tollgate.v1.CancelQuotaBoostRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.CancelQuotaBoostResponse>) responseObserver);
          break;
        case METHODID_CREATE_RATE_LIMIT:
          serviceImpl.createRateLimit((io.tollgate.v1.CreateRateLimitRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.CreateRateLimitResponse>) responseObserver);
          break;
        case METHODID_GET_RATE_LIMIT:
          serviceImpl.getRateLimit((io.tollgate.v1.GetRateLimitRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.GetRateLimitResponse>) responseObserver);
          break;
        case METHODID_LIST_RATE_LIMITS:
          serviceImpl.listRateLimits((io.tollgate.v1.ListRateLimitsRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListRateLimitsResponse>) responseObserver);
          break;
        case METHODID_UPDATE_RATE_LIMIT:
          serviceImpl.updateRateLimit((io.tollgate.v1.UpdateRateLimitRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateRateLimitResponse>) responseObserver);
          break;
        case METHODID_DELETE_RATE_LIMIT:
          serviceImpl.deleteRateLimit((io.tollgate.v1.DeleteRateLimitRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteRateLimitResponse>) responseObserver);
          break;
        case METHODID_REGISTER_API_KEY:
          serviceImpl.registerApiKey((io.tollgate.v1.RegisterApiKeyRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.RegisterApiKeyResponse>) responseObserver);
          break;
        case METHODID_GET_API_KEY:
          serviceImpl.getApiKey((io.tollgate.v1.GetApiKeyRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.GetApiKeyResponse>) responseObserver);
          break;
        case METHODID_LIST_API_KEYS:
          serviceImpl.listApiKeys((io.tollgate.v1.ListApiKeysRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListApiKeysResponse>) responseObserver);
          break;
        case METHODID_UPDATE_API_KEY:
          serviceImpl.updateApiKey((io.tollgate.v1.UpdateApiKeyRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateApiKeyResponse>) responseObserver);
          break;
        case METHODID_DELETE_API_KEY:
          serviceImpl.deleteApiKey((io.tollgate.v1.DeleteApiKeyRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteApiKeyResponse>) responseObserver);
          break;
        case METHODID_CREATE_KEY_GROUP:
          serviceImpl.createKeyGroup((io.tollgate.v1.CreateKeyGroupRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.CreateKeyGroupResponse>) responseObserver);
          break;
        case METHODID_GET_KEY_GROUP:
          serviceImpl.getKeyGroup((io.tollgate.v1.GetKeyGroupRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.GetKeyGroupResponse>) responseObserver);
          break;
        case METHODID_LIST_KEY_GROUPS:
          serviceImpl.listKeyGroups((io.tollgate.v1.ListKeyGroupsRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListKeyGroupsResponse>) responseObserver);
          break;
        case METHODID_UPDATE_KEY_GROUP:
          serviceImpl.updateKeyGroup((io.tollgate.v1.UpdateKeyGroupRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateKeyGroupResponse>) responseObserver);
          break;
        case METHODID_DELETE_KEY_GROUP:
          serviceImpl.deleteKeyGroup((io.tollgate.v1.DeleteKeyGroupRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteKeyGroupResponse>) responseObserver);
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
          getCreateQuotaMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.CreateQuotaRequest,
              io.tollgate.v1.CreateQuotaResponse>(
                service, METHODID_CREATE_QUOTA)))
        .addMethod(
          getGetQuotaMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.GetQuotaRequest,
              io.tollgate.v1.GetQuotaResponse>(
                service, METHODID_GET_QUOTA)))
        .addMethod(
          getListQuotasMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListQuotasRequest,
              io.tollgate.v1.ListQuotasResponse>(
                service, METHODID_LIST_QUOTAS)))
        .addMethod(
          getUpdateQuotaMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.UpdateQuotaRequest,
              io.tollgate.v1.UpdateQuotaResponse>(
                service, METHODID_UPDATE_QUOTA)))
        .addMethod(
          getDeleteQuotaMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.DeleteQuotaRequest,
              io.tollgate.v1.DeleteQuotaResponse>(
                service, METHODID_DELETE_QUOTA)))
        .addMethod(
          getResetQuotaMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ResetQuotaRequest,
              io.tollgate.v1.ResetQuotaResponse>(
                service, METHODID_RESET_QUOTA)))
        .addMethod(
          getListQuotaUsageMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListQuotaUsageRequest,
              io.tollgate.v1.ListQuotaUsageResponse>(
                service, METHODID_LIST_QUOTA_USAGE)))
        .addMethod(
          getCreateQuotaBoostMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.CreateQuotaBoostRequest,
              io.tollgate.v1.CreateQuotaBoostResponse>(
                service, METHODID_CREATE_QUOTA_BOOST)))
        .addMethod(
          getListQuotaBoostsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListQuotaBoostsRequest,
              io.tollgate.v1.ListQuotaBoostsResponse>(
                service, METHODID_LIST_QUOTA_BOOSTS)))
        .addMethod(
          getCancelQuotaBoostMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.CancelQuotaBoostRequest,
              io.tollgate.v1.CancelQuotaBoostResponse>(
                service, METHODID_CANCEL_QUOTA_BOOST)))
        .addMethod(
          getCreateRateLimitMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.CreateRateLimitRequest,
              io.tollgate.v1.CreateRateLimitResponse>(
                service, METHODID_CREATE_RATE_LIMIT)))
        .addMethod(
          getGetRateLimitMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.GetRateLimitRequest,
              io.tollgate.v1.GetRateLimitResponse>(
                service, METHODID_GET_RATE_LIMIT)))
        .addMethod(
          getListRateLimitsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListRateLimitsRequest,
              io.tollgate.v1.ListRateLimitsResponse>(
                service, METHODID_LIST_RATE_LIMITS)))
        .addMethod(
          getUpdateRateLimitMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.UpdateRateLimitRequest,
              io.tollgate.v1.UpdateRateLimitResponse>(
                service, METHODID_UPDATE_RATE_LIMIT)))
        .addMethod(
          getDeleteRateLimitMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.DeleteRateLimitRequest,
              io.tollgate.v1.DeleteRateLimitResponse>(
                service, METHODID_DELETE_RATE_LIMIT)))
        .addMethod(
          getRegisterApiKeyMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.RegisterApiKeyRequest,
              io.tollgate.v1.RegisterApiKeyResponse>(
                service, METHODID_REGISTER_API_KEY)))
        .addMethod(
          getGetApiKeyMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.GetApiKeyRequest,
              io.tollgate.v1.GetApiKeyResponse>(
                service, METHODID_GET_API_KEY)))
        .addMethod(
          getListApiKeysMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListApiKeysRequest,
              io.tollgate.v1.ListApiKeysResponse>(
                service, METHODID_LIST_API_KEYS)))
        .addMethod(
          getUpdateApiKeyMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.UpdateApiKeyRequest,
              io.tollgate.v1.UpdateApiKeyResponse>(
                service, METHODID_UPDATE_API_KEY)))
        .addMethod(
          getDeleteApiKeyMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.DeleteApiKeyRequest,
              io.tollgate.v1.DeleteApiKeyResponse>(
                service, METHODID_DELETE_API_KEY)))
        .addMethod(
          getCreateKeyGroupMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.CreateKeyGroupRequest,
              io.tollgate.v1.CreateKeyGroupResponse>(
                service, METHODID_CREATE_KEY_GROUP)))
        .addMethod(
          getGetKeyGroupMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.GetKeyGroupRequest,
              io.tollgate.v1.GetKeyGroupResponse>(
                service, METHODID_GET_KEY_GROUP)))
        .addMethod(
          getListKeyGroupsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListKeyGroupsRequest,
              io.tollgate.v1.ListKeyGroupsResponse>(
                service, METHODID_LIST_KEY_GROUPS)))
        .addMethod(
          getUpdateKeyGroupMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.UpdateKeyGroupRequest,
              io.tollgate.v1.UpdateKeyGroupResponse>(
                service, METHODID_UPDATE_KEY_GROUP)))
        .addMethod(
          getDeleteKeyGroupMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.DeleteKeyGroupRequest,
              io.tollgate.v1.DeleteKeyGroupResponse>(
                service, METHODID_DELETE_KEY_GROUP)))
        .build();
  }

  private static abstract class QuotaServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    QuotaServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.tollgate.v1.QuotaServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("QuotaService");
    }
  }

  private static final class QuotaServiceFileDescriptorSupplier
      extends QuotaServiceBaseDescriptorSupplier {
    QuotaServiceFileDescriptorSupplier() {}
  }

  private static final class QuotaServiceMethodDescriptorSupplier
      extends QuotaServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    QuotaServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (QuotaServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new QuotaServiceFileDescriptorSupplier())
              .addMethod(getCreateQuotaMethod())
              .addMethod(getGetQuotaMethod())
              .addMethod(getListQuotasMethod())
              .addMethod(getUpdateQuotaMethod())
              .addMethod(getDeleteQuotaMethod())
              .addMethod(getResetQuotaMethod())
              .addMethod(getListQuotaUsageMethod())
              .addMethod(getCreateQuotaBoostMethod())
              .addMethod(getListQuotaBoostsMethod())
              .addMethod(getCancelQuotaBoostMethod())
              .addMethod(getCreateRateLimitMethod())
              .addMethod(getGetRateLimitMethod())
              .addMethod(getListRateLimitsMethod())
              .addMethod(getUpdateRateLimitMethod())
              .addMethod(getDeleteRateLimitMethod())
              .addMethod(getRegisterApiKeyMethod())
              .addMethod(getGetApiKeyMethod())
              .addMethod(getListApiKeysMethod())
              .addMethod(getUpdateApiKeyMethod())
              .addMethod(getDeleteApiKeyMethod())
              .addMethod(getCreateKeyGroupMethod())
              .addMethod(getGetKeyGroupMethod())
              .addMethod(getListKeyGroupsMethod())
              .addMethod(getUpdateKeyGroupMethod())
              .addMethod(getDeleteKeyGroupMethod())
              .build();
        }
      }
    }
    return result;
  }
}
