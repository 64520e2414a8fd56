/** The messages, enums and services of the API, as they are generated from its protos. */
export * from "./gen/tollgate/v1/access_service_pb.js";
export * from "./gen/tollgate/v1/alert_service_pb.js";
export * from "./gen/tollgate/v1/analytics_service_pb.js";
export * from "./gen/tollgate/v1/api_key_service_pb.js";
export * from "./gen/tollgate/v1/audit_service_pb.js";
export * from "./gen/tollgate/v1/budget_service_pb.js";
export * from "./gen/tollgate/v1/catalog_service_pb.js";
export * from "./gen/tollgate/v1/common_pb.js";
export * from "./gen/tollgate/v1/directory_service_pb.js";
export * from "./gen/tollgate/v1/error_reason_pb.js";
export * from "./gen/tollgate/v1/insight_service_pb.js";
export * from "./gen/tollgate/v1/model_limit_service_pb.js";
export * from "./gen/tollgate/v1/quota_service_pb.js";
export * from "./gen/tollgate/v1/usage_service_pb.js";
export * from "./gen/tollgate/v1/workspace_service_pb.js";
