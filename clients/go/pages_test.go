package tollgate_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	tollgate "tollgate.example/go"
	pb "tollgate.example/go/gen/tollgate/v1"
)

func TestPagesHaveEveryEntryOnce(t *testing.T) {
	client, ctx := newClient(t, tollgate.Options{}), context.Background()
	workspace := server.Workspace("", "100")
	var want []string
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		want = append(want, id)
		_, err := client.APIKey.CreateKeyGroup(ctx, &pb.CreateKeyGroupRequest{
			WorkspaceId: workspace.ID, KeyGroup: &pb.KeyGroup{KeyGroupId: id},
		})
		expect(t, "error", err, nil)
	}
	request := &pb.ListKeyGroupsRequest{WorkspaceId: workspace.ID, PageSize: 2}
	pages := tollgate.Pages(ctx, client.APIKey.ListKeyGroups, request)
	// Also for the second time, as the request is not changed.
	for range 2 {
		var got []string
		count := 0
		for page, err := range pages {
			expect(t, "error", err, nil)
			count++
			for _, group := range page.KeyGroups {
				got = append(got, group.KeyGroupId)
			}
		}
		expect(t, "pages", count, 3)
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	first, err := client.APIKey.ListKeyGroups(ctx, request)
	expect(t, "error", err, nil)
	later := &pb.ListKeyGroupsRequest{
		WorkspaceId: workspace.ID, PageSize: 2, PageToken: first.NextPageToken,
	}
	for page, err := range tollgate.Pages(ctx, client.APIKey.ListKeyGroups, later) {
		expect(t, "error", err, nil)
		expect(t, "begins at its token", page.KeyGroups[0].KeyGroupId, "c")
		break
	}
	wrong := &pb.ListKeyGroupsRequest{WorkspaceId: "nowhere"}
	for page, err := range tollgate.Pages(ctx, client.APIKey.ListKeyGroups, wrong) {
		expect(t, "code", status.Code(err), codes.NotFound)
		expect(t, "page", page, nil)
	}
}

func TestARepeatedPageTokenIsAnError(t *testing.T) {
	for _, tokens := range [][]string{{"a", "a"}, {"a", "b", "a"}, {"begin"}} {
		asked := 0
		list := func(context.Context, *pb.ListModelsRequest, ...grpc.CallOption) (
			*pb.ListModelsResponse, error,
		) {
			asked++
			return &pb.ListModelsResponse{NextPageToken: tokens[asked-1]}, nil
		}
		request := &pb.ListModelsRequest{PageToken: "begin"}
		var last error
		for _, err := range tollgate.Pages(context.Background(), list, request) {
			last = err
		}
		if !errors.Is(last, tollgate.ErrPageTokenRepeated) {
			t.Errorf("%v: %v", tokens, last)
		}
		expect(t, "calls", asked, len(tokens))
	}
}
