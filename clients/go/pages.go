package tollgate

import (
	"context"
	"errors"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// ErrPageTokenRepeated is the error of [Pages] where a server gives a page token for the second time,
// so that there would be no end.
var ErrPageTokenRepeated = errors.New("tollgate: the server gave a page token again")

// ListRequest is a request of a List call that has pages.
type ListRequest interface {
	proto.Message
	GetPageToken() string
}

// ListResponse is a page of a List call.
type ListResponse interface {
	proto.Message
	GetNextPageToken() string
}

// Pages goes through the pages of a List call, from that of the request's PageToken on:
//
//	request := &pb.ListUsageRecordsRequest{WorkspaceId: "acme"}
//	for page, err := range tollgate.Pages(ctx, client.Usage.ListUsageRecords, request) {
//		if err != nil {
//			return err
//		}
//		for _, record := range page.Records {
//
// Each page is asked for when it is needed. An error is the last that comes. The request is not
// changed.
func Pages[Q ListRequest, A ListResponse](
	ctx context.Context,
	list func(ctx context.Context, request Q, options ...grpc.CallOption) (A, error),
	request Q,
) iter.Seq2[A, error] {
	return func(yield func(A, error) bool) {
		var none A
		request := proto.CloneOf(request)
		fields := request.ProtoReflect().Descriptor().Fields()
		seen := map[string]bool{request.GetPageToken(): true}
		for {
			page, err := list(ctx, request)
			if err != nil {
				yield(none, err)
				return
			}
			if !yield(page, nil) {
				return
			}
			token := page.GetNextPageToken()
			if token == "" {
				return
			}
			if seen[token] {
				yield(none, ErrPageTokenRepeated)
				return
			}
			seen[token] = true
			request.ProtoReflect().Set(fields.ByName("page_token"), protoreflect.ValueOf(token))
		}
	}
}
