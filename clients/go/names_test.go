package tollgate_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	tollgate "tollgate.example/go"
	pb "tollgate.example/go/gen/tollgate/v1"
)

// constants are the values of those of a type, as they stand in names.go.
func constants(t *testing.T, name string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "names.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if ok && spec.Type.(*ast.Ident).Name == name {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
		return true
	})
	return values
}

func TestEveryMemberOfAnEnumHasItsConstant(t *testing.T) {
	for _, enum := range []protoreflect.Enum{
		pb.BudgetState(0), pb.Decision(0), pb.Enforcement(0), pb.ErrorReason(0), pb.LimitKind(0),
		pb.LimitPeriod(0), pb.LimitUnit(0), pb.Reason(0), pb.ServiceTier(0), pb.SubjectType(0),
		pb.UnitKind(0),
	} {
		described := enum.Descriptor()
		prefix := strings.TrimSuffix(string(described.Values().Get(0).Name()), "UNSPECIFIED")
		var want []string
		for at := 1; at < described.Values().Len(); at++ {
			name := string(described.Values().Get(at).Name())
			want = append(want, strings.TrimPrefix(name, prefix))
		}
		if got := constants(t, string(described.Name())); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", described.Name(), got, want)
		}
	}
	expect(t, "a constant", tollgate.ReasonHeldInFlight, "HELD_IN_FLIGHT")
}

func TestErrorsOfTheServerHaveAReason(t *testing.T) {
	client := newClient(t, tollgate.Options{})
	_, err := client.Budget.GetBudget(context.Background(),
		&pb.GetBudgetRequest{WorkspaceId: "nowhere"})
	expect(t, "reason", tollgate.ErrorReasonOf(err), tollgate.ErrorReasonWorkspaceNotFound)
	wrapped := fmt.Errorf("wrapped: %w", err)
	expect(t, "reason", tollgate.ErrorReasonOf(wrapped), tollgate.ErrorReasonWorkspaceNotFound)
	_, err = client.Budget.GetBudget(context.Background(), &pb.GetBudgetRequest{})
	expect(t, "reason", tollgate.ErrorReasonOf(err), tollgate.ErrorReasonInvalidField)
	for _, other := range []error{nil, errors.New("own"), status.Error(codes.NotFound, "no")} {
		expect(t, "reason", tollgate.ErrorReasonOf(other), "")
	}
	// What a newer server says is not lost, and what others say is not taken for it.
	for domain, want := range map[string]tollgate.ErrorReason{"tollgate": "NEW", "other": ""} {
		info := &errdetails.ErrorInfo{Domain: domain, Reason: "ERROR_REASON_NEW"}
		said, err := status.New(codes.NotFound, "no").WithDetails(info)
		expect(t, "details", err, nil)
		expect(t, "reason", tollgate.ErrorReasonOf(said.Err()), want)
	}
}
