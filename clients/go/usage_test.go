package tollgate_test

import (
	"reflect"
	"testing"

	"github.com/shopspring/decimal"

	tollgate "tollgate.example/go"
	pb "tollgate.example/go/gen/tollgate/v1"
)

func TestUnitsComeBack(t *testing.T) {
	usage := tollgate.Usage{
		InputTokens: 5,
		Units:       map[tollgate.UnitKind]int64{"WEB_SEARCH": 3, "IMAGE": 1},
	}
	units := usage.Proto().Units
	expect(t, "units", len(units), 2)
	expect(t, "kind", units[0].Kind, pb.UnitKind_UNIT_KIND_IMAGE)
	expect(t, "count", units[1].Count, 3)
	expect(t, "back", reflect.DeepEqual(tollgate.UsageFromProto(usage.Proto()), usage), true)
	unknown := tollgate.Usage{Units: map[tollgate.UnitKind]int64{"MIRACLE": 1}}
	expect(t, "unknown", unknown.Proto().Units[0].Kind, pb.UnitKind_UNIT_KIND_UNSPECIFIED)
}

func TestMoney(t *testing.T) {
	money, err := tollgate.MoneyFromProto(&pb.Money{CurrencyCode: "EUR", Amount: "12.50"})
	expect(t, "error", err, nil)
	expect(t, "text", money.String(), "12.50 EUR")
	back, err := money.Proto()
	expect(t, "error", err, nil)
	expect(t, "amount", back.Amount, "12.50")
	zero, err := tollgate.MoneyFromProto(nil)
	expect(t, "error", err, nil)
	expect(t, "nothing", zero.Amount.IsZero(), true)
	_, err = tollgate.MoneyFromProto(&pb.Money{Amount: "much"})
	expect(t, "not an amount", err != nil, true)
	fine := tollgate.Money{Amount: decimal.RequireFromString("0.123456789")}
	_, err = fine.Proto()
	expect(t, "nine digits", err, nil)
	fine.Amount = decimal.RequireFromString("0.1234567891")
	_, err = fine.Proto()
	expect(t, "ten digits", err != nil, true)
	large := tollgate.Money{Amount: decimal.New(12, 3)}
	back, err = large.Proto()
	expect(t, "error", err, nil)
	expect(t, "no exponent", back.Amount, "12000")
}
