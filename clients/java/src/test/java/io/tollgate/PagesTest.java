package io.tollgate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.tollgate.support.Server;
import io.tollgate.support.Workspace;
import io.tollgate.v1.CreateKeyGroupRequest;
import io.tollgate.v1.KeyGroup;
import io.tollgate.v1.ListBudgetRisksRequest;
import io.tollgate.v1.ListKeyGroupsRequest;
import io.tollgate.v1.ListKeyGroupsResponse;
import io.tollgate.v1.ListModelsRequest;
import io.tollgate.v1.ListModelsResponse;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;

/** The pages of List calls. */
class PagesTest {

  private static final List<String> GROUPS = List.of("a", "b", "c", "d", "e");

  @Test
  void everyEntryIsThereOnce() throws IOException {
    try (Client client = Server.shared().client()) {
      String id = new Workspace(client).id();
      for (String group : GROUPS) {
        client
            .apiKey()
            .createKeyGroup(
                CreateKeyGroupRequest.newBuilder()
                    .setWorkspaceId(id)
                    .setKeyGroup(KeyGroup.newBuilder().setKeyGroupId(group))
                    .build());
      }
      ListKeyGroupsRequest request =
          ListKeyGroupsRequest.newBuilder().setWorkspaceId(id).setPageSize(2).build();
      Pages<ListKeyGroupsResponse> pages = Pages.of(client.apiKey()::listKeyGroups, request);
      // Also for the second time, as every iterator starts from the beginning.
      for (int time = 0; time < 2; time++) {
        List<Integer> sizes = new ArrayList<>();
        for (ListKeyGroupsResponse page : pages) {
          sizes.add(page.getKeyGroupsCount());
        }
        assertEquals(List.of(2, 2, 1), sizes);
      }
      assertEquals(
          GROUPS,
          pages.stream()
              .flatMap(page -> page.getKeyGroupsList().stream())
              .map(KeyGroup::getKeyGroupId)
              .toList());
      String token = pages.iterator().next().getNextPageToken();
      ListKeyGroupsRequest later = request.toBuilder().setPageToken(token).build();
      assertEquals(
          "c",
          Pages.of(client.apiKey()::listKeyGroups, later)
              .iterator()
              .next()
              .getKeyGroups(0)
              .getKeyGroupId());

      ListKeyGroupsRequest wrong =
          ListKeyGroupsRequest.newBuilder().setWorkspaceId("nowhere").build();
      Iterator<ListKeyGroupsResponse> none =
          Pages.of(client.apiKey()::listKeyGroups, wrong).iterator();
      StatusRuntimeException error = assertThrows(StatusRuntimeException.class, none::next);
      assertEquals(Status.Code.NOT_FOUND, error.getStatus().getCode());

      assertThrows(
          IllegalArgumentException.class,
          () ->
              Pages.of(
                  client.insight()::listBudgetRisks, ListBudgetRisksRequest.getDefaultInstance()));
    }
  }

  @Test
  void aRepeatedTokenIsAnError() {
    for (List<String> tokens :
        List.of(List.of("a", "a"), List.of("a", "b", "a"), List.of("begin"))) {
      Deque<String> rest = new ArrayDeque<>(tokens);
      Iterator<ListModelsResponse> walk =
          Pages.of(
                  (ListModelsRequest request) ->
                      ListModelsResponse.newBuilder().setNextPageToken(rest.remove()).build(),
                  ListModelsRequest.newBuilder().setPageToken("begin").build())
              .iterator();
      for (int page = 0; page < tokens.size(); page++) {
        assertTrue(walk.hasNext());
        walk.next();
      }
      TollgateException error = assertThrows(TollgateException.class, walk::next);
      assertTrue(error.getMessage().contains("page token again"), error.getMessage());
    }
    Iterator<ListModelsResponse> one =
        Pages.of(
                (ListModelsRequest request) -> ListModelsResponse.getDefaultInstance(),
                ListModelsRequest.getDefaultInstance())
            .iterator();
    one.next();
    assertFalse(one.hasNext());
    assertThrows(NoSuchElementException.class, one::next);
  }
}
