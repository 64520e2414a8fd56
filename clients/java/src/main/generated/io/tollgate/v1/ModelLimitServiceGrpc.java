package io.tollgate.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Holds models, prices, exchange rates, and each workspace's choice of models with their caps.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class ModelLimitServiceGrpc {

  private ModelLimitServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "tollgate.v1.ModelLimitService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.UpsertModelRequest,
      io.tollgate.v1.UpsertModelResponse> getUpsertModelMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpsertModel",
      requestType = io.tollgate.v1.UpsertModelRequest.class,
      responseType = io.tollgate.v1.UpsertModelResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.UpsertModelRequest,
      io.tollgate.v1.UpsertModelResponse> getUpsertModelMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.UpsertModelRequest, io.tollgate.v1.UpsertModelResponse> getUpsertModelMethod;
    if ((getUpsertModelMethod = ModelLimitServiceGrpc.getUpsertModelMethod) == null) {
      synchronized (ModelLimitServiceGrpc.class) {
        if ((getUpsertModelMethod = ModelLimitServiceGrpc.getUpsertModelMethod) == null) {
          ModelLimitServiceGrpc.getUpsertModelMethod = getUpsertModelMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.UpsertModelRequest, io.tollgate.v1.UpsertModelResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpsertModel"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.UpsertModelRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.UpsertModelResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ModelLimitServiceMethodDescriptorSupplier("UpsertModel"))
              .build();
        }
      }
    }
    return getUpsertModelMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.SetModelPriceRequest,
      io.tollgate.v1.SetModelPriceResponse> getSetModelPriceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SetModelPrice",
      requestType = io.tollgate.v1.SetModelPriceRequest.class,
      responseType = io.tollgate.v1.SetModelPriceResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.SetModelPriceRequest,
      io.tollgate.v1.SetModelPriceResponse> getSetModelPriceMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.SetModelPriceRequest, io.tollgate.v1.SetModelPriceResponse> getSetModelPriceMethod;
    if ((getSetModelPriceMethod = ModelLimitServiceGrpc.getSetModelPriceMethod) == null) {
      synchronized (ModelLimitServiceGrpc.class) {
        if ((getSetModelPriceMethod = ModelLimitServiceGrpc.getSetModelPriceMethod) == null) {
          ModelLimitServiceGrpc.getSetModelPriceMethod = getSetModelPriceMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.SetModelPriceRequest, io.tollgate.v1.SetModelPriceResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SetModelPrice"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.SetModelPriceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.SetModelPriceResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ModelLimitServiceMethodDescriptorSupplier("SetModelPrice"))
              .build();
        }
      }
    }
    return getSetModelPriceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListModelsRequest,
      io.tollgate.v1.ListModelsResponse> getListModelsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListModels",
      requestType = io.tollgate.v1.ListModelsRequest.class,
      responseType = io.tollgate.v1.ListModelsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListModelsRequest,
      io.tollgate.v1.ListModelsResponse> getListModelsMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListModelsRequest, io.tollgate.v1.ListModelsResponse> getListModelsMethod;
    if ((getListModelsMethod = ModelLimitServiceGrpc.getListModelsMethod) == null) {
      synchronized (ModelLimitServiceGrpc.class) {
        if ((getListModelsMethod = ModelLimitServiceGrpc.getListModelsMethod) == null) {
          ModelLimitServiceGrpc.getListModelsMethod = getListModelsMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListModelsRequest, io.tollgate.v1.ListModelsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListModels"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListModelsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListModelsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ModelLimitServiceMethodDescriptorSupplier("ListModels"))
              .build();
        }
      }
    }
    return getListModelsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListModelPricesRequest,
      io.tollgate.v1.ListModelPricesResponse> getListModelPricesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListModelPrices",
      requestType = io.tollgate.v1.ListModelPricesRequest.class,
      responseType = io.tollgate.v1.ListModelPricesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListModelPricesRequest,
      io.tollgate.v1.ListModelPricesResponse> getListModelPricesMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListModelPricesRequest, io.tollgate.v1.ListModelPricesResponse> getListModelPricesMethod;
    if ((getListModelPricesMethod = ModelLimitServiceGrpc.getListModelPricesMethod) == null) {
      synchronized (ModelLimitServiceGrpc.class) {
        if ((getListModelPricesMethod = ModelLimitServiceGrpc.getListModelPricesMethod) == null) {
          ModelLimitServiceGrpc.getListModelPricesMethod = getListModelPricesMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListModelPricesRequest, io.tollgate.v1.ListModelPricesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListModelPrices"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListModelPricesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListModelPricesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ModelLimitServiceMethodDescriptorSupplier("ListModelPrices"))
              .build();
        }
      }
    }
    return getListModelPricesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.SetExchangeRateRequest,
      io.tollgate.v1.SetExchangeRateResponse> getSetExchangeRateMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SetExchangeRate",
      requestType = io.tollgate.v1.SetExchangeRateRequest.class,
      responseType = io.tollgate.v1.SetExchangeRateResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.SetExchangeRateRequest,
      io.tollgate.v1.SetExchangeRateResponse> getSetExchangeRateMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.SetExchangeRateRequest, io.tollgate.v1.SetExchangeRateResponse> getSetExchangeRateMethod;
    if ((getSetExchangeRateMethod = ModelLimitServiceGrpc.getSetExchangeRateMethod) == null) {
      synchronized (ModelLimitServiceGrpc.class) {
        if ((getSetExchangeRateMethod = ModelLimitServiceGrpc.getSetExchangeRateMethod) == null) {
          ModelLimitServiceGrpc.getSetExchangeRateMethod = getSetExchangeRateMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.SetExchangeRateRequest, io.tollgate.v1.SetExchangeRateResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SetExchangeRate"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.SetExchangeRateRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.SetExchangeRateResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ModelLimitServiceMethodDescriptorSupplier("SetExchangeRate"))
              .build();
        }
      }
    }
    return getSetExchangeRateMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListExchangeRatesRequest,
      io.tollgate.v1.ListExchangeRatesResponse> getListExchangeRatesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListExchangeRates",
      requestType = io.tollgate.v1.ListExchangeRatesRequest.class,
      responseType = io.tollgate.v1.ListExchangeRatesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListExchangeRatesRequest,
      io.tollgate.v1.ListExchangeRatesResponse> getListExchangeRatesMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListExchangeRatesRequest, io.tollgate.v1.ListExchangeRatesResponse> getListExchangeRatesMethod;
    if ((getListExchangeRatesMethod = ModelLimitServiceGrpc.getListExchangeRatesMethod) == null) {
      synchronized (ModelLimitServiceGrpc.class) {
        if ((getListExchangeRatesMethod = ModelLimitServiceGrpc.getListExchangeRatesMethod) == null) {
          ModelLimitServiceGrpc.getListExchangeRatesMethod = getListExchangeRatesMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListExchangeRatesRequest, io.tollgate.v1.ListExchangeRatesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListExchangeRates"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListExchangeRatesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListExchangeRatesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ModelLimitServiceMethodDescriptorSupplier("ListExchangeRates"))
              .build();
        }
      }
    }
    return getListExchangeRatesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.EnableModelRequest,
      io.tollgate.v1.EnableModelResponse> getEnableModelMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "EnableModel",
      requestType = io.tollgate.v1.EnableModelRequest.class,
      responseType = io.tollgate.v1.EnableModelResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.EnableModelRequest,
      io.tollgate.v1.EnableModelResponse> getEnableModelMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.EnableModelRequest, io.tollgate.v1.EnableModelResponse> getEnableModelMethod;
    if ((getEnableModelMethod = ModelLimitServiceGrpc.getEnableModelMethod) == null) {
      synchronized (ModelLimitServiceGrpc.class) {
        if ((getEnableModelMethod = ModelLimitServiceGrpc.getEnableModelMethod) == null) {
          ModelLimitServiceGrpc.getEnableModelMethod = getEnableModelMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.EnableModelRequest, io.tollgate.v1.EnableModelResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "EnableModel"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.EnableModelRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.EnableModelResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ModelLimitServiceMethodDescriptorSupplier("EnableModel"))
              .build();
        }
      }
    }
    return getEnableModelMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.DisableModelRequest,
      io.tollgate.v1.DisableModelResponse> getDisableModelMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DisableModel",
      requestType = io.tollgate.v1.DisableModelRequest.class,
      responseType = io.tollgate.v1.DisableModelResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.DisableModelRequest,
      io.tollgate.v1.DisableModelResponse> getDisableModelMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.DisableModelRequest, io.tollgate.v1.DisableModelResponse> getDisableModelMethod;
    if ((getDisableModelMethod = ModelLimitServiceGrpc.getDisableModelMethod) == null) {
      synchronized (ModelLimitServiceGrpc.class) {
        if ((getDisableModelMethod = ModelLimitServiceGrpc.getDisableModelMethod) == null) {
          ModelLimitServiceGrpc.getDisableModelMethod = getDisableModelMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.DisableModelRequest, io.tollgate.v1.DisableModelResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DisableModel"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.DisableModelRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.DisableModelResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ModelLimitServiceMethodDescriptorSupplier("DisableModel"))
              .build();
        }
      }
    }
    return getDisableModelMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.SetModelLimitRequest,
      io.tollgate.v1.SetModelLimitResponse> getSetModelLimitMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SetModelLimit",
      requestType = io.tollgate.v1.SetModelLimitRequest.class,
      responseType = io.tollgate.v1.SetModelLimitResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.SetModelLimitRequest,
      io.tollgate.v1.SetModelLimitResponse> getSetModelLimitMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.SetModelLimitRequest, io.tollgate.v1.SetModelLimitResponse> getSetModelLimitMethod;
    if ((getSetModelLimitMethod = ModelLimitServiceGrpc.getSetModelLimitMethod) == null) {
      synchronized (ModelLimitServiceGrpc.class) {
        if ((getSetModelLimitMethod = ModelLimitServiceGrpc.getSetModelLimitMethod) == null) {
          ModelLimitServiceGrpc.getSetModelLimitMethod = getSetModelLimitMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.SetModelLimitRequest, io.tollgate.v1.SetModelLimitResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SetModelLimit"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.SetModelLimitRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.SetModelLimitResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ModelLimitServiceMethodDescriptorSupplier("SetModelLimit"))
              .build();
        }
      }
    }
    return getSetModelLimitMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.tollgate.v1.ListModelLimitsRequest,
      io.tollgate.v1.ListModelLimitsResponse> getListModelLimitsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListModelLimits",
      requestType = io.tollgate.v1.ListModelLimitsRequest.class,
      responseType = io.tollgate.v1.ListModelLimitsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.tollgate.v1.ListModelLimitsRequest,
      io.tollgate.v1.ListModelLimitsResponse> getListModelLimitsMethod() {
    io.grpc.MethodDescriptor<io.tollgate.v1.ListModelLimitsRequest, io.tollgate.v1.ListModelLimitsResponse> getListModelLimitsMethod;
    if ((getListModelLimitsMethod = ModelLimitServiceGrpc.getListModelLimitsMethod) == null) {
      synchronized (ModelLimitServiceGrpc.class) {
        if ((getListModelLimitsMethod = ModelLimitServiceGrpc.getListModelLimitsMethod) == null) {
          ModelLimitServiceGrpc.getListModelLimitsMethod = getListModelLimitsMethod =
              io.grpc.MethodDescriptor.<io.tollgate.v1.ListModelLimitsRequest, io.tollgate.v1.ListModelLimitsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListModelLimits"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListModelLimitsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.tollgate.v1.ListModelLimitsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ModelLimitServiceMethodDescriptorSupplier("ListModelLimits"))
              .build();
        }
      }
    }
    return getListModelLimitsMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static ModelLimitServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ModelLimitServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ModelLimitServiceStub>() {
        @java.lang.Override
        public ModelLimitServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ModelLimitServiceStub(channel, callOptions);
        }
      };
    return ModelLimitServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static ModelLimitServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ModelLimitServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ModelLimitServiceBlockingV2Stub>() {
        @java.lang.Override
        public ModelLimitServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ModelLimitServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return ModelLimitServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static ModelLimitServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ModelLimitServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ModelLimitServiceBlockingStub>() {
        @java.lang.Override
        public ModelLimitServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ModelLimitServiceBlockingStub(channel, callOptions);
        }
      };
    return ModelLimitServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static ModelLimitServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ModelLimitServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ModelLimitServiceFutureStub>() {
        @java.lang.Override
        public ModelLimitServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ModelLimitServiceFutureStub(channel, callOptions);
        }
      };
    return ModelLimitServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Holds models, prices, exchange rates, and each workspace's choice of models with their caps.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Adds a model to the catalogue or changes it.
     * </pre>
     */
    default void upsertModel(io.tollgate.v1.UpsertModelRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.UpsertModelResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpsertModelMethod(), responseObserver);
    }

    /**
     * <pre>
     * Adds a price that is valid from its effective_time until a later one. Prices are kept for
     * ever: records name the one they were billed at. A price of the same effective_time takes
     * the place of the earlier one for all that follows.
     * </pre>
     */
    default void setModelPrice(io.tollgate.v1.SetModelPriceRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.SetModelPriceResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSetModelPriceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the catalogue by model id.
     * </pre>
     */
    default void listModels(io.tollgate.v1.ListModelsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListModelsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListModelsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the prices of a model, latest effective_time first.
     * </pre>
     */
    default void listModelPrices(io.tollgate.v1.ListModelPricesRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListModelPricesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListModelPricesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Sets what one unit of a currency is worth in another from a time on. The opposite direction
     * is never inferred.
     * </pre>
     */
    default void setExchangeRate(io.tollgate.v1.SetExchangeRateRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.SetExchangeRateResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSetExchangeRateMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists exchange rates by currencies, latest effective_time first.
     * </pre>
     */
    default void listExchangeRates(io.tollgate.v1.ListExchangeRatesRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListExchangeRatesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListExchangeRatesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Allows a model in a workspace. Idempotent.
     * </pre>
     */
    default void enableModel(io.tollgate.v1.EnableModelRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.EnableModelResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getEnableModelMethod(), responseObserver);
    }

    /**
     * <pre>
     * Disallows a model in a workspace: checks on it are blocked. Its limit, its spend and its
     * holds stay. Idempotent.
     * </pre>
     */
    default void disableModel(io.tollgate.v1.DisableModelRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.DisableModelResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDisableModelMethod(), responseObserver);
    }

    /**
     * <pre>
     * Sets the cap and the fallback chain of a model in a workspace. Takes effect on the next
     * check and changes nothing that was spent.
     * </pre>
     */
    default void setModelLimit(io.tollgate.v1.SetModelLimitRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.SetModelLimitResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSetModelLimitMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists every model of a workspace that is enabled, capped or has spend in this cycle, by id.
     * </pre>
     */
    default void listModelLimits(io.tollgate.v1.ListModelLimitsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListModelLimitsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListModelLimitsMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service ModelLimitService.
   * <pre>
   * Holds models, prices, exchange rates, and each workspace's choice of models with their caps.
   * </pre>
   */
  public static abstract class ModelLimitServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return ModelLimitServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service ModelLimitService.
   * <pre>
   * Holds models, prices, exchange rates, and each workspace's choice of models with their caps.
   * </pre>
   */
  public static final class ModelLimitServiceStub
      extends io.grpc.stub.AbstractAsyncStub<ModelLimitServiceStub> {
    private ModelLimitServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ModelLimitServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ModelLimitServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Adds a model to the catalogue or changes it.
     * </pre>
     */
    public void upsertModel(io.tollgate.v1.UpsertModelRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.UpsertModelResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpsertModelMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Adds a price that is valid from its effective_time until a later one. Prices are kept for
     * ever: records name the one they were billed at. A price of the same effective_time takes
     * the place of the earlier one for all that follows.
     * </pre>
     */
    public void setModelPrice(io.tollgate.v1.SetModelPriceRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.SetModelPriceResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSetModelPriceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the catalogue by model id.
     * </pre>
     */
    public void listModels(io.tollgate.v1.ListModelsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListModelsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListModelsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the prices of a model, latest effective_time first.
     * </pre>
     */
    public void listModelPrices(io.tollgate.v1.ListModelPricesRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListModelPricesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListModelPricesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Sets what one unit of a currency is worth in another from a time on. The opposite direction
     * is never inferred.
     * </pre>
     */
    public void setExchangeRate(io.tollgate.v1.SetExchangeRateRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.SetExchangeRateResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSetExchangeRateMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists exchange rates by currencies, latest effective_time first.
     * </pre>
     */
    public void listExchangeRates(io.tollgate.v1.ListExchangeRatesRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListExchangeRatesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListExchangeRatesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Allows a model in a workspace. Idempotent.
     * </pre>
     */
    public void enableModel(io.tollgate.v1.EnableModelRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.EnableModelResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getEnableModelMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Disallows a model in a workspace: checks on it are blocked. Its limit, its spend and its
     * holds stay. Idempotent.
     * </pre>
     */
    public void disableModel(io.tollgate.v1.DisableModelRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.DisableModelResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDisableModelMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Sets the cap and the fallback chain of a model in a workspace. Takes effect on the next
     * check and changes nothing that was spent.
     * </pre>
     */
    public void setModelLimit(io.tollgate.v1.SetModelLimitRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.SetModelLimitResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSetModelLimitMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists every model of a workspace that is enabled, capped or has spend in this cycle, by id.
     * </pre>
     */
    public void listModelLimits(io.tollgate.v1.ListModelLimitsRequest request,
        io.grpc.stub.StreamObserver<io.tollgate.v1.ListModelLimitsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListModelLimitsMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service ModelLimitService.
   * <pre>
   * Holds models, prices, exchange rates, and each workspace's choice of models with their caps.
   * </pre>
   */
  public static final class ModelLimitServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<ModelLimitServiceBlockingV2Stub> {
    private ModelLimitServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ModelLimitServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ModelLimitServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Adds a model to the catalogue or changes it.
     * </pre>
     */
    public io.tollgate.v1.UpsertModelResponse upsertModel(io.tollgate.v1.UpsertModelRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpsertModelMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Adds a price that is valid from its effective_time until a later one. Prices are kept for
     * ever: records name the one they were billed at. A price of the same effective_time takes
     * the place of the earlier one for all that follows.
     * </pre>
     */
    public io.tollgate.v1.SetModelPriceResponse setModelPrice(io.tollgate.v1.SetModelPriceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSetModelPriceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the catalogue by model id.
     * </pre>
     */
    public io.tollgate.v1.ListModelsResponse listModels(io.tollgate.v1.ListModelsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListModelsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the prices of a model, latest effective_time first.
     * </pre>
     */
    public io.tollgate.v1.ListModelPricesResponse listModelPrices(io.tollgate.v1.ListModelPricesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListModelPricesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sets what one unit of a currency is worth in another from a time on. The opposite direction
     * is never inferred.
     * </pre>
     */
    public io.tollgate.v1.SetExchangeRateResponse setExchangeRate(io.tollgate.v1.SetExchangeRateRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSetExchangeRateMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists exchange rates by currencies, latest effective_time first.
     * </pre>
     */
    public io.tollgate.v1.ListExchangeRatesResponse listExchangeRates(io.tollgate.v1.ListExchangeRatesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListExchangeRatesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Allows a model in a workspace. Idempotent.
     * </pre>
     */
    public io.tollgate.v1.EnableModelResponse enableModel(io.tollgate.v1.EnableModelRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getEnableModelMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Disallows a model in a workspace: checks on it are blocked. Its limit, its spend and its
     * holds stay. Idempotent.
     * </pre>
     */
    public io.tollgate.v1.DisableModelResponse disableModel(io.tollgate.v1.DisableModelRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDisableModelMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sets the cap and the fallback chain of a model in a workspace. Takes effect on the next
     * check and changes nothing that was spent.
     * </pre>
     */
    public io.tollgate.v1.SetModelLimitResponse setModelLimit(io.tollgate.v1.SetModelLimitRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSetModelLimitMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists every model of a workspace that is enabled, capped or has spend in this cycle, by id.
     * </pre>
     */
    public io.tollgate.v1.ListModelLimitsResponse listModelLimits(io.tollgate.v1.ListModelLimitsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListModelLimitsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service ModelLimitService.
   * <pre>
   * Holds models, prices, exchange rates, and each workspace's choice of models with their caps.
   * </pre>
   */
  public static final class ModelLimitServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<ModelLimitServiceBlockingStub> {
    private ModelLimitServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ModelLimitServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ModelLimitServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Adds a model to the catalogue or changes it.
     * </pre>
     */
    public io.tollgate.v1.UpsertModelResponse upsertModel(io.tollgate.v1.UpsertModelRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpsertModelMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Adds a price that is valid from its effective_time until a later one. Prices are kept for
     * ever: records name the one they were billed at. A price of the same effective_time takes
     * the place of the earlier one for all that follows.
     * </pre>
     */
    public io.tollgate.v1.SetModelPriceResponse setModelPrice(io.tollgate.v1.SetModelPriceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSetModelPriceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the catalogue by model id.
     * </pre>
     */
    public io.tollgate.v1.ListModelsResponse listModels(io.tollgate.v1.ListModelsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListModelsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the prices of a model, latest effective_time first.
     * </pre>
     */
    public io.tollgate.v1.ListModelPricesResponse listModelPrices(io.tollgate.v1.ListModelPricesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListModelPricesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sets what one unit of a currency is worth in another from a time on. The opposite direction
     * is never inferred.
     * </pre>
     */
    public io.tollgate.v1.SetExchangeRateResponse setExchangeRate(io.tollgate.v1.SetExchangeRateRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSetExchangeRateMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists exchange rates by currencies, latest effective_time first.
     * </pre>
     */
    public io.tollgate.v1.ListExchangeRatesResponse listExchangeRates(io.tollgate.v1.ListExchangeRatesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListExchangeRatesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Allows a model in a workspace. Idempotent.
     * </pre>
     */
    public io.tollgate.v1.EnableModelResponse enableModel(io.tollgate.v1.EnableModelRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getEnableModelMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Disallows a model in a workspace: checks on it are blocked. Its limit, its spend and its
     * holds stay. Idempotent.
     * </pre>
     */
    public io.tollgate.v1.DisableModelResponse disableModel(io.tollgate.v1.DisableModelRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDisableModelMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sets the cap and the fallback chain of a model in a workspace. Takes effect on the next
     * check and changes nothing that was spent.
     * </pre>
     */
    public io.tollgate.v1.SetModelLimitResponse setModelLimit(io.tollgate.v1.SetModelLimitRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSetModelLimitMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists every model of a workspace that is enabled, capped or has spend in this cycle, by id.
     * </pre>
     */
    public io.tollgate.v1.ListModelLimitsResponse listModelLimits(io.tollgate.v1.ListModelLimitsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListModelLimitsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service ModelLimitService.
   * <pre>
   * Holds models, prices, exchange rates, and each workspace's choice of models with their caps.
   * </pre>
   */
  public static final class ModelLimitServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<ModelLimitServiceFutureStub> {
    private ModelLimitServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ModelLimitServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ModelLimitServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Adds a model to the catalogue or changes it.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.UpsertModelResponse> upsertModel(
        io.tollgate.v1.UpsertModelRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpsertModelMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Adds a price that is valid from its effective_time until a later one. Prices are kept for
     * ever: records name the one they were billed at. A price of the same effective_time takes
     * the place of the earlier one for all that follows.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.SetModelPriceResponse> setModelPrice(
        io.tollgate.v1.SetModelPriceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSetModelPriceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the catalogue by model id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListModelsResponse> listModels(
        io.tollgate.v1.ListModelsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListModelsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the prices of a model, latest effective_time first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListModelPricesResponse> listModelPrices(
        io.tollgate.v1.ListModelPricesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListModelPricesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Sets what one unit of a currency is worth in another from a time on. The opposite direction
     * is never inferred.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.SetExchangeRateResponse> setExchangeRate(
        io.tollgate.v1.SetExchangeRateRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSetExchangeRateMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists exchange rates by currencies, latest effective_time first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListExchangeRatesResponse> listExchangeRates(
        io.tollgate.v1.ListExchangeRatesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListExchangeRatesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Allows a model in a workspace. Idempotent.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.EnableModelResponse> enableModel(
        io.tollgate.v1.EnableModelRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getEnableModelMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Disallows a model in a workspace: checks on it are blocked. Its limit, its spend and its
     * holds stay. Idempotent.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.DisableModelResponse> disableModel(
        io.tollgate.v1.DisableModelRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDisableModelMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Sets the cap and the fallback chain of a model in a workspace. Takes effect on the next
     * check and changes nothing that was spent.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.SetModelLimitResponse> setModelLimit(
        io.tollgate.v1.SetModelLimitRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSetModelLimitMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists every model of a workspace that is enabled, capped or has spend in this cycle, by id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.tollgate.v1.ListModelLimitsResponse> listModelLimits(
        io.tollgate.v1.ListModelLimitsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListModelLimitsMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_UPSERT_MODEL = 0;
  private static final int METHODID_SET_MODEL_PRICE = 1;
  private static final int METHODID_LIST_MODELS = 2;
  private static final int METHODID_LIST_MODEL_PRICES = 3;
  private static final int METHODID_SET_EXCHANGE_RATE = 4;
  private static final int METHODID_LIST_EXCHANGE_RATES = 5;
  private static final int METHODID_ENABLE_MODEL = 6;
  private static final int METHODID_DISABLE_MODEL = 7;
  private static final int METHODID_SET_MODEL_LIMIT = 8;
  private static final int METHODID_LIST_MODEL_LIMITS = 9;

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
        case METHODID_UPSERT_MODEL:
          serviceImpl.upsertModel((io.tollgate.v1.UpsertModelRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.UpsertModelResponse>) responseObserver);
          break;
        case METHODID_SET_MODEL_PRICE:
          serviceImpl.setModelPrice((io.tollgate.v1.SetModelPriceRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.SetModelPriceResponse>) responseObserver);
          break;
        case METHODID_LIST_MODELS:
          serviceImpl.listModels((io.tollgate.v1.ListModelsRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListModelsResponse>) responseObserver);
          break;
        case METHODID_LIST_MODEL_PRICES:
          serviceImpl.listModelPrices((io.tollgate.v1.ListModelPricesRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListModelPricesResponse>) responseObserver);
          break;
        case METHODID_SET_EXCHANGE_RATE:
          serviceImpl.setExchangeRate((io.tollgate.v1.SetExchangeRateRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.SetExchangeRateResponse>) responseObserver);
          break;
        case METHODID_LIST_EXCHANGE_RATES:
          serviceImpl.listExchangeRates((io.tollgate.v1.ListExchangeRatesRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListExchangeRatesResponse>) responseObserver);
          break;
        case METHODID_ENABLE_MODEL:
          serviceImpl.enableModel((io.tollgate.v1.EnableModelRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.EnableModelResponse>) responseObserver);
          break;
        case METHODID_DISABLE_MODEL:
          serviceImpl.disableModel((io.tollgate.v1.DisableModelRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.DisableModelResponse>) responseObserver);
          break;
        case METHODID_SET_MODEL_LIMIT:
          serviceImpl.setModelLimit((io.tollgate.v1.SetModelLimitRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.SetModelLimitResponse>) responseObserver);
          break;
        case METHODID_LIST_MODEL_LIMITS:
          serviceImpl.listModelLimits((io.tollgate.v1.ListModelLimitsRequest) request,
              (io.grpc.stub.StreamObserver<io.tollgate.v1.ListModelLimitsResponse>) responseObserver);
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
          getUpsertModelMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.UpsertModelRequest,
              io.tollgate.v1.UpsertModelResponse>(
                service, METHODID_UPSERT_MODEL)))
        .addMethod(
          getSetModelPriceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.SetModelPriceRequest,
              io.tollgate.v1.SetModelPriceResponse>(
                service, METHODID_SET_MODEL_PRICE)))
        .addMethod(
          getListModelsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListModelsRequest,
              io.tollgate.v1.ListModelsResponse>(
                service, METHODID_LIST_MODELS)))
        .addMethod(
          getListModelPricesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListModelPricesRequest,
              io.tollgate.v1.ListModelPricesResponse>(
                service, METHODID_LIST_MODEL_PRICES)))
        .addMethod(
          getSetExchangeRateMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.SetExchangeRateRequest,
              io.tollgate.v1.SetExchangeRateResponse>(
                service, METHODID_SET_EXCHANGE_RATE)))
        .addMethod(
          getListExchangeRatesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListExchangeRatesRequest,
              io.tollgate.v1.ListExchangeRatesResponse>(
                service, METHODID_LIST_EXCHANGE_RATES)))
        .addMethod(
          getEnableModelMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.EnableModelRequest,
              io.tollgate.v1.EnableModelResponse>(
                service, METHODID_ENABLE_MODEL)))
        .addMethod(
          getDisableModelMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.DisableModelRequest,
              io.tollgate.v1.DisableModelResponse>(
                service, METHODID_DISABLE_MODEL)))
        .addMethod(
          getSetModelLimitMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.SetModelLimitRequest,
              io.tollgate.v1.SetModelLimitResponse>(
                service, METHODID_SET_MODEL_LIMIT)))
        .addMethod(
          getListModelLimitsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.tollgate.v1.ListModelLimitsRequest,
              io.tollgate.v1.ListModelLimitsResponse>(
                service, METHODID_LIST_MODEL_LIMITS)))
        .build();
  }

  private static abstract class ModelLimitServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    ModelLimitServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.tollgate.v1.ModelLimitServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("ModelLimitService");
    }
  }

  private static final class ModelLimitServiceFileDescriptorSupplier
      extends ModelLimitServiceBaseDescriptorSupplier {
    ModelLimitServiceFileDescriptorSupplier() {}
  }

  private static final class ModelLimitServiceMethodDescriptorSupplier
      extends ModelLimitServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    ModelLimitServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (ModelLimitServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new ModelLimitServiceFileDescriptorSupplier())
              .addMethod(getUpsertModelMethod())
              .addMethod(getSetModelPriceMethod())
              .addMethod(getListModelsMethod())
              .addMethod(getListModelPricesMethod())
              .addMethod(getSetExchangeRateMethod())
              .addMethod(getListExchangeRatesMethod())
              .addMethod(getEnableModelMethod())
              .addMethod(getDisableModelMethod())
              .addMethod(getSetModelLimitMethod())
              .addMethod(getListModelLimitsMethod())
              .build();
        }
      }
    }
    return result;
  }
}
