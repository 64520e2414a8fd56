package io.tollgate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.tollgate.support.Server;
import io.tollgate.v1.ErrorReason;
import io.tollgate.v1.GetBudgetRequest;
import io.tollgate.v1.LimitKind;
import io.tollgate.v1.LimitUnit;
import io.tollgate.v1.Reason;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Names of the API, and the reasons of its errors. */
class NamesTest {

  @Test
  void everyTierOfTheApiIsThere() {
    List<String> tiers =
        Arrays.stream(io.tollgate.v1.ServiceTier.values())
            .map(Enum::name)
            .filter(name -> name.startsWith("SERVICE_TIER_") && !name.endsWith("_UNSPECIFIED"))
            .toList();
    assertEquals(
        tiers, Arrays.stream(ServiceTier.values()).map(tier -> tier.toProto().name()).toList());
    assertTrue(tiers.size() > 6);
  }

  @Test
  void namesArePrintedWithoutTheirPrefix() {
    assertEquals("RATE_LIMITED", Verdict.name(Reason.REASON_RATE_LIMITED));
    assertEquals("", Verdict.name(LimitKind.LIMIT_KIND_UNSPECIFIED));
    assertEquals("UNRECOGNIZED", Verdict.name(LimitUnit.UNRECOGNIZED));
  }

  @Test
  void errorsOfTheServerHaveAReason() throws IOException {
    try (Client client = Server.shared().client()) {
      StatusRuntimeException unknown =
          assertThrows(StatusRuntimeException.class, () -> get(client, "nowhere"));
      assertEquals(
          Optional.of(ErrorReason.ERROR_REASON_WORKSPACE_NOT_FOUND), ErrorReasons.of(unknown));
      StatusRuntimeException invalid =
          assertThrows(StatusRuntimeException.class, () -> get(client, ""));
      assertEquals(Optional.of(ErrorReason.ERROR_REASON_INVALID_FIELD), ErrorReasons.of(invalid));
    }
    assertEquals(Optional.empty(), ErrorReasons.of(new IllegalStateException("own")));
    assertEquals(Optional.empty(), ErrorReasons.of(Status.NOT_FOUND.asRuntimeException()));
  }

  @Test
  void whatIsNewerOrOfOthersIsToldApart() {
    assertEquals(Optional.of(ErrorReason.UNRECOGNIZED), ErrorReasons.of(failed("tollgate")));
    assertEquals(Optional.empty(), ErrorReasons.of(failed("other")));
  }

  private static void get(Client client, String workspace) {
    client.budget().getBudget(GetBudgetRequest.newBuilder().setWorkspaceId(workspace).build());
  }

  private static StatusRuntimeException failed(String domain) {
    ErrorInfo info =
        ErrorInfo.newBuilder().setDomain(domain).setReason("ERROR_REASON_NEW").build();
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(Status.Code.NOT_FOUND.value())
            .addDetails(Any.pack(RetryInfo.getDefaultInstance()))
            .addDetails(Any.pack(info))
            .build());
  }
}
