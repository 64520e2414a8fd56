package io.tollgate.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Holds alerts: a threshold of a limit was crossed, or something happened that an administrator
 * wants to know. Each is raised once for its limit, window and threshold, and delivered to
 * webhooks and e-mail receivers. No receiver ever delays a check.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class AlertServiceGrpc {

  private AlertServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "tollgate.v1.AlertService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.GetAlertPolicyRequest,
      io.tollgate.v1.GetAlertPolicyResponse> getGetAlertPolicyMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetAlertPolicy",
      requestType = io.tollgate.v1.GetAlertPolicyRequest.class,
      responseType = io.tollgate.v1.GetAlertPolicyResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.GetAlertPolicyRequest,
      io.tollgate.v1.GetAlertPolicyResponse> getGetAlertPolicyMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.GetAlertPolicyRequest, io.tollgate.v1.GetAlertPolicyResponse> getGetAlertPolicyMethod;
    if ((getGetAlertPolicyMethod = AlertServiceGrpc.getGetAlertPolicyMethod) == null) {
      synchronized (AlertServiceGrpc.class) {
        if ((getGetAlertPolicyMethod = AlertServiceGrpc.getGetAlertPolicyMethod) == null) {
          AlertServiceGrpc.getGetAlertPolicyMethod = getGetAlertPolicyMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.GetAlertPolicyRequest, io.tollgate.v1.GetAlertPolicyResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetAlertPolicy"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetAlertPolicyRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.GetAlertPolicyResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AlertServiceMethodDescriptorSupplier("GetAlertPolicy"))
              .build();
        }
      }
    }
    return getGetAlertPolicyMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.SetAlertPolicyRequest,
      io.tollgate.v1.SetAlertPolicyResponse> getSetAlertPolicyMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SetAlertPolicy",
      requestType = io.tollgate.v1.SetAlertPolicyRequest.class,
      responseType = io.tollgate.v1.SetAlertPolicyResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.SetAlertPolicyRequest,
      io.tollgate.v1.SetAlertPolicyResponse> getSetAlertPolicyMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.SetAlertPolicyRequest, io.tollgate.v1.SetAlertPolicyResponse> getSetAlertPolicyMethod;
    if ((getSetAlertPolicyMethod = AlertServiceGrpc.getSetAlertPolicyMethod) == null) {
      synchronized (AlertServiceGrpc.class) {
        if ((getSetAlertPolicyMethod = AlertServiceGrpc.getSetAlertPolicyMethod) == null) {
          AlertServiceGrpc.getSetAlertPolicyMethod = getSetAlertPolicyMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.SetAlertPolicyRequest, io.tollgate.v1.SetAlertPolicyResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SetAlertPolicy"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.SetAlertPolicyRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.SetAlertPolicyResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AlertServiceMethodDescriptorSupplier("SetAlertPolicy"))
              .build();
        }
      }
    }
    return getSetAlertPolicyMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListAlertsRequest,
      io.tollgate.v1.ListAlertsResponse> getListAlertsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListAlerts",
      requestType = io.tollgate.v1.ListAlertsRequest.class,
      responseType = io.tollgate.v1.ListAlertsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListAlertsRequest,
      io.tollgate.v1.ListAlertsResponse> getListAlertsMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListAlertsRequest, io.tollgate.v1.ListAlertsResponse> getListAlertsMethod;
    if ((getListAlertsMethod = AlertServiceGrpc.getListAlertsMethod) == null) {
      synchronized (AlertServiceGrpc.class) {
        if ((getListAlertsMethod = AlertServiceGrpc.getListAlertsMethod) == null) {
          AlertServiceGrpc.getListAlertsMethod = getListAlertsMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListAlertsRequest, io.tollgate.v1.ListAlertsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListAlerts"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListAlertsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListAlertsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AlertServiceMethodDescriptorSupplier("ListAlerts"))
              .build();
        }
      }
    }
    return getListAlertsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.AcknowledgeAlertRequest,
      io.tollgate.v1.AcknowledgeAlertResponse> getAcknowledgeAlertMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "AcknowledgeAlert",
      requestType = io.tollgate.v1.AcknowledgeAlertRequest.class,
      responseType = io.tollgate.v1.AcknowledgeAlertResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.AcknowledgeAlertRequest,
      io.tollgate.v1.AcknowledgeAlertResponse> getAcknowledgeAlertMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.AcknowledgeAlertRequest, io.tollgate.v1.AcknowledgeAlertResponse> getAcknowledgeAlertMethod;
    if ((getAcknowledgeAlertMethod = AlertServiceGrpc.getAcknowledgeAlertMethod) == null) {
      synchronized (AlertServiceGrpc.class) {
        if ((getAcknowledgeAlertMethod = AlertServiceGrpc.getAcknowledgeAlertMethod) == null) {
          AlertServiceGrpc.getAcknowledgeAlertMethod = getAcknowledgeAlertMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.AcknowledgeAlertRequest, io.tollgate.v1.AcknowledgeAlertResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "AcknowledgeAlert"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.AcknowledgeAlertRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.AcknowledgeAlertResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AlertServiceMethodDescriptorSupplier("AcknowledgeAlert"))
              .build();
        }
      }
    }
    return getAcknowledgeAlertMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.WatchAlertsRequest,
      io.tollgate.v1.WatchAlertsResponse> getWatchAlertsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchAlerts",
      requestType = io.tollgate.v1.WatchAlertsRequest.class,
      responseType = io.tollgate.v1.WatchAlertsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.WatchAlertsRequest,
      io.tollgate.v1.WatchAlertsResponse> getWatchAlertsMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.WatchAlertsRequest, io.tollgate.v1.WatchAlertsResponse> getWatchAlertsMethod;
    if ((getWatchAlertsMethod = AlertServiceGrpc.getWatchAlertsMethod) == null) {
      synchronized (AlertServiceGrpc.class) {
        if ((getWatchAlertsMethod = AlertServiceGrpc.getWatchAlertsMethod) == null) {
          AlertServiceGrpc.getWatchAlertsMethod = getWatchAlertsMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.WatchAlertsRequest, io.tollgate.v1.WatchAlertsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchAlerts"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.WatchAlertsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.WatchAlertsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AlertServiceMethodDescriptorSupplier("WatchAlerts"))
              .build();
        }
      }
    }
    return getWatchAlertsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.CreateWebhookRequest,
      io.tollgate.v1.CreateWebhookResponse> getCreateWebhookMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateWebhook",
      requestType = io.tollgate.v1.CreateWebhookRequest.class,
      responseType = io.tollgate.v1.CreateWebhookResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.CreateWebhookRequest,
      io.tollgate.v1.CreateWebhookResponse> getCreateWebhookMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.CreateWebhookRequest, io.tollgate.v1.CreateWebhookResponse> getCreateWebhookMethod;
    if ((getCreateWebhookMethod = AlertServiceGrpc.getCreateWebhookMethod) == null) {
      synchronized (AlertServiceGrpc.class) {
        if ((getCreateWebhookMethod = AlertServiceGrpc.getCreateWebhookMethod) == null) {
          AlertServiceGrpc.getCreateWebhookMethod = getCreateWebhookMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.CreateWebhookRequest, io.tollgate.v1.CreateWebhookResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateWebhook"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CreateWebhookRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CreateWebhookResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AlertServiceMethodDescriptorSupplier("CreateWebhook"))
              .build();
        }
      }
    }
    return getCreateWebhookMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListWebhooksRequest,
      io.tollgate.v1.ListWebhooksResponse> getListWebhooksMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListWebhooks",
      requestType = io.tollgate.v1.ListWebhooksRequest.class,
      responseType = io.tollgate.v1.ListWebhooksResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListWebhooksRequest,
      io.tollgate.v1.ListWebhooksResponse> getListWebhooksMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListWebhooksRequest, io.tollgate.v1.ListWebhooksResponse> getListWebhooksMethod;
    if ((getListWebhooksMethod = AlertServiceGrpc.getListWebhooksMethod) == null) {
      synchronized (AlertServiceGrpc.class) {
        if ((getListWebhooksMethod = AlertServiceGrpc.getListWebhooksMethod) == null) {
          AlertServiceGrpc.getListWebhooksMethod = getListWebhooksMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListWebhooksRequest, io.tollgate.v1.ListWebhooksResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListWebhooks"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListWebhooksRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListWebhooksResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AlertServiceMethodDescriptorSupplier("ListWebhooks"))
              .build();
        }
      }
    }
    return getListWebhooksMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.UpdateWebhookRequest,
      io.tollgate.v1.UpdateWebhookResponse> getUpdateWebhookMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateWebhook",
      requestType = io.tollgate.v1.UpdateWebhookRequest.class,
      responseType = io.tollgate.v1.UpdateWebhookResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.UpdateWebhookRequest,
      io.tollgate.v1.UpdateWebhookResponse> getUpdateWebhookMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.UpdateWebhookRequest, io.tollgate.v1.UpdateWebhookResponse> getUpdateWebhookMethod;
    if ((getUpdateWebhookMethod = AlertServiceGrpc.getUpdateWebhookMethod) == null) {
      synchronized (AlertServiceGrpc.class) {
        if ((getUpdateWebhookMethod = AlertServiceGrpc.getUpdateWebhookMethod) == null) {
          AlertServiceGrpc.getUpdateWebhookMethod = getUpdateWebhookMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.UpdateWebhookRequest, io.tollgate.v1.UpdateWebhookResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateWebhook"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.UpdateWebhookRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.UpdateWebhookResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AlertServiceMethodDescriptorSupplier("UpdateWebhook"))
              .build();
        }
      }
    }
    return getUpdateWebhookMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.RotateWebhookSecretRequest,
      io.tollgate.v1.RotateWebhookSecretResponse> getRotateWebhookSecretMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RotateWebhookSecret",
      requestType = io.tollgate.v1.RotateWebhookSecretRequest.class,
      responseType = io.tollgate.v1.RotateWebhookSecretResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.RotateWebhookSecretRequest,
      io.tollgate.v1.RotateWebhookSecretResponse> getRotateWebhookSecretMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.RotateWebhookSecretRequest, io.tollgate.v1.RotateWebhookSecretResponse> getRotateWebhookSecretMethod;
    if ((getRotateWebhookSecretMethod = AlertServiceGrpc.getRotateWebhookSecretMethod) == null) {
      synchronized (AlertServiceGrpc.class) {
        if ((getRotateWebhookSecretMethod = AlertServiceGrpc.getRotateWebhookSecretMethod) == null) {
          AlertServiceGrpc.getRotateWebhookSecretMethod = getRotateWebhookSecretMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.RotateWebhookSecretRequest, io.tollgate.v1.RotateWebhookSecretResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RotateWebhookSecret"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.RotateWebhookSecretRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.RotateWebhookSecretResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AlertServiceMethodDescriptorSupplier("RotateWebhookSecret"))
              .build();
        }
      }
    }
    return getRotateWebhookSecretMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.DeleteWebhookRequest,
      io.tollgate.v1.DeleteWebhookResponse> getDeleteWebhookMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteWebhook",
      requestType = io.tollgate.v1.DeleteWebhookRequest.class,
      responseType = io.tollgate.v1.DeleteWebhookResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.DeleteWebhookRequest,
      io.tollgate.v1.DeleteWebhookResponse> getDeleteWebhookMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.DeleteWebhookRequest, io.tollgate.v1.DeleteWebhookResponse> getDeleteWebhookMethod;
    if ((getDeleteWebhookMethod = AlertServiceGrpc.getDeleteWebhookMethod) == null) {
      synchronized (AlertServiceGrpc.class) {
        if ((getDeleteWebhookMethod = AlertServiceGrpc.getDeleteWebhookMethod) == null) {
          AlertServiceGrpc.getDeleteWebhookMethod = getDeleteWebhookMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.DeleteWebhookRequest, io.tollgate.v1.DeleteWebhookResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteWebhook"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.DeleteWebhookRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.DeleteWebhookResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AlertServiceMethodDescriptorSupplier("DeleteWebhook"))
              .build();
        }
      }
    }
    return getDeleteWebhookMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.CreateEmailReceiverRequest,
      io.tollgate.v1.CreateEmailReceiverResponse> getCreateEmailReceiverMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateEmailReceiver",
      requestType = io.tollgate.v1.CreateEmailReceiverRequest.class,
      responseType = io.tollgate.v1.CreateEmailReceiverResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.CreateEmailReceiverRequest,
      io.tollgate.v1.CreateEmailReceiverResponse> getCreateEmailReceiverMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.CreateEmailReceiverRequest, io.tollgate.v1.CreateEmailReceiverResponse> getCreateEmailReceiverMethod;
    if ((getCreateEmailReceiverMethod = AlertServiceGrpc.getCreateEmailReceiverMethod) == null) {
      synchronized (AlertServiceGrpc.class) {
        if ((getCreateEmailReceiverMethod = AlertServiceGrpc.getCreateEmailReceiverMethod) == null) {
          AlertServiceGrpc.getCreateEmailReceiverMethod = getCreateEmailReceiverMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.CreateEmailReceiverRequest, io.tollgate.v1.CreateEmailReceiverResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateEmailReceiver"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CreateEmailReceiverRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.CreateEmailReceiverResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AlertServiceMethodDescriptorSupplier("CreateEmailReceiver"))
              .build();
        }
      }
    }
    return getCreateEmailReceiverMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListEmailReceiversRequest,
      io.tollgate.v1.ListEmailReceiversResponse> getListEmailReceiversMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListEmailReceivers",
      requestType = io.tollgate.v1.ListEmailReceiversRequest.class,
      responseType = io.tollgate.v1.ListEmailReceiversResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListEmailReceiversRequest,
      io.tollgate.v1.ListEmailReceiversResponse> getListEmailReceiversMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListEmailReceiversRequest, io.tollgate.v1.ListEmailReceiversResponse> getListEmailReceiversMethod;
    if ((getListEmailReceiversMethod = AlertServiceGrpc.getListEmailReceiversMethod) == null) {
      synchronized (AlertServiceGrpc.class) {
        if ((getListEmailReceiversMethod = AlertServiceGrpc.getListEmailReceiversMethod) == null) {
          AlertServiceGrpc.getListEmailReceiversMethod = getListEmailReceiversMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListEmailReceiversRequest, io.tollgate.v1.ListEmailReceiversResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListEmailReceivers"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListEmailReceiversRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListEmailReceiversResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AlertServiceMethodDescriptorSupplier("ListEmailReceivers"))
              .build();
        }
      }
    }
    return getListEmailReceiversMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.DeleteEmailReceiverRequest,
      io.tollgate.v1.DeleteEmailReceiverResponse> getDeleteEmailReceiverMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteEmailReceiver",
      requestType = io.tollgate.v1.DeleteEmailReceiverRequest.class,
      responseType = io.tollgate.v1.DeleteEmailReceiverResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.DeleteEmailReceiverRequest,
      io.tollgate.v1.DeleteEmailReceiverResponse> getDeleteEmailReceiverMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.DeleteEmailReceiverRequest, io.tollgate.v1.DeleteEmailReceiverResponse> getDeleteEmailReceiverMethod;
    if ((getDeleteEmailReceiverMethod = AlertServiceGrpc.getDeleteEmailReceiverMethod) == null) {
      synchronized (AlertServiceGrpc.class) {
        if ((getDeleteEmailReceiverMethod = AlertServiceGrpc.getDeleteEmailReceiverMethod) == null) {
          AlertServiceGrpc.getDeleteEmailReceiverMethod = getDeleteEmailReceiverMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.DeleteEmailReceiverRequest, io.tollgate.v1.DeleteEmailReceiverResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteEmailReceiver"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.DeleteEmailReceiverRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.DeleteEmailReceiverResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AlertServiceMethodDescriptorSupplier("DeleteEmailReceiver"))
              .build();
        }
      }
    }
    return getDeleteEmailReceiverMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListDeliveriesRequest,
      io.tollgate.v1.ListDeliveriesResponse> getListDeliveriesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListDeliveries",
      requestType = io.tollgate.v1.ListDeliveriesRequest.class,
      responseType = io.tollgate.v1.ListDeliveriesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListDeliveriesRequest,
      io.tollgate.v1.ListDeliveriesResponse> getListDeliveriesMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListDeliveriesRequest, io.tollgate.v1.ListDeliveriesResponse> getListDeliveriesMethod;
    if ((getListDeliveriesMethod = AlertServiceGrpc.getListDeliveriesMethod) == null) {
      synchronized (AlertServiceGrpc.class) {
        if ((getListDeliveriesMethod = AlertServiceGrpc.getListDeliveriesMethod) == null) {
          AlertServiceGrpc.getListDeliveriesMethod = getListDeliveriesMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListDeliveriesRequest, io.tollgate.v1.ListDeliveriesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListDeliveries"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListDeliveriesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListDeliveriesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AlertServiceMethodDescriptorSupplier("ListDeliveries"))
              .build();
        }
      }
    }
    return getListDeliveriesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.RepeatDeliveryRequest,
      io.tollgate.v1.RepeatDeliveryResponse> getRepeatDeliveryMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RepeatDelivery",
      requestType = io.tollgate.v1.RepeatDeliveryRequest.class,
      responseType = io.tollgate.v1.RepeatDeliveryResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.RepeatDeliveryRequest,
      io.tollgate.v1.RepeatDeliveryResponse> getRepeatDeliveryMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.RepeatDeliveryRequest, io.tollgate.v1.RepeatDeliveryResponse> getRepeatDeliveryMethod;
    if ((getRepeatDeliveryMethod = AlertServiceGrpc.getRepeatDeliveryMethod) == null) {
      synchronized (AlertServiceGrpc.class) {
        if ((getRepeatDeliveryMethod = AlertServiceGrpc.getRepeatDeliveryMethod) == null) {
          AlertServiceGrpc.getRepeatDeliveryMethod = getRepeatDeliveryMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.RepeatDeliveryRequest, io.tollgate.v1.RepeatDeliveryResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RepeatDelivery"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.RepeatDeliveryRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.RepeatDeliveryResponse.getDefaultInstance()))
              .setSchemaDescriptor(new AlertServiceMethodDescriptorSupplier("RepeatDelivery"))
              .build();
        }
      }
    }
    return getRepeatDeliveryMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static AlertServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AlertServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AlertServiceStub>() {
        @java.lang.Override
        public AlertServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AlertServiceStub(channel, callOptions);
        }
      };
    return AlertServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static AlertServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AlertServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AlertServiceBlockingV2Stub>() {
        @java.lang.Override
        public AlertServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AlertServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return AlertServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static AlertServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AlertServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AlertServiceBlockingStub>() {
        @java.lang.Override
        public AlertServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AlertServiceBlockingStub(channel, callOptions);
        }
      };
    return AlertServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static AlertServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<AlertServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<AlertServiceFutureStub>() {
        @java.lang.Override
        public AlertServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new AlertServiceFutureStub(channel, callOptions);
        }
      };
    return AlertServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Holds alerts: a threshold of a limit was crossed, or something happened that an administrator
   * wants to know. Each is raised once for its limit, window and threshold, and delivered to
   * webhooks and e-mail receivers. No receiver ever delays a check.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Returns the thresholds of the envelope and of model limits. Those of quotas are theirs.
     * </pre>
     */
    default void getAlertPolicy(io.tollgate.v1.GetAlertPolicyRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetAlertPolicyResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetAlertPolicyMethod(), responseObserver);
    }

    /**
     * <pre>
     * Sets the thresholds of the envelope and of model limits.
     * </pre>
     */
    default void setAlertPolicy(io.tollgate.v1.SetAlertPolicyRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.SetAlertPolicyResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSetAlertPolicyMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the alerts of a workspace, newest first.
     * </pre>
     */
    default void listAlerts(io.tollgate.v1.ListAlertsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListAlertsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListAlertsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Marks an alert as seen. A second time changes nothing.
     * </pre>
     */
    default void acknowledgeAlert(io.tollgate.v1.AcknowledgeAlertRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.AcknowledgeAlertResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getAcknowledgeAlertMethod(), responseObserver);
    }

    /**
     * <pre>
     * Streams the alerts of a workspace in the order in which they were raised: those after the one
     * named, then new ones, without gap or repeat. Ends with UNAVAILABLE when the server stops;
     * resume after the last alert received.
     * </pre>
     */
    default void watchAlerts(io.tollgate.v1.WatchAlertsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.WatchAlertsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchAlertsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Adds a webhook. Deliveries follow the Standard Webhooks convention, version 1: headers
     * `webhook-id`, `webhook-timestamp` and `webhook-signature`; see docs/alerts.md.
     * </pre>
     */
    default void createWebhook(io.tollgate.v1.CreateWebhookRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CreateWebhookResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateWebhookMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists webhooks by id.
     * </pre>
     */
    default void listWebhooks(io.tollgate.v1.ListWebhooksRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListWebhooksResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListWebhooksMethod(), responseObserver);
    }

    /**
     * <pre>
     * Changes a webhook.
     * </pre>
     */
    default void updateWebhook(io.tollgate.v1.UpdateWebhookRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateWebhookResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateWebhookMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gives a webhook a new secret. For 24 hours deliveries carry a signature with each of the two.
     * </pre>
     */
    default void rotateWebhookSecret(io.tollgate.v1.RotateWebhookSecretRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.RotateWebhookSecretResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRotateWebhookSecretMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes a webhook. What is not delivered to it yet is given up.
     * </pre>
     */
    default void deleteWebhook(io.tollgate.v1.DeleteWebhookRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteWebhookResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteWebhookMethod(), responseObserver);
    }

    /**
     * <pre>
     * Adds an e-mail receiver. The server must be configured with an SMTP server.
     * </pre>
     */
    default void createEmailReceiver(io.tollgate.v1.CreateEmailReceiverRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CreateEmailReceiverResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateEmailReceiverMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists e-mail receivers by id.
     * </pre>
     */
    default void listEmailReceivers(io.tollgate.v1.ListEmailReceiversRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListEmailReceiversResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListEmailReceiversMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes an e-mail receiver. What is not delivered to it yet is given up.
     * </pre>
     */
    default void deleteEmailReceiver(io.tollgate.v1.DeleteEmailReceiverRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteEmailReceiverResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteEmailReceiverMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists deliveries of alerts, newest first.
     * </pre>
     */
    default void listDeliveries(io.tollgate.v1.ListDeliveriesRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListDeliveriesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListDeliveriesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Delivers once more, now, whatever became of it before. Carries the same `webhook-id`.
     * </pre>
     */
    default void repeatDelivery(io.tollgate.v1.RepeatDeliveryRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.RepeatDeliveryResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRepeatDeliveryMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service AlertService.
   * <pre>
   * Holds alerts: a threshold of a limit was crossed, or something happened that an administrator
   * wants to know. Each is raised once for its limit, window and threshold, and delivered to
   * webhooks and e-mail receivers. No receiver ever delays a check.
   * </pre>
   */
  public static abstract class AlertServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return AlertServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service AlertService.
   * <pre>
   * Holds alerts: a threshold of a limit was crossed, or something happened that an administrator
   * wants to know. Each is raised once for its limit, window and threshold, and delivered to
   * webhooks and e-mail receivers. No receiver ever delays a check.
   * </pre>
   */
  public static final class AlertServiceStub
      extends io.grpc.stub.AbstractAsyncStub<AlertServiceStub> {
    private AlertServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AlertServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AlertServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns the thresholds of the envelope and of model limits. Those of quotas are theirs.
     * </pre>
     */
    public void getAlertPolicy(io.tollgate.v1.GetAlertPolicyRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.GetAlertPolicyResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetAlertPolicyMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Sets the thresholds of the envelope and of model limits.
     * </pre>
     */
    public void setAlertPolicy(io.tollgate.v1.SetAlertPolicyRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.SetAlertPolicyResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSetAlertPolicyMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the alerts of a workspace, newest first.
     * </pre>
     */
    public void listAlerts(io.tollgate.v1.ListAlertsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListAlertsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListAlertsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Marks an alert as seen. A second time changes nothing.
     * </pre>
     */
    public void acknowledgeAlert(io.tollgate.v1.AcknowledgeAlertRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.AcknowledgeAlertResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getAcknowledgeAlertMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Streams the alerts of a workspace in the order in which they were raised: those after the one
     * named, then new ones, without gap or repeat. Ends with UNAVAILABLE when the server stops;
     * resume after the last alert received.
     * </pre>
     */
    public void watchAlerts(io.tollgate.v1.WatchAlertsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.WatchAlertsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchAlertsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Adds a webhook. Deliveries follow the Standard Webhooks convention, version 1: headers
     * `webhook-id`, `webhook-timestamp` and `webhook-signature`; see docs/alerts.md.
     * </pre>
     */
    public void createWebhook(io.tollgate.v1.CreateWebhookRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CreateWebhookResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateWebhookMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists webhooks by id.
     * </pre>
     */
    public void listWebhooks(io.tollgate.v1.ListWebhooksRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListWebhooksResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListWebhooksMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Changes a webhook.
     * </pre>
     */
    public void updateWebhook(io.tollgate.v1.UpdateWebhookRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateWebhookResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateWebhookMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gives a webhook a new secret. For 24 hours deliveries carry a signature with each of the two.
     * </pre>
     */
    public void rotateWebhookSecret(io.tollgate.v1.RotateWebhookSecretRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.RotateWebhookSecretResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRotateWebhookSecretMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes a webhook. What is not delivered to it yet is given up.
     * </pre>
     */
    public void deleteWebhook(io.tollgate.v1.DeleteWebhookRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteWebhookResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteWebhookMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Adds an e-mail receiver. The server must be configured with an SMTP server.
     * </pre>
     */
    public void createEmailReceiver(io.tollgate.v1.CreateEmailReceiverRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.CreateEmailReceiverResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateEmailReceiverMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists e-mail receivers by id.
     * </pre>
     */
    public void listEmailReceivers(io.tollgate.v1.ListEmailReceiversRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListEmailReceiversResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListEmailReceiversMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes an e-mail receiver. What is not delivered to it yet is given up.
     * </pre>
     */
    public void deleteEmailReceiver(io.tollgate.v1.DeleteEmailReceiverRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteEmailReceiverResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteEmailReceiverMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists deliveries of alerts, newest first.
     * </pre>
     */
    public void listDeliveries(io.tollgate.v1.ListDeliveriesRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListDeliveriesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListDeliveriesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Delivers once more, now, whatever became of it before. Carries the same `webhook-id`.
     * </pre>
     */
    public void repeatDelivery(io.tollgate.v1.RepeatDeliveryRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.RepeatDeliveryResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRepeatDeliveryMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service AlertService.
   * <pre>
   * Holds alerts: a threshold of a limit was crossed, or something happened that an administrator
   * wants to know. Each is raised once for its limit, window and threshold, and delivered to
   * webhooks and e-mail receivers. No receiver ever delays a check.
   * </pre>
   */
  public static final class AlertServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<AlertServiceBlockingV2Stub> {
    private AlertServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AlertServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AlertServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns the thresholds of the envelope and of model limits. Those of quotas are theirs.
     * </pre>
     */
    public io.tollgate.v1.GetAlertPolicyResponse getAlertPolicy(io.tollgate.v1.GetAlertPolicyRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetAlertPolicyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sets the thresholds of the envelope and of model limits.
     * </pre>
     */
    public io.tollgate.v1.SetAlertPolicyResponse setAlertPolicy(io.tollgate.v1.SetAlertPolicyRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSetAlertPolicyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the alerts of a workspace, newest first.
     * </pre>
     */
    public io.tollgate.v1.ListAlertsResponse listAlerts(io.tollgate.v1.ListAlertsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListAlertsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Marks an alert as seen. A second time changes nothing.
     * </pre>
     */
    public io.tollgate.v1.AcknowledgeAlertResponse acknowledgeAlert(io.tollgate.v1.AcknowledgeAlertRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getAcknowledgeAlertMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams the alerts of a workspace in the order in which they were raised: those after the one
     * named, then new ones, without gap or repeat. Ends with UNAVAILABLE when the server stops;
     * resume after the last alert received.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.tollgate.v1.WatchAlertsResponse>
        watchAlerts(io.tollgate.v1.WatchAlertsRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchAlertsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Adds a webhook. Deliveries follow the Standard Webhooks convention, version 1: headers
     * `webhook-id`, `webhook-timestamp` and `webhook-signature`; see docs/alerts.md.
     * </pre>
     */
    public io.tollgate.v1.CreateWebhookResponse createWebhook(io.tollgate.v1.CreateWebhookRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateWebhookMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists webhooks by id.
     * </pre>
     */
    public io.tollgate.v1.ListWebhooksResponse listWebhooks(io.tollgate.v1.ListWebhooksRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListWebhooksMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes a webhook.
     * </pre>
     */
    public io.tollgate.v1.UpdateWebhookResponse updateWebhook(io.tollgate.v1.UpdateWebhookRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateWebhookMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gives a webhook a new secret. For 24 hours deliveries carry a signature with each of the two.
     * </pre>
     */
    public io.tollgate.v1.RotateWebhookSecretResponse rotateWebhookSecret(io.tollgate.v1.RotateWebhookSecretRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRotateWebhookSecretMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a webhook. What is not delivered to it yet is given up.
     * </pre>
     */
    public io.tollgate.v1.DeleteWebhookResponse deleteWebhook(io.tollgate.v1.DeleteWebhookRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteWebhookMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Adds an e-mail receiver. The server must be configured with an SMTP server.
     * </pre>
     */
    public io.tollgate.v1.CreateEmailReceiverResponse createEmailReceiver(io.tollgate.v1.CreateEmailReceiverRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateEmailReceiverMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists e-mail receivers by id.
     * </pre>
     */
    public io.tollgate.v1.ListEmailReceiversResponse listEmailReceivers(io.tollgate.v1.ListEmailReceiversRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListEmailReceiversMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes an e-mail receiver. What is not delivered to it yet is given up.
     * </pre>
     */
    public io.tollgate.v1.DeleteEmailReceiverResponse deleteEmailReceiver(io.tollgate.v1.DeleteEmailReceiverRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteEmailReceiverMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists deliveries of alerts, newest first.
     * </pre>
     */
    public io.tollgate.v1.ListDeliveriesResponse listDeliveries(io.tollgate.v1.ListDeliveriesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListDeliveriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Delivers once more, now, whatever became of it before. Carries the same `webhook-id`.
     * </pre>
     */
    public io.tollgate.v1.RepeatDeliveryResponse repeatDelivery(io.tollgate.v1.RepeatDeliveryRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRepeatDeliveryMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service AlertService.
   * <pre>
   * Holds alerts: a threshold of a limit was crossed, or something happened that an administrator
   * wants to know. Each is raised once for its limit, window and threshold, and delivered to
   * webhooks and e-mail receivers. No receiver ever delays a check.
   * </pre>
   */
  public static final class AlertServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<AlertServiceBlockingStub> {
    private AlertServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AlertServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AlertServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns the thresholds of the envelope and of model limits. Those of quotas are theirs.
     * </pre>
     */
    public io.tollgate.v1.GetAlertPolicyResponse getAlertPolicy(io.tollgate.v1.GetAlertPolicyRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetAlertPolicyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sets the thresholds of the envelope and of model limits.
     * </pre>
     */
    public io.tollgate.v1.SetAlertPolicyResponse setAlertPolicy(io.tollgate.v1.SetAlertPolicyRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSetAlertPolicyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the alerts of a workspace, newest first.
     * </pre>
     */
    public io.tollgate.v1.ListAlertsResponse listAlerts(io.tollgate.v1.ListAlertsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListAlertsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Marks an alert as seen. A second time changes nothing.
     * </pre>
     */
    public io.tollgate.v1.AcknowledgeAlertResponse acknowledgeAlert(io.tollgate.v1.AcknowledgeAlertRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getAcknowledgeAlertMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Streams the alerts of a workspace in the order in which they were raised: those after the one
     * named, then new ones, without gap or repeat. Ends with UNAVAILABLE when the server stops;
     * resume after the last alert received.
     * </pre>
     */
    public java.util.Iterator<io.tollgate.v1.WatchAlertsResponse> watchAlerts(
        io.tollgate.v1.WatchAlertsRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchAlertsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Adds a webhook. Deliveries follow the Standard Webhooks convention, version 1: headers
     * `webhook-id`, `webhook-timestamp` and `webhook-signature`; see docs/alerts.md.
     * </pre>
     */
    public io.tollgate.v1.CreateWebhookResponse createWebhook(io.tollgate.v1.CreateWebhookRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateWebhookMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists webhooks by id.
     * </pre>
     */
    public io.tollgate.v1.ListWebhooksResponse listWebhooks(io.tollgate.v1.ListWebhooksRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListWebhooksMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes a webhook.
     * </pre>
     */
    public io.tollgate.v1.UpdateWebhookResponse updateWebhook(io.tollgate.v1.UpdateWebhookRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateWebhookMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gives a webhook a new secret. For 24 hours deliveries carry a signature with each of the two.
     * </pre>
     */
    public io.tollgate.v1.RotateWebhookSecretResponse rotateWebhookSecret(io.tollgate.v1.RotateWebhookSecretRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRotateWebhookSecretMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a webhook. What is not delivered to it yet is given up.
     * </pre>
     */
    public io.tollgate.v1.DeleteWebhookResponse deleteWebhook(io.tollgate.v1.DeleteWebhookRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteWebhookMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Adds an e-mail receiver. The server must be configured with an SMTP server.
     * </pre>
     */
    public io.tollgate.v1.CreateEmailReceiverResponse createEmailReceiver(io.tollgate.v1.CreateEmailReceiverRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateEmailReceiverMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists e-mail receivers by id.
     * </pre>
     */
    public io.tollgate.v1.ListEmailReceiversResponse listEmailReceivers(io.tollgate.v1.ListEmailReceiversRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListEmailReceiversMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes an e-mail receiver. What is not delivered to it yet is given up.
     * </pre>
     */
    public io.tollgate.v1.DeleteEmailReceiverResponse deleteEmailReceiver(io.tollgate.v1.DeleteEmailReceiverRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteEmailReceiverMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists deliveries of alerts, newest first.
     * </pre>
     */
    public io.tollgate.v1.ListDeliveriesResponse listDeliveries(io.tollgate.v1.ListDeliveriesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListDeliveriesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Delivers once more, now, whatever became of it before. Carries the same `webhook-id`.
     * </pre>
     */
    public io.tollgate.v1.RepeatDeliveryResponse repeatDelivery(io.tollgate.v1.RepeatDeliveryRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRepeatDeliveryMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service AlertService.
   * <pre>
   * Holds alerts: a threshold of a limit was crossed, or something happened that an administrator
   * wants to know. Each is raised once for its limit, window and threshold, and delivered to
   * webhooks and e-mail receivers. No receiver ever delays a check.
   * </pre>
   */
  public static final class AlertServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<AlertServiceFutureStub> {
    private AlertServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected AlertServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new AlertServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns the thresholds of the envelope and of model limits. Those of quotas are theirs.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.GetAlertPolicyResponse> getAlertPolicy(
        io.tollgate.v1.GetAlertPolicyRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetAlertPolicyMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Sets the thresholds of the envelope and of model limits.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.SetAlertPolicyResponse> setAlertPolicy(
        io.tollgate.v1.SetAlertPolicyRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSetAlertPolicyMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the alerts of a workspace, newest first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListAlertsResponse> listAlerts(
        io.tollgate.v1.ListAlertsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListAlertsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Marks an alert as seen. A second time changes nothing.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.AcknowledgeAlertResponse> acknowledgeAlert(
        io.tollgate.v1.AcknowledgeAlertRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getAcknowledgeAlertMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Adds a webhook. Deliveries follow the Standard Webhooks convention, version 1: headers
     * `webhook-id`, `webhook-timestamp` and `webhook-signature`; see docs/alerts.md.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.CreateWebhookResponse> createWebhook(
        io.tollgate.v1.CreateWebhookRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateWebhookMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists webhooks by id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListWebhooksResponse> listWebhooks(
        io.tollgate.v1.ListWebhooksRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListWebhooksMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Changes a webhook.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.UpdateWebhookResponse> updateWebhook(
        io.tollgate.v1.UpdateWebhookRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateWebhookMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gives a webhook a new secret. For 24 hours deliveries carry a signature with each of the two.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.RotateWebhookSecretResponse> rotateWebhookSecret(
        io.tollgate.v1.RotateWebhookSecretRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRotateWebhookSecretMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes a webhook. What is not delivered to it yet is given up.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.DeleteWebhookResponse> deleteWebhook(
        io.tollgate.v1.DeleteWebhookRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteWebhookMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Adds an e-mail receiver. The server must be configured with an SMTP server.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.CreateEmailReceiverResponse> createEmailReceiver(
        io.tollgate.v1.CreateEmailReceiverRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateEmailReceiverMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists e-mail receivers by id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListEmailReceiversResponse> listEmailReceivers(
        io.tollgate.v1.ListEmailReceiversRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListEmailReceiversMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes an e-mail receiver. What is not delivered to it yet is given up.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.DeleteEmailReceiverResponse> deleteEmailReceiver(
        io.tollgate.v1.DeleteEmailReceiverRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteEmailReceiverMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists deliveries of alerts, newest first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListDeliveriesResponse> listDeliveries(
        io.tollgate.v1.ListDeliveriesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListDeliveriesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Delivers once more, now, whatever became of it before. Carries the same `webhook-id`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.RepeatDeliveryResponse> repeatDelivery(
        io.tollgate.v1.RepeatDeliveryRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRepeatDeliveryMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_ALERT_POLICY = 0;
  private static final int METHODID_SET_ALERT_POLICY = 1;
  private static final int METHODID_LIST_ALERTS = 2;
  private static final int METHODID_ACKNOWLEDGE_ALERT = 3;
  private static final int METHODID_WATCH_ALERTS = 4;
  private static final int METHODID_CREATE_WEBHOOK = 5;
  private static final int METHODID_LIST_WEBHOOKS = 6;
  private static final int METHODID_UPDATE_WEBHOOK = 7;
  private static final int METHODID_ROTATE_WEBHOOK_SECRET = 8;
  private static final int METHODID_DELETE_WEBHOOK = 9;
  private static final int METHODID_CREATE_EMAIL_RECEIVER = 10;
  private static final int METHODID_LIST_EMAIL_RECEIVERS = 11;
  private static final int METHODID_DELETE_EMAIL_RECEIVER = 12;
  private static final int METHODID_LIST_DELIVERIES = 13;
  private static final int METHODID_REPEAT_DELIVERY = 14;

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
        case METHODID_GET_ALERT_POLICY:
          serviceImpl.getAlertPolicy((io.tollgate.v1.GetAlertPolicyRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.GetAlertPolicyResponse>) responseObserver);
          break;
        case METHODID_SET_ALERT_POLICY:
          serviceImpl.setAlertPolicy((io.tollgate.v1.SetAlertPolicyRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.SetAlertPolicyResponse>) responseObserver);
          break;
        case METHODID_LIST_ALERTS:
          serviceImpl.listAlerts((io.tollgate.v1.ListAlertsRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListAlertsResponse>) responseObserver);
          break;
        case METHODID_ACKNOWLEDGE_ALERT:
          serviceImpl.acknowledgeAlert((io.tollgate.v1.AcknowledgeAlertRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.AcknowledgeAlertResponse>) responseObserver);
          break;
        case METHODID_WATCH_ALERTS:
          serviceImpl.watchAlerts((io.tollgate.v1.WatchAlertsRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.WatchAlertsResponse>) responseObserver);
          break;
        case METHODID_CREATE_WEBHOOK:
          serviceImpl.createWebhook((io.tollgate.v1.CreateWebhookRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.CreateWebhookResponse>) responseObserver);
          break;
        case METHODID_LIST_WEBHOOKS:
          serviceImpl.listWebhooks((io.tollgate.v1.ListWebhooksRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListWebhooksResponse>) responseObserver);
          break;
        case METHODID_UPDATE_WEBHOOK:
          serviceImpl.updateWebhook((io.tollgate.v1.UpdateWebhookRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.UpdateWebhookResponse>) responseObserver);
          break;
        case METHODID_ROTATE_WEBHOOK_SECRET:
          serviceImpl.rotateWebhookSecret((io.tollgate.v1.RotateWebhookSecretRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.RotateWebhookSecretResponse>) responseObserver);
          break;
        case METHODID_DELETE_WEBHOOK:
          serviceImpl.deleteWebhook((io.tollgate.v1.DeleteWebhookRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteWebhookResponse>) responseObserver);
          break;
        case METHODID_CREATE_EMAIL_RECEIVER:
          serviceImpl.createEmailReceiver((io.tollgate.v1.CreateEmailReceiverRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.CreateEmailReceiverResponse>) responseObserver);
          break;
        case METHODID_LIST_EMAIL_RECEIVERS:
          serviceImpl.listEmailReceivers((io.tollgate.v1.ListEmailReceiversRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListEmailReceiversResponse>) responseObserver);
          break;
        case METHODID_DELETE_EMAIL_RECEIVER:
          serviceImpl.deleteEmailReceiver((io.tollgate.v1.DeleteEmailReceiverRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.DeleteEmailReceiverResponse>) responseObserver);
          break;
        case METHODID_LIST_DELIVERIES:
          serviceImpl.listDeliveries((io.tollgate.v1.ListDeliveriesRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListDeliveriesResponse>) responseObserver);
          break;
        case METHODID_REPEAT_DELIVERY:
          serviceImpl.repeatDelivery((io.tollgate.v1.RepeatDeliveryRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.RepeatDeliveryResponse>) responseObserver);
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
          getGetAlertPolicyMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.GetAlertPolicyRequest,
              io.tollgate.v1.GetAlertPolicyResponse>(
                service, METHODID_GET_ALERT_POLICY)))
        .addMethod(
          getSetAlertPolicyMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.SetAlertPolicyRequest,
              io.tollgate.v1.SetAlertPolicyResponse>(
                service, METHODID_SET_ALERT_POLICY)))
        .addMethod(
          getListAlertsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListAlertsRequest,
              io.tollgate.v1.ListAlertsResponse>(
                service, METHODID_LIST_ALERTS)))
        .addMethod(
          getAcknowledgeAlertMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.AcknowledgeAlertRequest,
              io.tollgate.v1.AcknowledgeAlertResponse>(
                service, METHODID_ACKNOWLEDGE_ALERT)))
        .addMethod(
          getWatchAlertsMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.tollgate.v1.WatchAlertsRequest,
              io.tollgate.v1.WatchAlertsResponse>(
                service, METHODID_WATCH_ALERTS)))
        .addMethod(
          getCreateWebhookMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.CreateWebhookRequest,
              io.tollgate.v1.CreateWebhookResponse>(
                service, METHODID_CREATE_WEBHOOK)))
        .addMethod(
          getListWebhooksMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListWebhooksRequest,
              io.tollgate.v1.ListWebhooksResponse>(
                service, METHODID_LIST_WEBHOOKS)))
        .addMethod(
          getUpdateWebhookMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.UpdateWebhookRequest,
              io.tollgate.v1.UpdateWebhookResponse>(
                service, METHODID_UPDATE_WEBHOOK)))
        .addMethod(
          getRotateWebhookSecretMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.RotateWebhookSecretRequest,
              io.tollgate.v1.RotateWebhookSecretResponse>(
                service, METHODID_ROTATE_WEBHOOK_SECRET)))
        .addMethod(
          getDeleteWebhookMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.DeleteWebhookRequest,
              io.tollgate.v1.DeleteWebhookResponse>(
                service, METHODID_DELETE_WEBHOOK)))
        .addMethod(
          getCreateEmailReceiverMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.CreateEmailReceiverRequest,
              io.tollgate.v1.CreateEmailReceiverResponse>(
                service, METHODID_CREATE_EMAIL_RECEIVER)))
        .addMethod(
          getListEmailReceiversMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListEmailReceiversRequest,
              io.tollgate.v1.ListEmailReceiversResponse>(
                service, METHODID_LIST_EMAIL_RECEIVERS)))
        .addMethod(
          getDeleteEmailReceiverMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.DeleteEmailReceiverRequest,
              io.tollgate.v1.DeleteEmailReceiverResponse>(
                service, METHODID_DELETE_EMAIL_RECEIVER)))
        .addMethod(
          getListDeliveriesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListDeliveriesRequest,
              io.tollgate.v1.ListDeliveriesResponse>(
                service, METHODID_LIST_DELIVERIES)))
        .addMethod(
          getRepeatDeliveryMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.RepeatDeliveryRequest,
              io.tollgate.v1.RepeatDeliveryResponse>(
                service, METHODID_REPEAT_DELIVERY)))
        .build();
  }

  private static abstract class AlertServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    AlertServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.tollgate.v1.AlertServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("AlertService");
    }
  }

  private static final class AlertServiceFileDescriptorSupplier
      extends AlertServiceBaseDescriptorSupplier {
    AlertServiceFileDescriptorSupplier() {}
  }

  private static final class AlertServiceMethodDescriptorSupplier
      extends AlertServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    AlertServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (AlertServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new AlertServiceFileDescriptorSupplier())
              .addMethod(getGetAlertPolicyMethod())
              .addMethod(getSetAlertPolicyMethod())
              .addMethod(getListAlertsMethod())
              .addMethod(getAcknowledgeAlertMethod())
              .addMethod(getWatchAlertsMethod())
              .addMethod(getCreateWebhookMethod())
              .addMethod(getListWebhooksMethod())
              .addMethod(getUpdateWebhookMethod())
              .addMethod(getRotateWebhookSecretMethod())
              .addMethod(getDeleteWebhookMethod())
              .addMethod(getCreateEmailReceiverMethod())
              .addMethod(getListEmailReceiversMethod())
              .addMethod(getDeleteEmailReceiverMethod())
              .addMethod(getListDeliveriesMethod())
              .addMethod(getRepeatDeliveryMethod())
              .build();
        }
      }
    }
    return result;
  }
}
