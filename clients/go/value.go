package tollgate

import "context"

// Guard is [Client.Guard] for a block that has a value: it returns what the block returns, unless
// the guard itself fails.
func Guard[T any](
	ctx context.Context, client *Client, request Request,
	block func(ctx context.Context, call *Call) (T, error),
) (T, error) {
	var value T
	err := client.Guard(ctx, request, func(ctx context.Context, call *Call) (err error) {
		value, err = block(ctx, call)
		return err
	})
	return value, err
}

// Resume is [Client.Resume] for a block that has a value.
func Resume[T any](
	ctx context.Context, client *Client, request ResumeRequest,
	block func(ctx context.Context, call *Call) (T, error),
) (T, error) {
	var value T
	err := client.Resume(ctx, request, func(ctx context.Context, call *Call) (err error) {
		value, err = block(ctx, call)
		return err
	})
	return value, err
}
